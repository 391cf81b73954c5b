"""What is signed of a log: checkpoints, their proofs, the cosignatures of witnesses."""
