"""Finding: from words to moments with a start, an end and a confidence."""
