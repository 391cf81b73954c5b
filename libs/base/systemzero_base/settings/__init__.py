"""Settings: how they are read, and sections that several services have."""
