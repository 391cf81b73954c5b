"""Who may do what: policies of the contract, the caller, its quotas."""
