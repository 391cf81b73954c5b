"""What is settled before a call is routed: who, how often, how many at a time, whether.

The order is the argument. Load is shed before anything else is done. A credential seen before costs
a look into a dict; only one that was not is held against its address, so that guessing is slow, and
hurts nobody behind the same address who is known already. The rate comes before the rest, since
refusals cost as much as answers, and so that whoever is known learns of every refusal what is left.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache

from systemzero_base.settings.addresses import address_of, network_of
from systemzero_base.telemetry.observed import CurrentCall, Metadata, current_call
from systemzero_core.errors import (
    DomainError,
    PermissionDenied,
    RateLimited,
    Unauthenticated,
)
from systemzero_gateway import metrics
from systemzero_gateway.access.caller import Caller
from systemzero_gateway.access.policy import Method
from systemzero_gateway.audit import Act, AuditQueue, Decided
from systemzero_gateway.credentials.authenticate import Authenticator
from systemzero_gateway.credentials.certificates import certificate_of
from systemzero_gateway.credentials.credential import credential_of
from systemzero_gateway.forwarding.lease import Lease
from systemzero_gateway.limits import (
    Bucket,
    CallerLimits,
    Decision,
    HeldBytes,
    InFlight,
    LimitSettings,
    LimitStore,
    ListenPermits,
    LocalLimits,
    Rate,
    ReadPermits,
    Throttle,
)
from systemzero_runtime.interceptors.chain import Context

_AMBIGUOUS = "several"
"""Stands for several credentials; without a scheme, it is never accepted."""
_PREFIX_DIGITS = 4
"""Of a credential's digest, in hexadecimal: guesses that share them are limited together."""
_PREFIXES_AT_ONCE = 10
"""As many times as of one prefix, guesses of a network are answered in all."""
_decisions = cache(metrics.LIMIT_DECISIONS.labels)


def credential_in(metadata: Metadata) -> str:
    """The `authorization` of a call; empty for none."""
    values = [value for key, value in metadata if key == "authorization"]
    if len(values) > 1:
        return _AMBIGUOUS
    return str(values[0]) if values else ""


class Admission:
    """Lets calls in, or raises."""

    def __init__(
        self,
        authenticator: Authenticator,
        limits: LimitSettings,
        store: LimitStore,
        addresses: LocalLimits,
        audit: AuditQueue,
    ) -> None:
        """`store` has the buckets of callers, `addresses` those of failed attempts.

        `calls` counts calls with one response that are under way, `streams` those with a stream;
        `throttle` holds streams back to the rates. `reading` has the places of calls whose message
        is being read, `listening` those of streams; `held` are the bytes of all messages.
        """
        self._authenticator = authenticator
        self._asks_for_certificates = authenticator.asks_for_certificates
        self._callers = CallerLimits(store, limits.tenant, limits.principal)
        self.throttle = Throttle(self._callers)
        self._addresses = addresses
        self.reading = ReadPermits()
        self.listening = ListenPermits()
        self.held = HeldBytes(limits.held_bytes)
        self.calls = InFlight(limits.total_in_flight, limits.in_flight)
        self.streams = InFlight(limits.total_streams, limits.streams)
        self.audit = audit
        self.limits = limits

    def change(self, limits: LimitSettings) -> None:
        """Have other limits from now on; what is under way goes on."""
        self._callers.change(limits.tenant, limits.principal)
        self.held.total = limits.held_bytes
        self.calls.change(limits.total_in_flight, limits.in_flight)
        self.streams.change(limits.total_streams, limits.streams)
        self.limits = limits

    def look(self) -> None:
        """Set the gauges; see `systemzero_runtime.operations.sampler`."""
        for kind, in_flight in (("call", self.calls), ("stream", self.streams)):
            metrics.IN_FLIGHT.labels(kind).set(len(in_flight))
            metrics.IN_FLIGHT_MOST.labels(kind).set(in_flight.total)
        metrics.STREAMS_HELD.set(self.throttle.held)
        metrics.BYTES_HELD.set(len(self.held))

    async def admit(self, method: Method, context: Context) -> Lease:
        """Let the current call in; sets the rate limit's trailers.

        Raises:
            Overloaded: there are too many calls under way, or what would have to be recorded of
                this one finds no room.
            Unauthenticated: its credential is missing or not accepted.
            RateLimited: a limit is used up (TooManyInFlight: that of the tenant's calls).
            PermissionDenied: it lacks the permission.
            Unavailable: the key store or the limits' store does not answer.
        """
        # before all else: a call that is gone has no peer, and gRPC fails when asked for it
        peer = context.peer() if method.audit else ""
        in_flight = self.streams if method.server_streaming else self.calls
        in_flight.enter()
        caller, reserved, slot = None, False, -1
        try:
            if method.audit:
                self.audit.reserve()
                reserved = True
            caller = await self._identify(context)
            _name(caller)
            await self._limit(method, caller, context)
            caller.require(frozenset((method.permission,)))
            slot = self._begin(method, caller, peer) if method.audit else -1
            in_flight.claim(caller.principal.tenant, caller.quotas.in_flight)
            return Lease(self, method, caller, peer, in_flight, slot)
        except BaseException as error:
            in_flight.leave(None)
            if reserved:
                self.audit.release()
                self.audit.give_up(slot)
            if isinstance(error, DomainError):
                metrics.REFUSALS.labels(error.reason).inc()
            if isinstance(error, Unauthenticated | RateLimited | PermissionDenied):
                denied = Decided.DENIED, error.reason
                self.record(caller, method.path, context.peer(), current_call(), *denied)
            raise

    def record(
        self,
        caller: Caller | None,
        method: str,
        peer: str,
        call: CurrentCall | None,
        decision: Decided,
        reason: str,
        slot: int = -1,
    ) -> None:
        """Put an act where it is written from; `call` is the one that it is of.

        `slot` is where it was noted when it began.

        Raises:
            Overloaded: it is none that was refused, and there is no room for it.
        """
        address = address_of(peer)
        header = credential_in(call.metadata) if call and caller is None else ""
        shown = _beginning(credential_of(header))
        act = Act.of(caller, method, network_of(address), decision, reason, shown)
        ids = (call.trace_id, call.request_id) if call else ("", "")
        self.audit.put(act, address, *ids, slot)

    def _begin(self, method: Method, caller: Caller, peer: str) -> int:
        """Note an act before it begins: whoever kills the gateway meanwhile does not hide it."""
        address, call = address_of(peer), current_call()
        act = Act.of(caller, method.path, network_of(address), Decided.ALLOWED, "")
        ids = (call.trace_id, call.request_id) if call else ("", "")
        return self.audit.begin(act, address, *ids)

    async def _identify(self, context: Context) -> Caller:
        certificate = certificate_of(context) if self._asks_for_certificates else b""
        call = current_call()
        header = credential_in(call.metadata) if call else ""
        if header or certificate:
            caller = await self._authenticator.known(header, certificate)
            if caller is not None:
                return caller
        buckets = self._guesses(network_of(address_of(context.peer())), credential_of(header))
        recent_callers = self._authenticator.is_familiar(header, certificate)
        if not recent_callers and (full := self._used_up(buckets)) is not None:
            recent_callers = await self._authenticator.is_familiar_elsewhere(header, certificate)
            if not recent_callers:
                _check_guess(context, full)
        try:
            return await self._authenticator.authenticate(header, certificate)
        except Unauthenticated:
            for bucket in buckets:
                decision = self._addresses.take_one(bucket, 1)
                if not recent_callers:  # calls of the same moment may have used up what was left
                    _check_guess(context, decision)
            _tell(context, decision)
            raise

    def _used_up(self, buckets: Sequence[Bucket]) -> Decision | None:
        """What the first of `buckets` says that has nothing left."""
        looks = (self._addresses.look(bucket, 1) for bucket in buckets)
        return next((look for look in looks if not look.allowed), None)

    def _guesses(self, network: str, credential: str) -> tuple[Bucket, ...]:
        """What a guess from `network` is counted against: its own kind first, then the network.

        What can be no credential takes nothing from those that can: it costs no look at the store.
        """
        rate = self.limits.failures
        if not credential:
            return (Bucket(f"{network} none", rate),)
        prefix = _beginning(credential)
        every = Rate(rate.per_minute * _PREFIXES_AT_ONCE, rate.burst * _PREFIXES_AT_ONCE)
        return Bucket(f"{network} {prefix}", rate), Bucket(network, every)

    async def _limit(self, method: Method, caller: Caller, context: Context) -> None:
        decision, subject = await self._callers.take(caller, method.cost)
        _decisions(subject, "allowed" if decision.allowed else "refused").inc()
        _tell(context, decision)
        if not decision.allowed:
            raise _refusal(decision, subject)


def _beginning(credential: str) -> str:
    """What guesses at one credential have in common; nothing where none is shown."""
    if not credential:
        return ""
    return hashlib.sha256(credential.encode()).hexdigest()[:_PREFIX_DIGITS]


def _name(caller: Caller) -> None:
    """Say in the call's log line and span whose it is."""
    call = current_call()
    if call is not None:
        call.tenant, call.principal = caller.principal.tenant, caller.principal.principal_id


def _check_guess(context: Context, decision: Decision) -> None:
    if not decision.allowed:
        _decisions("address", "refused").inc()
        _tell(context, decision)
        raise _refusal(decision, "address")


def _tell(context: Context, decision: Decision) -> None:
    """Put what is left into the call's trailers."""
    context.set_trailing_metadata(
        (
            *(context.trailing_metadata() or ()),
            ("ratelimit-limit", str(decision.limit)),
            ("ratelimit-remaining", str(decision.remaining)),
            ("ratelimit-reset", str(int(decision.reset) + 1)),
        )
    )


def _refusal(decision: Decision, subject: str) -> RateLimited:
    return RateLimited(
        f"the {subject}'s rate limit is used up; try again in {decision.retry_after:.1f} seconds",
        retry_after=decision.retry_after,
        metadata={"subject": subject, "limit": str(decision.limit)},
    )
