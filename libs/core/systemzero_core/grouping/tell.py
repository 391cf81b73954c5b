"""The lines of a script and its summary."""

from __future__ import annotations

from collections.abc import Sequence

from systemzero_core.diff import Edit
from systemzero_core.grouping.facts import facts
from systemzero_core.grouping.model import Line, Telling
from systemzero_core.grouping.rules import Group, groups
from systemzero_core.grouping.summary import summary
from systemzero_core.grouping.wording import brief, sentence


def tell(edits: Sequence[Edit]) -> Telling:
    """What a person is told of `edits`, in any order and number; what matters most first.

    Nothing is read but the edits' paths, changes and nodes: an edit that came over the wire will
    do.
    """
    made = sorted(groups(facts(edits)), key=lambda group: (group.first.topic, group.first.at))
    lines = tuple(_line(group) for group in made)
    return Telling(summary(lines), lines)


def _line(group: Group) -> Line:
    edits = tuple(fact.at for fact in group.facts)
    return Line(sentence(group), edits, group.first.topic, brief(group))
