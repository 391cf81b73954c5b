"""Storage quotas: what a tenant may store in a service, and what it does."""
