"""What people are told of a script, as values.

Invariants of every telling:
1. Each edit is in exactly one line: opening all lines gives the script again, nothing more or less.
2. A line says what is true of all of its edits. What differs among them is told by examples and a
   count.
3. It depends on the edits alone, and not on where they were made: a server, a client, a file.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class Topic(IntEnum):
    """What a line is about, in the order in which a person would want to know."""

    OVERLAY = 0
    """A dialog or an alert came or went."""
    CONTROL = 1
    """What one acts on came, went or was built anew."""
    PART = 2
    """A part of the page, a heading, a column or a row came or went."""
    NAME = 3
    """A control or a heading is called otherwise."""
    STATE = 4
    """Something was checked, disabled, hidden, or has another value."""
    MOVE = 5
    """Something stands elsewhere."""
    TEXT = 6
    """A text or a picture came, went or reads otherwise."""
    ROLE = 7
    """Something is another kind of thing."""
    TARGET = 8
    """A link leads elsewhere."""
    DETAIL = 9
    """A description, a level or the like."""
    LAYOUT = 10
    """Boxes that shifted or were resized."""
    MARKUP = 11
    """What nobody sees: containers and their attributes."""


class Line(NamedTuple):
    """What people read of some edits.

    Attributes:
        sentence: what happened, in one line without a full stop.
        edits: which edits it tells, as indices in the sequence that was told; ascending.
        topic: what it is about.
        brief: what a summary says of it: without examples, or nothing.
    """

    sentence: str
    edits: tuple[int, ...]
    topic: Topic
    brief: str = ""


class Telling(NamedTuple):
    """All of a script.

    Attributes:
        summary: one sentence for the whole; empty where there is no edit.
        lines: what matters most first.
    """

    summary: str
    lines: tuple[Line, ...]
