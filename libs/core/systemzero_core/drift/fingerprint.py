"""Fingerprints: what makes two edits the same edit, wherever and whenever they are seen.

A fingerprint is SHA-256 over a canonical form of the edit: kind, roles, names, and old and new
values, live values masked by their shape. It holds no index, no position, no box, no count, so
that equal edits on other screens, versions and days share it. That of a script covers the set of
its edits'.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from systemzero_core.diff import Change, Edit, EditKind, PathStep
from systemzero_core.drift.model import JudgedEdit
from systemzero_core.template.boxes import delta_of
from systemzero_core.template.policy_filter import DERIVED_ATTRIBUTES
from systemzero_core.template.shapes import mask
from systemzero_core.tree import Node

_VERSION = "systemzero/edit/1"
_SCRIPT_VERSION = "systemzero/edits/1"
_LEFT_OUT = DERIVED_ATTRIBUTES | {"id"}


def edit_fingerprint(edit: Edit) -> str:
    """The fingerprint of one edit that the policy let through: 64 hex digits."""
    return _digest(_VERSION, _parts(edit))


def script_fingerprint(fingerprints: Iterable[str]) -> str:
    """The fingerprint of a set of edits; empty without any.

    How often an edit occurs does not count: three rows that lost a button are what five are.
    """
    unique = sorted(set(fingerprints))
    return _digest(_SCRIPT_VERSION, unique) if unique else ""


def judged_fingerprint(edits: Sequence[JudgedEdit]) -> str:
    """The fingerprint of judged edits: of those that are no consequence, where there are any.

    Boxes shift because something else changed: they must not split a group.
    """
    causes = [judged.fingerprint for judged in edits if not is_consequence(judged.edit)]
    return script_fingerprint(causes or (judged.fingerprint for judged in edits))


def is_consequence(edit: Edit) -> bool:
    """Whether an edit is of boxes alone: it follows from others where there are others."""
    return bool(edit.changes) and all(change.field == "bounds" for change in edit.changes)


def _digest(version: str, parts: Iterable[str]) -> str:
    """SHA-256 over the parts, each after its length in characters."""
    canonical = version + "".join([f"\n{len(part)}:{part}" for part in parts])
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def _parts(edit: Edit) -> Iterator[str]:
    yield edit.kind
    if edit.kind is EditKind.UPDATE:
        yield from _named(edit.path[-1:])
        for change in edit.changes:
            yield from _change(change)
    elif edit.kind is EditKind.MOVE:
        yield from _named(edit.path[-1:])
        yield from _named(edit.path[-2:-1])
        yield from _named(edit.parent[-1:])
    else:
        depths: dict[int, int] = {}
        for node, place in zip(edit.nodes, edit.places, strict=True):
            depths[place.at] = depth = depths.get(place.parent, -1) + 1
            yield str(depth)
            yield from _node(node)


def _named(steps: Sequence[PathStep]) -> Iterator[str]:
    for step in steps:
        yield step.role
        yield mask(step.name)


def _node(node: Node) -> Iterator[str]:
    yield node.role
    yield mask(node.name)
    yield mask(node.value)
    yield " ".join(node.states)
    kept = [(key, value) for key, value in node.attributes if key not in _LEFT_OUT]
    yield str(len(kept))
    for key, value in kept:
        yield key
        yield mask(value)


def _change(change: Change) -> Iterator[str]:
    yield change.field
    delta = delta_of(change)
    if delta is not None:
        yield "resized" if delta.width or delta.height else "shifted"
        return
    for value in (change.old, change.new):
        if value is None:
            yield "none"
        elif isinstance(value, str):
            yield "=" + mask(value)
        else:
            yield " ".join(map(str, value))
