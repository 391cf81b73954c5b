"""The decisions of one tenant that may have a say, by screen, ready for judgements.

Invariants:
1. What a screen's judgement looks at is bounded, however many decisions people take: the latest
   ones, up to `MOST` in all, of the screen itself and as many of others that reach it. Older ones
   have no say: what they were about is drift again.
2. An approval for good has no say on its own screen: the baseline that it made has. Who takes that
   back, by another approval, by hand or by learning the screen anew, takes the approval back.
3. What has ended is forgotten, as soon as a decision is known that was taken after its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from systemzero_core.drift import Decision, DecisionKind, HeldDecision, held

MOST = 50_000
"""Edits and findings of the decisions that a judgement looks at, of its screen and of others."""
_DECISION = 50
"""What a decision counts for besides."""
_EDIT_BYTES = 400
"""Bytes in memory for each of them, about."""
_WIDE = ""
"""Where decisions stand that reach other screens; no screen is called so."""


class DecisionsInForce:
    """One tenant's."""

    def __init__(self) -> None:
        self._by_screen: dict[str, list[HeldDecision]] = {}
        self._sizes: dict[str, int] = {}

    @property
    def memory(self) -> int:
        """Bytes that they take, about."""
        return _EDIT_BYTES * sum(self._sizes.values())

    def put(self, decisions: Iterable[Decision]) -> None:
        """Take in new decisions, which come in their order."""
        changed: dict[str, list[HeldDecision]] = {}
        for decision in decisions:
            ready = held(decision)
            if not _is_for_good(ready):
                changed.setdefault(ready.screen_id, []).append(ready)
            if ready.is_wide:
                changed.setdefault(_WIDE, []).append(ready)
        for screen, new in changed.items():
            kept = _latest([*self._by_screen.get(screen, ()), *new])
            self._by_screen[screen] = kept
            self._sizes[screen] = sum(map(_size, kept))

    def on(self, screen: str) -> Sequence[HeldDecision]:
        """Those that may have a say on `screen`."""
        wide = [each for each in self._by_screen.get(_WIDE, ()) if each.screen_id != screen]
        return [*self._by_screen.get(screen, ()), *wide]


def _is_for_good(decision: HeldDecision) -> bool:
    return decision.kind is DecisionKind.APPROVE and decision.expire_time is None


def _size(decision: HeldDecision) -> int:
    return _DECISION + len(decision.exact) + len(decision.findings)


def _latest(decisions: Sequence[HeldDecision]) -> list[HeldDecision]:
    """Of decisions, the latest that are not over, as many as are looked at; oldest first."""
    ordered = sorted(decisions, key=lambda decision: decision.order)
    now = ordered[-1].create_time
    kept: list[HeldDecision] = []
    left = MOST
    for decision in reversed(ordered):
        if decision.expire_time is not None and decision.expire_time <= now:
            continue
        left -= _size(decision)
        if left < 0:
            break
        kept.append(decision)
    return kept[::-1]
