"""Decisions: what people said about changes, and what follows for the next judgement.

1. Of the decisions that cover an edit and have not expired, the latest holds.
2. A decision covers the edits that it was shown, each with its values and its place, so as many of
   them as there were: never one with another number, price, date or word, nor an equal one
   elsewhere. On other screens within its scope it covers as many at like places. A snooze past its
   expiry covers nothing, so what it kept quiet is open again by itself.
3. An approval or a snooze holds together: on its own screen it covers nothing where a place that
   it was shown has no change any more. Half of what somebody agreed to, a way out that goes without
   the one that came, is another screen.
4. A rejected edit that returns raises the severity of its event by one step.
5. A finding is known where a decision was shown it that covers one of the edits that it is about,
   or any where it is about none. Another one opens those that it is about; all of them, where it is
   about none and nothing else is open.
6. Boxes are decided about as everything else: none hides behind what it may follow from.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from math import fsum

from systemzero_core.drift.fingerprint import (
    is_consequence,
    judged_fingerprint,
    judged_values_digest,
)
from systemzero_core.drift.held import HeldDecision, exact_key, held, like_key, place_of
from systemzero_core.drift.model import (
    CoveredEdit,
    Decision,
    DecisionKind,
    DecisionScope,
    EventState,
    Finding,
    JudgedEdit,
    Judgement,
    Resolution,
    Severity,
)
from systemzero_core.drift.weigh import DEFAULT_THRESHOLDS, Thresholds
from systemzero_core.errors import FailedPrecondition, InvalidInput

AnyDecision = Decision | HeldDecision
"""A decision, made ready or not."""

MAX_REASON = 1_000
"""Characters of a reason, at most."""
_MAX_SAID = 200


def decide(
    judgement: Judgement,
    kind: DecisionKind,
    scope: DecisionScope,
    *,
    decision_id: str,
    screen_id: str,
    app: str,
    reason: str,
    actor: str,
    now: int,
    expire_time: int | None = None,
    patterns: tuple[str, ...] = (),
) -> Decision:
    """The decision on all edits of a judgement; `now` and `expire_time` in microseconds.

    An approval or a snooze is about those alone that are shown whole.

    Raises:
        FailedPrecondition: an approval or a snooze, and no edit is shown whole.
        InvalidInput: no edits, no reason, one too long or with U+0000, a snooze without an expiry,
            an expiry that is not in the future.
    """
    if not judgement.edits:
        raise InvalidInput.at("event", "there is nothing to decide: nothing differs")
    if not reason.strip() or len(reason) > MAX_REASON:
        raise InvalidInput.at("reason", f"give one, of at most {MAX_REASON} characters")
    if "\0" in reason:
        raise InvalidInput.at("reason", "must not have the character U+0000")
    if kind is DecisionKind.SNOOZE and expire_time is None:
        raise InvalidInput.at("expire_time", "a snooze has an end")
    if expire_time is not None and expire_time <= now:
        raise InvalidInput.at("expire_time", "must be in the future")
    covered = [e for e in judgement.edits if e.whole or kind is DecisionKind.REJECT]
    if not covered:
        raise FailedPrecondition(not_whole(judgement.edits[0]))
    return Decision(
        decision_id=decision_id,
        kind=kind,
        scope=scope,
        edits=tuple(CoveredEdit(each.values_digest, each.place) for each in covered),
        findings=tuple(sorted({f.digest for f in judgement.findings if f.digest})),
        screen_id=screen_id,
        app=app,
        reason=reason,
        actor=actor,
        create_time=now,
        expire_time=expire_time,
        patterns=patterns,
    )


def not_whole(edit: JudgedEdit) -> str:
    """Why nobody can agree to an edit that is not shown whole."""
    said = edit.edit.sentence
    short = said if len(said) <= _MAX_SAID else f"{said[:_MAX_SAID]}…"
    return f"learn the template anew: this change is too large to be shown whole: {short}"


def unapproved(
    judgement: Judgement,
    shown: Collection[tuple[str, str]],
    decisions: Iterable[AnyDecision],
    *,
    now: int,
    screen_id: str,
    app: str,
) -> tuple[JudgedEdit, ...]:
    """The edits that a person has not agreed to: neither shown now nor approved before.

    Whoever makes a capture the baseline agrees to all of it: what a snooze hides must not slip in.
    `shown` are values digests and exact places.
    """
    book = _Book(judgement, decisions, now, screen_id, app)
    return tuple(
        edit
        for edit in judgement.edits
        if edit.shown not in shown
        and ((found := book.holding(edit)) is None or found.kind is not DecisionKind.APPROVE)
    )


def resolve(
    judgement: Judgement,
    decisions: Iterable[AnyDecision],
    *,
    now: int,
    screen_id: str,
    app: str,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
) -> Resolution:
    """What decisions make of a judgement at the time `now`, in microseconds.

    `decisions` may be any of the tenant's; those that do not concern the judgement have no say.
    """
    book, edits = _Book(judgement, decisions, now, screen_id, app), judgement.edits
    found = [book.holding(edit) for edit in edits]
    left = [d is None or d.kind is DecisionKind.REJECT for d in found]
    about = _Citations(edits)
    new = {
        finding.digest
        for finding in judgement.findings
        if not book.knows(finding, [edits[k] for k in about.of(finding)])
    }
    unknown = [finding for finding in judgement.findings if finding.digest in new]
    _reopen(about, left, unknown)
    opened = [edit for edit, is_open in zip(edits, left, strict=True) if is_open]
    open_edits = tuple(sorted(opened, key=lambda e: is_consequence(e.edit)))
    deciding = [decision for decision in found if decision is not None]
    rejected = any(d.kind is DecisionKind.REJECT for d in deciding)
    snoozes = [d.expire_time for d in deciding if d.kind is DecisionKind.SNOOZE and d.expire_time]
    severity = _severity(judgement, open_edits, thresholds) if open_edits else Severity.INFO
    return Resolution(
        state=_state(open_edits, rejected=rejected),
        severity=severity.raised() if rejected else severity,
        open_edits=open_edits,
        findings=tuple(sorted(judgement.findings, key=lambda f: f.digest not in new)),
        decisions=tuple(dict.fromkeys(d.decision_id for d in deciding)),
        fingerprint=judged_fingerprint(open_edits),
        values_digest=judged_values_digest(open_edits, unknown) if open_edits else "",
        reopen_time=min(snoozes, default=None),
    )


class _Citations:
    """The edits of a judgement, by the nodes that findings are about."""

    def __init__(self, edits: Sequence[JudgedEdit]) -> None:
        self._of: dict[tuple[bool, int], list[int]] = {}
        for k, edit in enumerate(edits):
            for is_new, nodes in enumerate(_cited([edit])):
                for node in nodes:
                    self._of.setdefault((bool(is_new), node), []).append(k)

    def of(self, finding: Finding) -> list[int]:
        """Indices of the edits that `finding` is about."""
        old = self._of.get((False, finding.node), ())
        return sorted({*old, *self._of.get((True, finding.target), ())})


def _reopen(about: _Citations, left: list[bool], new: Iterable[Finding]) -> None:
    """Mark as open what `new` findings are about, of which nothing is open by itself.

    `left` says of each edit whether it is open.
    """
    anywhere = False
    for finding in new:
        cited = about.of(finding)
        anywhere |= not cited
        if not any(left[k] for k in cited):
            for k in cited:
                left[k] = True
    if anywhere and not any(left):
        left[:] = [True] * len(left)


def _state(open_edits: Sequence[JudgedEdit], *, rejected: bool) -> EventState:
    if not open_edits:
        return EventState.SUPPRESSED
    return EventState.RAISED if rejected else EventState.OPEN


def _severity(
    judgement: Judgement, open_edits: Sequence[JudgedEdit], thresholds: Thresholds
) -> Severity:
    """The severity of what is still open: of its weight, and of the findings that cite it."""
    if len(open_edits) == len(judgement.edits):
        return judgement.severity
    similarity = max(0.0, 1.0 - fsum(edit.weight for edit in open_edits))
    severities = [thresholds.severity(similarity)]
    cited = _cited(open_edits)
    severities += [finding.severity for finding in judgement.findings if _cites(finding, cited)]
    return max(severities, key=lambda severity: severity.rank)


_Cited = tuple[frozenset[int], frozenset[int]]


def _cited(edits: Iterable[JudgedEdit]) -> _Cited:
    old: set[int] = set()
    new: set[int] = set()
    for judged in edits:
        edit = judged.edit
        old.add(edit.node)
        new.add(edit.target)
        (old if edit.target < 0 else new).update(place.at for place in edit.places)
    return frozenset(old - {-1}), frozenset(new - {-1})


def _cites(finding: Finding, cited: _Cited) -> bool:
    if finding.node < 0 and finding.target < 0:
        return True
    return finding.node in cited[0] or finding.target in cited[1]


class _Book:
    """The decisions that are in force for one screen, by the edits that they are about.

    On the screen of a decision an edit is told by its exact place, on others by one like it.
    """

    def __init__(
        self,
        judgement: Judgement,
        decisions: Iterable[AnyDecision],
        now: int,
        screen: str,
        app: str,
    ) -> None:
        self._keys = {each.shown: _keys(each) for each in judgement.edits}
        self._said = {finding.digest for finding in judgement.findings}
        self._shown: dict[str, list[frozenset[bytes]]] = {}
        self._latest: tuple[_Latest, _Latest] = ({}, {})
        wanted = [{keys[side] for keys in self._keys.values()} for side in (0, 1)]
        places = frozenset(map(place_of, wanted[0]))
        ready = (each if isinstance(each, HeldDecision) else held(each) for each in decisions)
        live = [d for d in ready if _in_force(d, now) and _in_reach(d, screen, app)]
        live.sort(key=lambda d: d.order, reverse=True)
        left = list(map(set, wanted))
        for rank, decision in enumerate(live):
            side = int(decision.screen_id != screen)
            about = decision.like if side else decision.exact
            if about.isdisjoint(wanted[side]) or not (side or _holds(decision, places)):
                continue
            first = left[side] & about
            left[side] -= first
            self._latest[side].update(dict.fromkeys(first, (rank, decision)))
            if decision.kind is not DecisionKind.REJECT:
                for digest in decision.findings & self._said:
                    self._shown.setdefault(digest, []).append(about)

    def holding(self, edit: JudgedEdit) -> HeldDecision | None:
        """The latest decision that covers `edit`."""
        keys = self._keys[edit.shown]
        found = [
            latest[key] for latest, key in zip(self._latest, keys, strict=True) if key in latest
        ]
        return min(found, key=lambda held: held[0])[1] if found else None

    def knows(self, finding: Finding, about: Iterable[JudgedEdit]) -> bool:
        """Whether an approval or a snooze was shown `finding` with one of the edits it is about."""
        shown = self._shown.get(finding.digest, ())
        keys = [key for edit in about for key in self._keys[edit.shown]]
        return any(not keys or not each.isdisjoint(keys) for each in shown)


_Latest = dict[bytes, tuple[int, HeldDecision]]
"""By what stands for an edit: how many decisions are later than the one that holds, and that."""


def _keys(edit: JudgedEdit) -> tuple[bytes, bytes]:
    """What decisions of its own screen, and of others, may be about to cover `edit`."""
    covered = CoveredEdit(edit.values_digest, edit.place)
    return exact_key(covered), like_key(covered)


def _holds(decision: HeldDecision, places: frozenset[bytes]) -> bool:
    """Whether a decision holds together where there are changes at `places`."""
    return decision.kind is DecisionKind.REJECT or decision.places <= places


def _in_force(decision: HeldDecision, now: int) -> bool:
    return decision.expire_time is None or now < decision.expire_time


def _in_reach(decision: HeldDecision, screen_id: str, app: str) -> bool:
    if decision.scope is DecisionScope.TENANT:
        return True
    if decision.scope is DecisionScope.APP:
        return decision.app == app
    return decision.screen_id == screen_id
