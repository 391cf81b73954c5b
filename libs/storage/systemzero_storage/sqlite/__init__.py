"""The embedded default: one SQLite file, one writer."""
