"""What is counted of a database by whoever writes to it; the rest is looked at (`sampler`)."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Histogram

COMMITS: Final = Histogram(
    "systemzero_database_commit_duration_seconds",
    "Duration of transactions that write: their jobs and their commit, by database.",
    ["database"],
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
JOBS: Final = Counter(
    "systemzero_database_jobs",
    "Write jobs run, several in one transaction, by database.",
    ["database"],
)
FAILURES: Final = Counter(
    "systemzero_database_failures",
    "Transactions that write and could not be committed, by database.",
    ["database"],
)
