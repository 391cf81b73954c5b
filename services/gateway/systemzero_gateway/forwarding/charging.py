"""What the messages of a stream cost whoever has it.

A stream takes its method's cost when it opens, as a call does: that pays for its first message.
Each further message of the client's takes the cost again, and one that is larger than `unit_bytes`
takes it as many times as it has those, so that no message is cheaper than the call that it
replaces. The answers of a conversation are paid with its questions. Of any other stream of
responses (a watch, an export) so many bytes take a unit.
"""

from __future__ import annotations

from typing import Final

from systemzero_gateway import metrics
from systemzero_gateway.access.caller import Caller
from systemzero_gateway.access.policy import Method
from systemzero_gateway.forwarding.sizes import StreamBudget
from systemzero_gateway.limits import Throttle

_MESSAGES: Final = 1_000
"""Responses that take a unit, however small they are."""
_units = metrics.STREAM_UNITS.labels


class Requests:
    """What a stream of requests pays, message by message."""

    def __init__(
        self, method: Method, caller: Caller, budget: StreamBudget, throttle: Throttle
    ) -> None:
        self._cost = method.cost
        self._caller = caller
        self._budget = budget
        self._throttle = throttle
        self._paid = method.cost

    async def take(self, size: int, unit_bytes: int) -> None:
        """Account for a message of `size` bytes, once its rate lets it pass.

        Raises:
            TooLarge: the message is larger than the method allows, or the stream is by now.
            Unavailable: the limits can't be checked.
        """
        self._budget.take(size)
        owed = self._cost * max(1, -(-size // unit_bytes)) - self._paid
        self._paid = 0
        if owed > 0:
            _units("request").inc(owed)
            await self._throttle.take(self._caller, owed)


class Responses:
    """What a stream of responses pays, after each of them and before the next is asked for."""

    def __init__(self, caller: Caller, throttle: Throttle) -> None:
        self._caller = caller
        self._throttle = throttle
        self._owed = 0

    async def take(self, size: int, unit_bytes: int) -> None:
        """Account for a message of `size` bytes; returns once the rate lets another one pass.

        Raises:
            Unavailable: the limits can't be checked.
        """
        self._owed += max(size, unit_bytes // _MESSAGES)
        units, self._owed = divmod(self._owed, unit_bytes)
        if units:
            _units("response").inc(units)
            await self._throttle.take(self._caller, units)
