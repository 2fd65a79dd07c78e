"""Figures from scores and truths: pure functions on arrays, one file per task."""
