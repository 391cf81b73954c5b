"""What signs a log: its keys, its name."""
