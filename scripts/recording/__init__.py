"""Recording of accessibility trees from real software, for tests, the demo and benchmarks.

`python -m scripts.record_captures` runs it; tests/data/README.md says what comes out.
"""
