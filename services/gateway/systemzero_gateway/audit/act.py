"""An entry of the audit log: never a secret, never a body."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

from systemzero_gateway.access.caller import Caller
from systemzero_gateway.access.policy import PLATFORM_TENANT


class Decided(StrEnum):
    """How a call ended: it was let in and went well, was let in and failed, or was refused."""

    ALLOWED = "allowed"
    FAILED = "failed"
    DENIED = "denied"


class Act(NamedTuple):
    """Who did what, from where, and what was decided.

    `tenant` is whose log it goes to: the caller's, or the platform's where nobody is known;
    `principal` is empty then. `network` is the peer's address, of IPv6 its /64, so that one
    customer's addresses are one. `credential` is the beginning of the SHA-256 of what a caller
    showed who is not known: so much that guesses at one thing look alike, too little to find it.
    """

    tenant: str
    principal: str
    method: str
    network: str
    decision: Decided
    reason: str
    credential: str = ""

    @classmethod
    def of(
        cls,
        caller: Caller | None,
        method: str,
        network: str,
        decision: Decided,
        reason: str,
        credential: str = "",
    ) -> Act:
        """The act of a caller, or of nobody known."""
        if caller is None:
            return cls(PLATFORM_TENANT, "", method, network, decision, reason, credential)
        principal = caller.principal
        return cls(principal.tenant, principal.principal_id, method, network, decision, reason)


class Recorded(NamedTuple):
    """An act, or refusals that are alike: the first's details, how many, and from when to when.

    Times are microseconds since 1970. Of its `times`, so many as `told` have been in the log of
    security events. `methods` and `networks` are those of the refusals, some of them where there
    are many; `others` are refusals of which each is alike to none that has an entry of its own.
    `slot` is where an act was noted before it began; see `begun`.
    """

    act: Act
    address: str
    trace_id: str
    first_time: int
    last_time: int
    times: int = 1
    request_id: str = ""
    told: int = 0
    methods: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    others: bool = False
    slot: int = -1

    def body(self) -> dict[str, Any]:
        """As it stands in the log."""
        act = self.act
        body: dict[str, Any] = {
            "principal": act.principal,
            "method": act.method,
            "address": self.address,
            "decision": act.decision.value,
            "reason": act.reason,
            "trace_id": self.trace_id,
            "request_id": self.request_id,
            "times": self.times,
            "last_time": self.last_time,
        }
        if act.decision is Decided.DENIED:
            body |= {
                "credential": act.credential,
                "methods": list(self.methods),
                "networks": list(self.networks),
                "others": self.others,
            }
        return body
