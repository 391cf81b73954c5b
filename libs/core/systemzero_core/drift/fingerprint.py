"""Fingerprints: what makes two edits alike, or the same, wherever and whenever they are seen.

Both are SHA-256 over a canonical form of the edit: kind, roles, names, and old and new values. They
hold no position and no count, so that equal edits on other screens, versions and days share them.
Those of a script cover the set of its edits'; where each is, `places.py` tells.

1. A *fingerprint* has live values masked by their shape, and neither boxes nor ids. It groups what
   is alike, for people to read. MUST NOT decide anything: an account number is a live value.
2. A *values digest* has every value as it was shown. It is what a person consents to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from systemzero_core.diff import Change, Edit, EditKind, PathStep
from systemzero_core.drift.model import Finding, JudgedEdit
from systemzero_core.template.boxes import delta_of
from systemzero_core.template.policy_filter import DERIVED_ATTRIBUTES
from systemzero_core.template.shapes import mask
from systemzero_core.tree import Node

_VERSION = "systemzero/edit/1"
_SCRIPT_VERSION = "systemzero/edits/1"
_VALUES_VERSION = "systemzero/edit-values/1"
_FINDING_VERSION = "systemzero/finding/1"
_LEFT_OUT = DERIVED_ATTRIBUTES | {"id"}


class _Form(NamedTuple):
    """How an edit is spelt out: its texts, which attributes not, and its boxes."""

    text: Callable[[str], str]
    left_out: frozenset[str]
    boxes: bool


def _as_shown(text: str) -> str:
    return text


_MASKED = _Form(mask, _LEFT_OUT, boxes=False)
_EXACT = _Form(_as_shown, DERIVED_ATTRIBUTES, boxes=True)


def edit_fingerprint(edit: Edit) -> str:
    """The fingerprint of one edit that the policy let through: 64 hex digits."""
    return _digest(_VERSION, _parts(edit, _MASKED))


def edit_values_digest(edit: Edit) -> str:
    """The digest over all that one edit shows, every value as it is: 64 hex digits."""
    return _digest(_VALUES_VERSION, _parts(edit, _EXACT))


def finding_digest(finding: Finding, place: str) -> str:
    """The digest of all that a finding says, at `place`: 64 hex digits."""
    said = (finding.detector, finding.code, finding.severity, finding.message, place)
    return _digest(_FINDING_VERSION, said)


def script_fingerprint(fingerprints: Iterable[str]) -> str:
    """The fingerprint, or the digest of what is decided about, of a set; empty without any.

    How often a fingerprint occurs does not count: three rows that lost a button are what five are.
    """
    unique = sorted(set(fingerprints))
    return _digest(_SCRIPT_VERSION, unique) if unique else ""


def judged_fingerprint(edits: Sequence[JudgedEdit]) -> str:
    """The fingerprint of judged edits: of those that are no consequence, where there are any.

    Boxes shift because something else changed: they must not split a group.
    """
    return script_fingerprint(judged.fingerprint for judged in causes_among(edits))


def judged_values_digest(edits: Sequence[JudgedEdit], findings: Iterable[Finding] = ()) -> str:
    """What judged edits have in common that are decided about together.

    Values and places of all, those of boxes alone, too, and the findings.
    """
    said = [" ".join(judged.shown) for judged in edits]
    return script_fingerprint([*said, *(f"found {finding.digest}" for finding in findings)])


def causes_among(edits: Sequence[JudgedEdit]) -> Sequence[JudgedEdit]:
    """The edits that are no consequence of others; all where there are no others."""
    return [judged for judged in edits if not is_consequence(judged.edit)] or edits


def is_consequence(edit: Edit) -> bool:
    """Whether an edit is of boxes alone: it follows from others where there are others."""
    return bool(edit.changes) and all(change.field == "bounds" for change in edit.changes)


def _digest(version: str, parts: Iterable[str]) -> str:
    """SHA-256 over the parts, each after its length in characters."""
    canonical = version + "".join([f"\n{len(part)}:{part}" for part in parts])
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def _parts(edit: Edit, form: _Form) -> Iterator[str]:
    yield edit.kind
    if edit.kind is EditKind.UPDATE:
        yield from _named(edit.last_steps(1), form)
        for change in edit.changes:
            yield from _change(change, form)
        for other in edit.others if form.boxes else ():
            yield from _parts(other, form)
        yield from _boxes(edit, form)
    elif edit.kind is EditKind.MOVE:
        *above, itself = edit.last_steps(2)
        yield from _named([itself, *above], form)
        yield from _named(edit.last_parent_steps(1), form)
        yield from _boxes(edit, form)
    else:
        depths: dict[int, int] = {}
        for node, place in zip(edit.nodes, edit.places, strict=True):
            depths[place.at] = depth = depths.get(place.parent, -1) + 1
            yield str(depth)
            yield from _node(node, form)
            if form.boxes and edit.kind is EditKind.INSERT:
                yield " ".join(map(str, node.bounds or ()))


def _boxes(edit: Edit, form: _Form) -> Iterator[str]:
    for offset, change in edit.boxes if form.boxes else ():
        yield str(offset)
        yield from _change(change, form)


def _named(steps: Sequence[PathStep], form: _Form) -> Iterator[str]:
    for step in steps:
        yield step.role
        yield form.text(step.name)


def _node(node: Node, form: _Form) -> Iterator[str]:
    yield node.role
    yield form.text(node.name)
    yield form.text(node.value)
    yield _words(node.states)
    kept = [(key, value) for key, value in node.attributes if key not in form.left_out]
    yield str(len(kept))
    for key, value in kept:
        yield key
        yield form.text(value)


def _words(words: Iterable[str]) -> str:
    """Words as one text that no others make: a state may have a blank."""
    return " ".join([f"{len(word)}:{word}" for word in words])


def _change(change: Change, form: _Form) -> Iterator[str]:
    yield change.field
    delta = None if form.boxes else delta_of(change)
    if delta is not None:
        yield "resized" if delta.width or delta.height else "shifted"
        return
    for value in (change.old, change.new):
        if value is None:
            yield "none"
        elif isinstance(value, str):
            yield "=" + form.text(value)
        else:
            yield _words(map(str, value))
