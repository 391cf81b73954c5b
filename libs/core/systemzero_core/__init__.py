"""System//Zero's domain: pure functions over accessibility trees.

Invariants of this distribution: no gRPC, no I/O, no clock, no globals that change. Whoever calls
passes bytes, times and randomness in.
"""
