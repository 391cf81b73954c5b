"""A call that was let in: what it may send, what it holds, and its end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Final

from systemzero_base.telemetry.observed import current_call
from systemzero_core.errors import TooManyInFlight
from systemzero_gateway.access.caller import Caller
from systemzero_gateway.access.policy import Method
from systemzero_gateway.audit import Decided
from systemzero_gateway.forwarding.paying import Requests, Responses
from systemzero_gateway.forwarding.sizes import StreamBudget, check_size
from systemzero_gateway.limits import InFlight, only_message
from systemzero_gateway.limits.inflight import RETRY_SECONDS

if TYPE_CHECKING:
    from systemzero_gateway.forwarding.admission import Admission

_SMALL_BYTES: Final = 65_536
"""Messages up to here are bounded by the calls in flight alone."""


class Ticket:
    """A call that was let in. Whoever got it MUST `end` it, however the call ends."""

    __slots__ = ("_admission", "_call", "_held", "_in_flight", "_method", "_peer", "caller")

    def __init__(
        self,
        admission: Admission,
        method: Method,
        caller: Caller,
        peer: str,
        in_flight: InFlight,
    ) -> None:
        self._admission = admission
        self._method = method
        self._peer = peer
        self._call = current_call()
        self._in_flight: InFlight | None = in_flight
        self._held = 0
        self.caller = caller

    def end(self, reason: str) -> None:
        """The call is over, for `reason`: none means well. Only the first one counts."""
        if self._in_flight is not None:
            self._in_flight.leave(self.caller.principal.tenant)
            self._in_flight = None
            if self._held:
                self._admission.messages.let_go(self.caller.principal.tenant, self._held)
            if self._method.audit:
                decision = Decided.FAILED if reason else Decided.ALLOWED
                who = self.caller, self._method.path
                self._admission.audit.release()
                self._admission.record(*who, self._peer, self._call, decision, reason)

    async def message(self, requests: AsyncIterator[bytes]) -> bytes:
        """The one message of `requests`; it is held until the call ends.

        Raises:
            InvalidInput: there is none, or more than one.
            TooLarge: it is larger than the method allows.
            TooManyInFlight: the tenant's calls have as many bytes as they may, or all the
                messages that may be read at a time are read.
            DeadlineExceeded: it did not come in time.
        """
        tenant = self.caller.principal.tenant
        async with self._admission.reading.of(tenant):
            message = await only_message(requests)
            check_size(self._method, len(message))
            if len(message) > _SMALL_BYTES:
                self._hold(tenant, len(message))
        return message

    def _hold(self, tenant: str, size: int) -> None:
        messages = self._admission.messages
        if not messages.has_room(tenant, size):
            raise _no_room(messages.total)
        messages.hold(tenant, size)
        self._held = size

    def requests(self) -> Callable[[int], Awaitable[None]]:
        """What each message of the call's stream of requests is told to, by its size in bytes."""
        budget = StreamBudget(self._method, self._admission.limits.stream_bytes)
        paying = Requests(self._method, self.caller, budget, self._admission.pace)
        return lambda size: paying.take(size, self._admission.limits.unit_bytes)

    def responses(self) -> Callable[[int], Awaitable[None]]:
        """The same of its stream of responses, which waits before the next one.

        Those of a conversation are paid with its requests.
        """
        if self._method.client_streaming:
            return _paid
        paying = Responses(self.caller, self._admission.pace)
        return lambda size: paying.take(size, self._admission.limits.unit_bytes)


def _no_room(total: int) -> TooManyInFlight:
    return TooManyInFlight(
        "the tenant's calls under way leave no room for a request of this size; try again when "
        "some have ended",
        retry_after=RETRY_SECONDS,
        metadata={"subject": "tenant", "limit": str(total)},
    )


async def _paid(_size: int) -> None:
    """Nothing is to be paid."""
