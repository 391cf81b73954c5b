"""The tamper-evident log's store, witnesses and proofs; its methods and exports."""
