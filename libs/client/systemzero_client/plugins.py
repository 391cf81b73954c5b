"""Formats that are installed beside the client, for what it reads itself: at the edge, offline."""

from __future__ import annotations

from functools import cache

from systemzero_client.documents import Document
from systemzero_core.errors import UnknownFormat
from systemzero_core.formats import BUILT_IN, ENTRY_POINT_GROUP, Formats
from systemzero_core.intake import Intake, take_in
from systemzero_core.redaction import DEFAULT, Rules


@cache
def formats() -> Formats:
    """The built-in formats and those that are installed, looked for once.

    Raises:
        AlreadyExists: two have one name.
    """
    from importlib.metadata import entry_points  # reads a file of every package there is

    return Formats(point.load()() for point in entry_points(group=ENTRY_POINT_GROUP))


def take_in_document(document: Document, rules: Rules = DEFAULT) -> Intake:
    """`document`, read, freed of its secrets by `rules` and normalised here.

    Plug-ins are looked for where no built-in format fits: they come after those, and have other
    names, so that the answer is the same.

    Raises:
        InvalidInput: it is malformed; the error names the line, field or node.
        TooLarge: it has too many bytes or nodes.
    """
    try:
        return _take_in(document, BUILT_IN, rules)
    except UnknownFormat:
        return _take_in(document, formats(), rules)


def _take_in(document: Document, known: Formats, rules: Rules) -> Intake:
    return take_in(
        document.data,
        format=document.format,
        dom=document.dom,
        frames=document.frames,
        formats=known,
        rules=rules,
    )
