"""Measurements, side by side with peers in one run; ratios are the result, absolute numbers are context."""
