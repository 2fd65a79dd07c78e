"""Exports: results in the formats that editors and players import."""
