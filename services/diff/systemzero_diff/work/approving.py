"""An approval for good: the event's capture becomes the template's new baseline, if it may."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from systemzero_base.lanes.worker import WorkContext
from systemzero_core.diff import Edit
from systemzero_core.drift import HeldDecision, Judgement, causes_among, not_whole, unapproved
from systemzero_core.errors import FailedPrecondition
from systemzero_core.signature import sign
from systemzero_core.template import Template, rebased
from systemzero_core.template.typed import typed_rules, wildcards
from systemzero_diff.codec import cut
from systemzero_diff.codec.edits import SENTENCE_BYTES
from systemzero_diff.codec.verdicts import decode_judgement
from systemzero_diff.model import NewEvent, Source
from systemzero_diff.work.baselines import Baseline
from systemzero_diff.work.judging import judgement_of
from systemzero_diff.work.packed import Packed
from systemzero_diff.work.sources import tree_of
from systemzero_diff.work.templates import drafted

_SAME = 1e-9
"""Similarities that differ by less are of the same judgement: it is computed anew."""


def approved(
    _desk: WorkContext,
    current: Packed,
    capture: Source,
    event: NewEvent,
    decisions: Sequence[HeldDecision],
    now: int,
    pattern: bool,
) -> bytes:
    """A `Draft` of the template's next version, and what its new rules let pass.

    Raises:
        FailedPrecondition: the capture does not show what the event says, or shows more that nobody
            has approved; or it is one of a pattern, where there is none.
    """
    template, tree = current.template(), tree_of(capture)
    judgement = judgement_of(Baseline(template), tree, sign(tree), ())
    shown = _shown(judgement, event)
    _check_agreed(judgement, event, decisions, now)
    made = rebased(template, tree, event.capture_id)
    if not pattern:
        return drafted(made)
    made, words = _patterned(made, shown, event.event_id)
    return drafted(made, patterns=words)


def recorded(event: NewEvent) -> Judgement:
    """The event's judgement, as it was recorded: what was open then."""
    return decode_judgement(event.verdict)


def _shown(judgement: Judgement, event: NewEvent) -> list[Edit]:
    """The edits of a judgement that the event shows: those that were open then.

    Those of boxes alone only where there are no others.

    Raises:
        FailedPrecondition: it is not the judgement that the event was recorded of. The similarity
            that the event tells is of all edits.
    """
    told = recorded(event)
    wanted = {judged.shown for judged in told.edits}
    shown = [judged for judged in judgement.edits if judged.shown in wanted]
    same = abs(judgement.similarity - told.similarity) < _SAME
    if not (same and wanted and wanted == {judged.shown for judged in shown}):
        raise FailedPrecondition(
            f"capture {event.capture_id} does not show what the event says: "
            "ingest the screen, then decide about that event"
        )
    return [judged.edit for judged in causes_among(shown)]


def _check_agreed(
    judgement: Judgement, event: NewEvent, decisions: Sequence[HeldDecision], now: int
) -> None:
    """Refuse to make a capture the baseline that shows more than the event, unless approved.

    Nor one of which the event shows a change in part.
    """
    told = recorded(event).edits
    for judged in told:
        if not judged.whole:
            raise FailedPrecondition(not_whole(judged))
    shown = {judged.shown for judged in told}
    where = {"screen_id": event.screen_id, "app": event.app}
    left = unapproved(judgement, shown, decisions, now=now, **where)
    if left:
        first, _ = cut.text(left[0].edit.sentence, SENTENCE_BYTES)
        raise FailedPrecondition(
            f"capture {event.capture_id} shows more than event {event.event_id} does: "
            f"{first}{f' and {len(left) - 1} more' if len(left) > 1 else ''}; "
            "decide about that first, or approve this until a time"
        )


def _patterned(
    template: Template, shown: Sequence[Edit], event_id: str
) -> tuple[Template, tuple[str, ...]]:
    """`template` with rules for the values of the edits' places, and what they let pass."""
    if template.tree is None:  # a new baseline has one
        raise FailedPrecondition("the template has no tree")
    rules = typed_rules(template.tree, shown, f"approved with event {event_id}")
    policy = msgspec.structs.replace(template.policy, rules=(*template.policy.rules, *rules))
    words = tuple(word for rule in rules for word in wildcards(rule))
    return msgspec.structs.replace(template, policy=policy), words
