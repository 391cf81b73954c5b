"""The contract as a document: `docs/api.md`, from the protos and the comments in them."""
