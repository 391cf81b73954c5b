"""Formats that are installed beside the client, for what it reads itself: at the edge, offline."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from systemzero_client.documents import Document
from systemzero_core.formats import ENTRY_POINT_GROUP, Formats
from systemzero_core.intake import Intake, take_in


@cache
def formats() -> Formats:
    """The built-in formats and those that are installed, looked for once.

    Raises:
        AlreadyExists: two have one name.
    """
    return Formats(point.load()() for point in entry_points(group=ENTRY_POINT_GROUP))


def take_in_document(document: Document) -> Intake:
    """`document`, read and normalised here.

    Raises:
        InvalidInput: it is malformed; the error names the line, field or node.
        TooLarge: it has too many bytes or nodes.
    """
    return take_in(
        document.data,
        format=document.format,
        dom=document.dom,
        frames=document.frames,
        formats=formats(),
    )
