"""What is under deploy/, checked by the tools of its trade: `make manifests`."""
