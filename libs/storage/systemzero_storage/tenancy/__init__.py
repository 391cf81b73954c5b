"""One tenant's rows: what a store is given instead of a connection."""
