"""The judgement: one exact edit script in the light of one template."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from math import fsum

import msgspec

from systemzero_core.diff import Edit, EditScript
from systemzero_core.drift.detectors import BUILT_IN
from systemzero_core.drift.fingerprint import (
    edit_fingerprint,
    edit_values_digest,
    finding_digest,
    judged_fingerprint,
)
from systemzero_core.drift.model import (
    Context,
    Detector,
    Finding,
    JudgedEdit,
    Judgement,
    PlaceDigests,
    SessionCapture,
    Severity,
    Verdict,
)
from systemzero_core.drift.overlays import Layers
from systemzero_core.drift.places import Places
from systemzero_core.drift.weigh import DEFAULT_THRESHOLDS, Scale, Thresholds, volatile_fields
from systemzero_core.errors import FailedPrecondition
from systemzero_core.template.model import STRICT_POLICY, Template
from systemzero_core.template.policy_filter import PolicyFilter
from systemzero_core.template.resolve import CompiledPolicy
from systemzero_core.template.shapes import tokens
from systemzero_core.tree import Tree
from systemzero_core.work import TooMuchWork, Work

MAX_PIECES = 1_000_000
"""Pieces (a number, a date, what lies between) of the texts that differ, at most: some seconds."""

MAX_FINDINGS = 100
"""Findings of one detector, at most: the first it comes upon."""


def judge(
    template: Template,
    capture: Tree,
    script: EditScript,
    *,
    policy: CompiledPolicy | None = None,
    detectors: Sequence[Detector] = BUILT_IN,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
    session: Sequence[SessionCapture] = (),
    transitions: Mapping[str, Sequence[str]] | None = None,
) -> Judgement:
    """UNCHANGED or DRIFT, with what differs and how much it matters.

    INCONCLUSIVE, with the reason, where policy and capture take more work than one judgement may.

    Args:
        template: the template that the capture was matched to.
        capture: the capture's tree in normal form.
        script: the exact edit script from the template's tree to `capture`.
        policy: the template's policy, compiled; made here when not given.
        detectors: who else is asked.
        thresholds: severity by similarity.
        session: the visits of the capture's session up to and with this one, oldest first.
        transitions: the valid transitions of every screen known, for `session`.

    Raises:
        FailedPrecondition: the template has no baseline tree.
    """
    if template.tree is None:
        raise FailedPrecondition(f"template {template.template_id} has a signature but no tree")
    try:
        sieve = PolicyFilter(
            script, template.tree, capture, policy or CompiledPolicy(template.policy)
        )
        ignored = sieve.ignored()
        places = Places(script, template.tree, capture, sieve)
        context = Context(
            template=template,
            capture=capture,
            script=script,
            edits=_judged(sieve.edits(), Scale(template.tree, capture, ignored), places),
            ignored=ignored[1],
            row_violations=sieve.violations,
            session=tuple(session),
            transitions=transitions or {},
        )
        findings = _findings(detectors, context, places)
    except TooMuchWork as error:
        return _undecided(template, error)
    return _judgement(context, findings, thresholds)


def _texts(edit: Edit) -> Iterator[str]:
    """The texts of an edit in which live values are looked for."""
    for change in edit.changes:
        yield from (text for text in (change.old, change.new) if isinstance(text, str))
    for node in edit.nodes:
        yield node.name
        yield node.value
        yield from (value for _, value in node.attributes)


def _undecided(template: Template, error: TooMuchWork) -> Judgement:
    return Judgement(
        verdict=Verdict.INCONCLUSIVE,
        similarity=0.0,
        reasons=(error.message,),
        template_id=template.template_id,
        template_version=template.version,
    )


def similarity(a: Tree, b: Tree, script: EditScript) -> float:
    """What `judge` says of a template that is `a`, without a policy, and the capture `b`."""
    sieve = PolicyFilter(script, a, b, CompiledPolicy(STRICT_POLICY))
    scale = Scale(a, b, sieve.ignored())
    return _similarity(scale.cost(edit, volatile_fields(edit)) for edit in sieve.edits())


def _judged(edits: Sequence[Edit], scale: Scale, places: Places) -> tuple[JudgedEdit, ...]:
    work = Work(MAX_PIECES, "weighing the numbers and dates in what differs")
    values = [edit_values_digest(edit) for edit in edits]
    found = zip(edits, values, places.of(edits, values), strict=True)
    return tuple([_judged_edit(edit, scale, work, digest, at) for edit, digest, at in found])


def _judged_edit(
    edit: Edit, scale: Scale, work: Work, values_digest: str, place: PlaceDigests
) -> JudgedEdit:
    for text in _texts(edit):
        work.spend(len(tokens(text)))  # remembered for what follows
    volatile = volatile_fields(edit)
    return JudgedEdit(
        edit,
        scale.cost(edit, volatile),
        bool(edit.changes) and len(volatile) == len(edit.changes),
        edit_fingerprint(edit),
        values_digest,
        place,
    )


def _similarity(weights: Iterable[float]) -> float:
    return max(0.0, 1.0 - fsum(weights))


def _findings(
    detectors: Sequence[Detector], context: Context, places: Places
) -> tuple[Finding, ...]:
    found = [f for detector in detectors for f in islice(detector(context), MAX_FINDINGS)]
    found.sort(key=lambda finding: -finding.severity.rank)
    return tuple(_digested(found, places)) if context.edits else tuple(found)


def _digested(findings: Iterable[Finding], places: Places) -> Iterator[Finding]:
    """The findings, each with its digest; equal ones at one place are told apart by their order."""
    seen: Counter[str] = Counter()
    for finding in findings:
        place = places.of_finding(finding)
        alike = finding_digest(finding, place)
        seen[alike] += 1
        if seen[alike] > 1:
            alike = finding_digest(finding, f"{place} {seen[alike]}")
        yield msgspec.structs.replace(finding, digest=alike)


def _judgement(
    context: Context, findings: tuple[Finding, ...], thresholds: Thresholds
) -> Judgement:
    edits, script, template = context.edits, context.script, context.template
    left = _similarity(edit.weight for edit in edits)
    severities = [thresholds.severity(left), *(f.severity for f in findings)]
    layers = Layers.of(edits, context.capture)
    return Judgement(
        verdict=Verdict.DRIFT if edits else Verdict.UNCHANGED,
        similarity=left,
        severity=max(severities, key=lambda s: s.rank) if edits else Severity.INFO,
        edits=edits,
        findings=findings,
        fingerprint=judged_fingerprint(edits),
        reasons=(script.degraded,) if script.degraded else (),
        template_id=template.template_id,
        template_version=template.version,
        overlays=layers.overlays,
        beneath=layers.beneath,
    )
