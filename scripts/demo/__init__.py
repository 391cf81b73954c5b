"""The main job in under a minute, on recorded captures: `make demo`."""
