"""A tree against its template: diff, judgement, what people decided, the verdict."""

from __future__ import annotations

import pickle  # nosec B403 - of the service itself
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from systemzero_base.lanes.worker import WorkContext
from systemzero_base.plugins import lane_detectors
from systemzero_core.diff import diff
from systemzero_core.drift import (
    Detector,
    HeldDecision,
    Judgement,
    Layers,
    Verdict,
    judge,
    resolve,
)
from systemzero_core.formats import own
from systemzero_core.signature import Signatures
from systemzero_core.template import Template
from systemzero_core.tree import Tree
from systemzero_diff.codec import verdicts
from systemzero_diff.codec.edits import Sides
from systemzero_diff.model import Judged
from systemzero_diff.work.baselines import BASELINES, Baseline
from systemzero_diff.work.packed import Packed
from systemzero_diff.work.taking import encode_things
from systemzero_diff.work.unlike import unlike

WHICH: Final = b"W"
"""A question: which template? Then what the tree is matched by. Answer: a `MatchedTemplate`."""
TEMPLATE: Final = b"T"
"""A question: the template of the last answer. The answer: a `Packed`."""

_UNCHANGED = Judgement(Verdict.UNCHANGED)
_SMALL_WORK: Final = 60_000
"""Nodes of both trees, times what the policy's rules look for, that are judged at once."""
_PLAIN: Final = 16
"""What judging costs without rules, as if it were so many."""
_UNLIKE: Final = 500
"""What a node costs besides that corresponds to none: it is looked for, and told."""
_NO_TREE: Final = Tree((), ())


class MatchedTemplate(NamedTuple):
    """The template that a tree is judged by, and all that the verdict rests on besides.

    Attributes:
        key: names the template's version, of all tenants'.
        match: the serialised match.
        explanation: why it is this template.
        decisions: the tenant's decisions that may have a say.
        now: microseconds since 1970.
        app: the application that the client named.
    """

    key: bytes
    match: bytes
    explanation: str
    decisions: Sequence[HeldDecision]
    now: int
    app: str


def is_small(template: Template, tree: Tree) -> bool:
    """Whether `tree` is judged by `template` in a few milliseconds."""
    known = template.tree or _NO_TREE
    looks = sum(1 + len(rule.select.under) for rule in template.policy.rules)
    left = _SMALL_WORK - (len(tree) + len(known)) * (_PLAIN + looks)
    return left >= 0 and left >= unlike(known, tree) * _UNLIKE


def judge_document(
    desk: WorkContext,
    document: bytes,
    signatures: tuple[bytes, bytes, bytes],
    fit: MatchedTemplate | None,
    layout: bool,
) -> bytes:
    """A `Judged` of a tree in own tree JSON, encoded; nothing where no template fits.

    Without a `fit` the service is asked for it.
    """
    tree = own.decode(document)
    if fit is None:
        with desk.stage("match"):
            answer = desk.ask(WHICH + encode_things(tree, layout=layout))
        if not answer:
            return b""
        fit = MatchedTemplate(*pickle.loads(answer))  # noqa: S301 - of the service itself
    baseline = BASELINES.get(fit.key)
    if baseline is None:
        packed = Packed(*pickle.loads(desk.ask(TEMPLATE)))  # noqa: S301 - as above
        baseline = Baseline(packed.template(), packed.size)
        BASELINES.put(fit.key, baseline)
    with desk.stage("judge"):
        judged = judged_by(baseline, tree, Signatures(*signatures), fit, lane_detectors())
    return msgspec.msgpack.encode(judged)


def judged_by(
    baseline: Baseline,
    tree: Tree,
    signatures: Signatures,
    fit: MatchedTemplate,
    detectors: Sequence[Detector],
) -> Judged:
    """The verdict on `tree`."""
    judgement = judgement_of(baseline, tree, signatures, detectors)
    if judgement.verdict is Verdict.INCONCLUSIVE:
        return verdicts.undecidable(judgement.reasons)
    app = baseline.template.app or fit.app
    screen = baseline.template.screen_id
    resolution = resolve(judgement, fit.decisions, now=fit.now, screen_id=screen, app=app)
    sides = Sides.of(baseline.template.tree or Tree((), ()), tree)
    if resolution.open_edits:
        layers = Layers.of(resolution.open_edits, tree)
        return verdicts.drift(fit.match, judgement, resolution, sides, app, layers)
    findings, decided = judgement.findings, resolution.decisions
    return verdicts.unchanged(fit.match, fit.explanation, findings, sides, decided)


def judgement_of(
    baseline: Baseline, tree: Tree, signatures: Signatures, detectors: Sequence[Detector]
) -> Judgement:
    """`tree` against one template.

    A template of the older layout has a structure signature but no tree: an equal one says
    UNCHANGED, another one can't be explained by edits, so it is INCONCLUSIVE and never an event.
    """
    template = baseline.template
    if baseline.prepared is None:
        if template.structure_signature == signatures.structure.hex():
            return _UNCHANGED
        reason = f"template {template.screen_id} has a signature but no tree: learn it anew"
        return Judgement(Verdict.INCONCLUSIVE, reasons=(reason,))
    script = diff(baseline.prepared, tree)
    return judge(template, tree, script, policy=baseline.policy, detectors=detectors)
