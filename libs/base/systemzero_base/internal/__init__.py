"""Who calls whom within the platform: the signed internal identity, and who trusts whom."""
