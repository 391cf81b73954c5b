"""How long a call may take, of what its client gives it."""

from __future__ import annotations

from systemzero_gateway.access.policy import Method
from systemzero_gateway.config import DeadlineSettings

SHAVED = 0.05
"""The share of a deadline, at most `SHAVED_SECONDS`, that whoever serves a call gets less than the
gateway, so that the gateway can say that it passed."""
SHAVED_SECONDS = 0.1


def seconds_for(method: Method, remaining: float | None, deadlines: DeadlineSettings) -> float:
    """Seconds for whoever serves a call of `method`, of the `remaining` ones.

    Those are None where the client set no deadline.
    """
    if method.server_streaming:
        usual, most = deadlines.stream, deadlines.stream
    else:
        usual, most = deadlines.default, deadlines.ceiling
    seconds = min(usual if remaining is None else remaining, most)
    return seconds - min(seconds * SHAVED, SHAVED_SECONDS)
