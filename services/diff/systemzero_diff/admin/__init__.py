"""The diff service's part of `sz-admin`."""
