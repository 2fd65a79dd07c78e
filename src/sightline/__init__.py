"""Sightline: ask your videos, see what it looked at."""

from __future__ import annotations

__version__ = "0.1.0"
