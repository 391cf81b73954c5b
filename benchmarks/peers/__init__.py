"""Other tools that compare trees, each in a process of its own, beside `benchmarks.diff`."""
