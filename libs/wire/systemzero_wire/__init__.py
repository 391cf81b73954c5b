"""Between the contract and the domain: trees, verdicts, errors, request fields."""
