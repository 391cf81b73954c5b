"""What tells one change from another: the values before and after, without what they share."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from systemzero_core.diff import Change, EditKind, FieldValue
from systemzero_core.diff.quoting import first_difference
from systemzero_core.diff.renames import is_another_link
from systemzero_core.grouping.facts import Fact
from systemzero_core.grouping.model import Topic
from systemzero_core.grouping.subjects import words_of

DESCRIBED: Final = ("attributes.description", "attributes.title")
_WHOLE: Final = frozenset(("name", "value", "role"))
"""Fields whose values are compared whole."""


def identity_before(fact: Fact) -> tuple[str, str]:
    """The role and name of what is not there any more: it went, or became something else."""
    role, name = fact.step.role, fact.step.name
    if fact.edit.kind is EditKind.DELETE:
        return role, name
    fields = {change.field: change for change in fact.edit.changes}
    lost_name = "name" in fields and not fields["name"].new
    return (role, name) if "role" in fields or lost_name else ("", "")


def same_change(fact: Fact) -> Hashable | None:
    """Equal for edits that are one change; None for what is none, or is told by its place."""
    change = fact.change
    if not fact.is_update:
        return _same_piece(fact)
    if change is None or fact.topic is Topic.LAYOUT:
        return None
    if got_description_as_name(fact):
        return "described", fact.step.role
    if change.field == "states":
        return (fact.topic, *gained_and_lost(change))
    if change.field in _WHOLE:
        both = change.old and change.new
        key = fact.topic, change.field, operation(fact), change.old, change.new
        return key if both else None
    if not change.old or not change.new:
        return fact.topic, change.field, operation(fact)
    return fact.topic, *_pieces(text_of(change.old), text_of(change.new))


def _same_piece(fact: Fact) -> Hashable | None:
    """The same thing that came or went at several places."""
    if fact.edit.kind is EditKind.MOVE or not words_of(fact.label.name):
        return None
    return fact.topic, fact.edit.kind, fact.step.role, fact.label, fact.edit.size


def operation(fact: Fact) -> str:
    """What became of the field of an update that says most."""
    change = fact.change
    if change is None or not change.old:
        return "set"
    if not change.new:
        return "removed"
    is_other = change.field == "name" and is_another_link(fact.edit.changes)
    return "replaced" if is_other else "changed"


def got_description_as_name(fact: Fact) -> bool:
    """Whether a name took in what described the node before."""
    fields = {change.field: change for change in fact.edit.changes}
    name = fields.get("name")
    if name is None:
        return False
    described = (fields[field] for field in DESCRIBED if field in fields)
    return any(
        c.old and not c.new and text_of(c.old) in text_of(name.new)
        for c in described
        if text_of(c.old) not in text_of(name.old)
    )


def gained_and_lost(change: Change) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The states that came and those that went."""
    old, new = _words(change.old), _words(change.new)
    return tuple(w for w in new if w not in old), tuple(w for w in old if w not in new)


def text_of(value: FieldValue) -> str:
    """A value as text; nothing is empty."""
    return value if isinstance(value, str) else " ".join(map(str, value or ()))


def _words(value: FieldValue) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, tuple) else ()


def _pieces(old: str, new: str) -> tuple[str, str]:
    """The whole words in which two texts differ."""
    start = first_difference(old, new)
    while start and _is_word(old[start - 1]):
        start -= 1
    a, b = old[start:], new[start:]
    tail = first_difference(a[::-1], b[::-1])
    while tail and _is_word(a[len(a) - tail]):
        tail -= 1
    return a[: len(a) - tail], b[: len(b) - tail]


def _is_word(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character in "._-")
