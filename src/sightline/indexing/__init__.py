"""Indexing: from a folder of files to committed units of work."""
