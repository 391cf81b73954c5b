"""A call that was let in: what it may send, what it holds, and its end."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

from systemzero_base.telemetry.observed import current_call
from systemzero_core.errors import RateLimited, TooManyInFlight
from systemzero_gateway.access.caller import Caller
from systemzero_gateway.access.policy import Method
from systemzero_gateway.audit import Decided
from systemzero_gateway.forwarding.charging import Requests, Responses
from systemzero_gateway.forwarding.sizes import StreamBudget, check_size
from systemzero_gateway.limits import InFlight, only_message
from systemzero_gateway.limits.held import SMALL
from systemzero_gateway.limits.inflight import RETRY_SECONDS
from systemzero_gateway.limits.reading import END, SECONDS

if TYPE_CHECKING:
    from systemzero_gateway.forwarding.admission import Admission


class Lease:
    """A call that was let in. Whoever got it MUST `end` it, however the call ends."""

    __slots__ = (
        "_admission",
        "_call",
        "_held",
        "_in_flight",
        "_method",
        "_peer",
        "_slot",
        "caller",
    )

    def __init__(
        self,
        admission: Admission,
        method: Method,
        caller: Caller,
        peer: str,
        in_flight: InFlight,
        slot: int,
    ) -> None:
        """`slot` is where its act was noted, if it is one."""
        self._slot = slot
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
                self._admission.held.let_go(self.caller.principal.tenant, self._held)
            if self._method.audit:
                decision = Decided.FAILED if reason else Decided.ALLOWED
                who = self.caller, self._method.path
                self._admission.audit.release()
                self._admission.record(*who, self._peer, self._call, decision, reason, self._slot)

    async def message(self, context: Any, left: float) -> bytes:
        """The one message of the call of `context`; it is held until the call ends.

        `left` are the seconds to the call's deadline.

        Raises:
            InvalidInput: there is none.
            TooLarge: it is larger than the method allows.
            TooManyInFlight: the tenant's calls have as many bytes as they may, or all the
                messages that may be read at a time are read.
            DeadlineExceeded: it did not come in time.
        """
        tenant = self.caller.principal.tenant
        async with self._admission.reading.of(tenant, min(left, SECONDS)):
            message = await only_message(context, left)
            check_size(self._method, len(message))
            if len(message) > SMALL:
                self._hold(tenant, len(message))
        return message

    def _hold(self, tenant: str, size: int) -> None:
        held = self._admission.held
        if not held.has_room(tenant, size):
            raise _no_room(held.total)
        held.hold(tenant, size)
        self._held = size

    async def messages(self, context: Any) -> AsyncGenerator[bytes, None]:
        """The messages of the call's stream of requests, each when its rate allows.

        Each is held until the next one is asked for.

        Raises:
            TooLarge: one is larger than the method allows, or all of them are together.
            RateLimited: the tenant's messages have as many bytes as they may, for too long.
            Unavailable: the limits can't be checked, or the stream was silent for too long.
        """
        budget = StreamBudget(self._method, self._admission.limits.stream_bytes)
        charging = Requests(self._method, self.caller, budget, self._admission.throttle)
        tenant = self.caller.principal.tenant
        while (message := await self._next(context, tenant)) is not None:
            size = len(message)
            try:
                await charging.take(size, self._admission.limits.unit_bytes)
                yield message
            finally:
                del message  # the next one may be long in coming
                if size > SMALL:
                    self._admission.held.let_go(tenant, size)

    async def _next(self, context: Any, tenant: str) -> bytes | None:
        """The next message of the stream, with its bytes held; None for its end."""
        async with self._admission.listening.of(tenant) as ear:
            message = await ear.hear(context)
            if message is END:
                return None
            size, held = len(message), self._admission.held
            check_size(self._method, size)
            # meanwhile the place is kept: there are no more messages without room than places
            if size > SMALL and not await held.hold_when_there_is_room(tenant, size):
                raise _no_room_for_a_stream(held.total)
            return message  # type: ignore[no-any-return]

    def responses(self) -> Callable[[int], Awaitable[None]]:
        """The same of its stream of responses, which waits before the next one.

        Those of a conversation are paid with its requests.
        """
        if self._method.client_streaming:
            return _paid
        charging = Responses(self.caller, self._admission.throttle)
        return lambda size: charging.take(size, self._admission.limits.unit_bytes)


def _no_room(total: int) -> TooManyInFlight:
    return TooManyInFlight(
        "the tenant's calls under way leave no room for a request of this size; try again when "
        "some have ended",
        retry_after=RETRY_SECONDS,
        metadata={"subject": "tenant", "limit": str(total)},
    )


def _no_room_for_a_stream(total: int) -> RateLimited:
    return RateLimited(
        "the tenant's messages leave no room for one of this size; try again in "
        f"{RETRY_SECONDS:.1f} seconds, with fewer streams or smaller messages",
        retry_after=RETRY_SECONDS,
        metadata={"subject": "tenant", "limit": str(total)},
    )


async def _paid(_size: int) -> None:
    """Nothing is to be paid."""
