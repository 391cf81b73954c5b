"""The gateway's part of `sz-admin`."""
