"""A service as processes: started, watched over, drained, stopped."""
