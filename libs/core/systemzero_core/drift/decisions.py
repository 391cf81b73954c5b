"""Decisions: what people said about changes, and what follows for the next judgement.

1. Of the decisions that cover an edit and have not expired, the latest holds.
2. A decision covers the edits that it was shown, each with its values and its place, so as many of
   them as there were: never one with another number, price, date or word, nor an equal one
   elsewhere. On other screens within its scope it covers as many at like places. A snooze past its
   expiry covers nothing, so what it kept quiet is open again by itself.
3. A rejected edit that returns raises the severity of its event by one step.
4. A finding that no decision about the edits was shown opens those that it is about; all of them,
   where it is about none and nothing else is open.
5. Boxes are decided about as everything else: none hides behind what it may follow from.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from math import fsum

from systemzero_core.drift.fingerprint import (
    is_consequence,
    judged_fingerprint,
    judged_values_digest,
)
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
    decisions: Iterable[Decision],
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
        and ((held := book.holding(edit)) is None or held.kind is not DecisionKind.APPROVE)
    )


def resolve(
    judgement: Judgement,
    decisions: Iterable[Decision],
    *,
    now: int,
    screen_id: str,
    app: str,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
) -> Resolution:
    """What decisions make of a judgement at the time `now`, in microseconds.

    `decisions` may be any of the tenant's; those that do not concern the judgement have no say.
    """
    book = _Book(judgement, decisions, now, screen_id, app)
    held = [(edit, book.holding(edit)) for edit in judgement.edits]
    left = [d is None or d.kind is DecisionKind.REJECT for _, d in held]
    new = [finding for finding in judgement.findings if not book.knows(finding)]
    _reopen(judgement.edits, left, new)
    opened = [edit for edit, is_open in zip(judgement.edits, left, strict=True) if is_open]
    open_edits = tuple(sorted(opened, key=lambda e: is_consequence(e.edit)))
    deciding = [decision for _, decision in held if decision is not None]
    rejected = any(d.kind is DecisionKind.REJECT for d in deciding)
    snoozes = [d.expire_time for d in deciding if d.kind is DecisionKind.SNOOZE and d.expire_time]
    severity = _severity(judgement, open_edits, thresholds) if open_edits else Severity.INFO
    return Resolution(
        state=_state(open_edits, rejected=rejected),
        severity=severity.raised() if rejected else severity,
        open_edits=open_edits,
        findings=tuple(sorted(judgement.findings, key=book.knows)),
        decisions=tuple(dict.fromkeys(d.decision_id for d in deciding)),
        fingerprint=judged_fingerprint(open_edits),
        values_digest=judged_values_digest(open_edits, new) if open_edits else "",
        reopen_time=min(snoozes, default=None),
    )


def _reopen(edits: Sequence[JudgedEdit], left: list[bool], new: Iterable[Finding]) -> None:
    """Mark as open what `new` findings are about, of which nothing is open by itself.

    `left` says of each edit whether it is open.
    """
    about: dict[tuple[bool, int], list[int]] = {}
    for k, edit in enumerate(edits):
        for is_new, nodes in enumerate(_cited([edit])):
            for node in nodes:
                about.setdefault((bool(is_new), node), []).append(k)
    anywhere = False
    for finding in new:
        cited = {*about.get((False, finding.node), ()), *about.get((True, finding.target), ())}
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
        decisions: Iterable[Decision],
        now: int,
        screen: str,
        app: str,
    ) -> None:
        wanted = {key for edit in judgement.edits for key in _keys(edit)}
        self._latest: dict[_Key, tuple[int, Decision]] = {}
        self._shown: set[str] = set()
        live = [d for d in decisions if _in_force(d, now) and _in_reach(d, screen, app)]
        live.sort(key=lambda d: (d.create_time, d.decision_id), reverse=True)
        for rank, decision in enumerate(live):
            here = decision.screen_id == screen
            about = [key for each in decision.edits if (key := _key(each, here)) in wanted]
            for key in about:
                self._latest.setdefault(key, (rank, decision))
            if about and decision.kind is not DecisionKind.REJECT:
                self._shown.update(decision.findings)

    def holding(self, edit: JudgedEdit) -> Decision | None:
        """The latest decision that covers `edit`."""
        found = [self._latest.get(key) for key in _keys(edit)]
        return min(filter(None, found), default=(0, None), key=lambda held: held[0])[1]

    def knows(self, finding: Finding) -> bool:
        """Whether an approval or a snooze of some of the edits was shown `finding`."""
        return finding.digest in self._shown


_Key = tuple[str, str, bool]
"""Values digest and place, and whether it is the exact one."""


def _key(covered: CoveredEdit, here: bool) -> _Key:
    place = covered.place
    return covered.values_digest, place.exact if here else place.like, here


def _keys(edit: JudgedEdit) -> tuple[_Key, _Key]:
    """All that a decision may be about to cover `edit`."""
    covered = CoveredEdit(edit.values_digest, edit.place)
    return _key(covered, True), _key(covered, False)


def _in_force(decision: Decision, now: int) -> bool:
    return decision.expire_time is None or now < decision.expire_time


def _in_reach(decision: Decision, screen_id: str, app: str) -> bool:
    if decision.scope is DecisionScope.TENANT:
        return True
    if decision.scope is DecisionScope.APP:
        return decision.app == app
    return decision.screen_id == screen_id
