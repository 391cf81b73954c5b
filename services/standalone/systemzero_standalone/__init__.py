"""The three services in one process."""
