"""Decisions made ready: what each is about as a set, so that many are asked in little time.

1. A decision is made ready once. What it is asked of one judgement costs an operation on sets,
   with as many steps as the smaller of them has members.
2. What stands for an edit are its whole values digest and its place: two edits share it where both
   are the same.
3. It travels packed: what it is about as one string of bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from systemzero_core.drift.model import CoveredEdit, Decision, DecisionKind, DecisionScope

_KEY, _PLACE = 48, 16
"""Bytes of a key, and of the place that it ends with; see `places.py`."""
_WIDE = (DecisionScope.APP, DecisionScope.TENANT)


def exact_key(covered: CoveredEdit) -> bytes:
    """What stands for an edit on the screen of a decision."""
    return _key(covered.values_digest, covered.place.exact)


def like_key(covered: CoveredEdit) -> bytes:
    """What stands for it on other screens."""
    return _key(covered.values_digest, covered.place.like)


def place_of(key: bytes) -> bytes:
    """The place in a key."""
    return key[-_PLACE:]


class HeldDecision(NamedTuple):
    """A decision as judgements ask it.

    Attributes:
        decision_id: its id.
        kind: what was decided.
        scope: how far it reaches.
        screen_id: where it was taken.
        app: the application there.
        create_time: when, in microseconds since 1970.
        expire_time: until when; None for ever.
        findings: digests of what it was shown that detectors had found.
        exact: what stands for its edits on its own screen.
        like: what stands for them on others; empty where it reaches none.
        places: those of `exact`.
    """

    decision_id: str
    kind: DecisionKind
    scope: DecisionScope
    screen_id: str
    app: str
    create_time: int
    expire_time: int | None
    findings: frozenset[str]
    exact: frozenset[bytes]
    like: frozenset[bytes]
    places: frozenset[bytes]

    def __reduce__(self) -> tuple[Any, ...]:
        *told, findings, exact, like, _ = self
        return _unpacked, (*told, " ".join(findings), b"".join(exact), b"".join(like))

    @property
    def is_wide(self) -> bool:
        """Whether it may have a say on other screens."""
        return self.scope in _WIDE

    @property
    def order(self) -> tuple[int, str]:
        """The later of two decisions has the greater one."""
        return self.create_time, self.decision_id


def held(decision: Decision) -> HeldDecision:
    """`decision`, made ready."""
    return _held(
        *(decision.decision_id, decision.kind, decision.scope, decision.screen_id, decision.app),
        *(decision.create_time, decision.expire_time, decision.findings),
        map(exact_key, decision.edits),
        map(like_key, decision.edits) if decision.scope in _WIDE else (),
    )


def _held(*parts: Any) -> HeldDecision:
    *told, findings, exact, like = parts
    keys = frozenset(exact)
    places = frozenset(map(place_of, keys))
    return HeldDecision._make((*told, frozenset(findings), keys, frozenset(like), places))


def _unpacked(*parts: Any) -> HeldDecision:
    *told, findings, exact, like = parts
    return _held(*told, findings.split(), _split(exact), _split(like))


def _split(keys: bytes) -> Iterable[bytes]:
    return (keys[at : at + _KEY] for at in range(0, len(keys), _KEY))


def _key(values_digest: str, place: str) -> bytes:
    return bytes.fromhex(values_digest + place).rjust(_KEY, b"\0")
