"""Where the trees of a request come from."""
