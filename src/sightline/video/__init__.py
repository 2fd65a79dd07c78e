"""Video: a file becomes frames with the decoder's seconds, shots, and lines of text."""
