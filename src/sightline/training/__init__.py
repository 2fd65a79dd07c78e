"""The loop that every recipe learns with: steps, their log, and checkpoints to go on from."""
