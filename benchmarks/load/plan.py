"""What the generator is told: a file, since it is another process. Standard library alone."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

PACE = 5.0
"""Calls a second of one user."""
SETTLE_SECONDS = 10.0
"""At the begin of a step, while its users come and caches fill: not counted."""


@dataclass(frozen=True)
class Plan:
    """One run of the generator.

    Attributes:
        target: where the gateway listens.
        key: the API key of every call.
        pids: the server's processes.
        prepared: file with the calls, see `mix.save`.
        shares: of each kind of call, in a hundred.
        rates: calls a second of each step.
        seconds: how long each step is measured.
        out: file of the result, a list of steps.
        python: interpreter of the process that makes the calls.
        seed: of the order of calls.
    """

    target: str
    key: str = field(repr=False)
    pids: list[int]
    prepared: str
    shares: dict[str, float]
    rates: list[float]
    seconds: float
    out: str
    python: str
    seed: int = 1

    def write(self, path: Path) -> None:
        """Write it where only its owner reads: there is a key in it."""
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, path: Path) -> Plan:
        """What `write` wrote."""
        return cls(**json.loads(path.read_text()))
