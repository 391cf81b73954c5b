"""Where the edits of a line are."""

from __future__ import annotations

from collections.abc import Sequence

from systemzero_core.diff import PathStep
from systemzero_core.diff.describe import landmark, place
from systemzero_core.grouping.facts import Fact
from systemzero_core.grouping.numbers import listed, numbers
from systemzero_core.grouping.subjects import EXAMPLES


def nearest(path: Sequence[PathStep]) -> str:
    """What people call the nearest part of the page."""
    step = landmark(path)
    return "the page" if step is None or step.role == "document" else place(step)


def where(facts: Sequence[Fact], preposition: str) -> str:
    """Where all of them are, if that is one place or a few."""
    places = list(dict.fromkeys(nearest(fact.place) for fact in facts))
    return f" {preposition} {listed(places, EXAMPLES)}"


def spots(facts: Sequence[Fact]) -> str:
    """The parts of the page in which something is, besides the page itself."""
    found = dict.fromkeys(nearest(fact.place) for fact in facts if len(fact.place) > 1)
    return f" in {listed(list(found), EXAMPLES)}" if found else ""


def which_rows(facts: Sequence[Fact]) -> str:
    """In which rows of one table, or in which part of the page; nothing where they are apart."""
    if len({fact.place for fact in facts}) > 1:
        return ""
    at = nearest(facts[0].place)
    rows = [_row(fact.path) for fact in facts]
    found = sorted({row.nth for row in rows if row is not None and row.nth})
    if not found or not all(rows):
        return f" in {at}"
    return f" in row{'s' if len(found) > 1 else ''} {numbers(found)} of {at}"


def _row(path: Sequence[PathStep]) -> PathStep | None:
    return next((step for step in reversed(path) if step.role == "row"), None)
