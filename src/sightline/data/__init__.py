"""Data: worlds with known truth, and readers of public annotation formats."""
