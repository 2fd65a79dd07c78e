"""Encoders: pictures and words in one space."""
