"""API keys, tokens, certificates and tenants: who calls, and how that is known."""
