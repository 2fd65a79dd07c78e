"""Intake: what happens to a file between being found and being searchable, one job a file."""
