"""The parts no paper owns: attention, transformers, positions, towers. Needs torch (the `lab` extra)."""
