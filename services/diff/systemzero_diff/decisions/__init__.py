"""What people decide about events."""
