"""What is settled before a call is routed: who, how often, whether.

The order is the argument: a credential seen before costs a look into a dict; only one that was not
is held against its address, so that guessing is slow, and hurts nobody behind the same address who
is known already. The rate comes before the permission, since denials cost as much as answers.
"""

from __future__ import annotations

import ipaddress
from typing import Any, NamedTuple
from urllib.parse import unquote

from systemzero_chassis.guards import Context
from systemzero_core.errors import PermissionDenied, RateLimited, TooLarge, Unauthenticated
from systemzero_gateway.audit import Audit
from systemzero_gateway.authenticate import Authenticator
from systemzero_gateway.caller import Caller
from systemzero_gateway.limits import CallerLimits, Decision, Limiter
from systemzero_gateway.policy import Method

FORWARDED = frozenset({"traceparent", "tracestate", "x-request-id"})
"""The only metadata of a client that a backend sees."""

_MAX_FORWARDED_CHARACTERS = 512


class Inbound(NamedTuple):
    """What of a call's metadata counts: its credentials, and what is forwarded."""

    credentials: tuple[str, ...]
    forwarded: list[tuple[str, str]]


def read_metadata(metadata: Any) -> Inbound:
    """Sort a call's metadata, pairs of key and value, by allow-list."""
    credentials: tuple[str, ...] = ()
    forwarded = []
    for key, value in metadata:
        if not isinstance(value, str):
            continue
        if key == "authorization":
            credentials += (value,)
        elif key in FORWARDED and len(value) <= _MAX_FORWARDED_CHARACTERS:
            forwarded.append((key, value))
    return Inbound(credentials, forwarded)


def address_of(peer: str) -> str:
    """The address in gRPC's name of a peer, without its port.

    `ipv4:192.0.2.1:4711` gives `192.0.2.1`; what has no port comes back as it is.
    """
    kind, _, rest = peer.partition(":")
    host, _, port = unquote(rest).rpartition(":")
    return host.strip("[]") if kind in {"ipv4", "ipv6"} and port.isdigit() else peer


def network_of(address: str) -> str:
    """What stands for whoever uses `address`: of IPv6 its /64, which is one customer's."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    return str(parsed.ipv4_mapped or ipaddress.ip_network((int(parsed), 64), strict=False))


class Admission:
    """Lets calls in, or raises."""

    def __init__(
        self,
        authenticator: Authenticator,
        callers: CallerLimits,
        failures: Limiter,
        audit: Audit,
    ) -> None:
        self._authenticator = authenticator
        self._callers = callers
        self._failures = failures
        self._audit = audit

    async def admit(self, method: Method, inbound: Inbound, context: Context) -> Caller:
        """The caller, if it may call `method` now; sets the rate limit's trailers.

        Raises:
            Unauthenticated: its credential is missing or not accepted.
            RateLimited: a limit is used up.
            PermissionDenied: it lacks the permission.
            Unavailable: the key store does not answer.
        """
        caller = None
        try:
            caller = await self._identify(inbound, context)
            self._limit(method, caller, context)
            caller.require(frozenset((method.permission,)))
        except (Unauthenticated, RateLimited, PermissionDenied) as error:
            address = address_of(context.peer())
            self._audit.record(method.path, address, caller, "denied", error.reason)
            raise
        return caller

    def outcome(self, method: Method, caller: Caller, context: Context, reason: str) -> None:
        """Record how an admitted call of an audited method ended; no reason means well."""
        if method.audit:
            decision = "failed" if reason else "allowed"
            self._audit.record(method.path, address_of(context.peer()), caller, decision, reason)

    async def _identify(self, inbound: Inbound, context: Context) -> Caller:
        if len(inbound.credentials) == 1:
            caller = await self._authenticator.known(inbound.credentials[0])
            if caller is not None:
                return caller
        network = network_of(address_of(context.peer()))
        decision, _ = self._failures.look(network, 1)
        if not decision.allowed:
            raise _refusal(decision, "address")
        header = inbound.credentials[0] if len(inbound.credentials) == 1 else ""
        try:
            return await self._authenticator.authenticate(header)
        except Unauthenticated:
            self._failures.take(network, 1)
            raise

    def _limit(self, method: Method, caller: Caller, context: Context) -> None:
        principal = caller.principal
        decision, subject = self._callers.take(
            principal.tenant, principal.principal_id, method.cost
        )
        context.set_trailing_metadata(
            (
                ("ratelimit-limit", str(decision.limit)),
                ("ratelimit-remaining", str(decision.remaining)),
                ("ratelimit-reset", str(int(decision.reset) + 1)),
            )
        )
        if not decision.allowed:
            raise _refusal(decision, subject)


def _refusal(decision: Decision, subject: str) -> RateLimited:
    return RateLimited(
        f"the {subject}'s rate limit is used up; try again in {decision.retry_after:.1f} seconds",
        retry_after=decision.retry_after,
        metadata={"subject": subject, "limit": str(decision.limit)},
    )


def check_size(method: Method, size: int) -> None:
    """Hold one request message of `size` bytes against the method's bound.

    Raises:
        TooLarge: it is larger.
    """
    if size > method.max_bytes:
        raise TooLarge(
            f"a message of {size:,} bytes is larger than the {method.max_bytes:,} allowed",
            metadata={"limit": str(method.max_bytes), "actual": str(size)},
        )
