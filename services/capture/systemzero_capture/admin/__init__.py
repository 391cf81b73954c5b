"""The capture service's part of `sz-admin`."""
