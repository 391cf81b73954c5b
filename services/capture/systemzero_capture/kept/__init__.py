"""What is kept of captures, and for how long."""
