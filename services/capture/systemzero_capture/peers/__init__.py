"""The diff service as this one asks it: for verdicts, and to erase what it has of a capture."""
