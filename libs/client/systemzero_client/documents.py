"""What a caller hands in: a capture's bytes, and what is known around them."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, TypeAlias

from systemzero_core.formats import Format, own
from systemzero_core.tree import Tree


class Document(NamedTuple):
    """A capture as its platform gave it.

    Attributes:
        data: the tree's document.
        format: its format, a `Format` or the name of a plug-in's; None to have it detected.
        dom: for CDP, boxes and attributes, or a DOMSnapshot (JSON).
        frames: for CDP, the trees of child frames.
    """

    data: bytes
    format: str | None = None
    dom: bytes | None = None
    frames: tuple[bytes, ...] = ()

    @classmethod
    def of_tree(cls, tree: Tree) -> Document:
        """A tree that is one already, in the project's own JSON."""
        return cls(own.encode(tree), Format.TREE)


Source: TypeAlias = Document | Tree | str
"""A capture to look at: a document, a tree, or the id of a stored capture."""


class Sighting(NamedTuple):
    """What the client knows of a capture.

    Attributes:
        app: the application's name, at most 200 characters.
        screen: the screen that this is believed to be; a hint that matching checks.
        session: consecutive captures of one session form a path.
        time: when it was taken; must have a time zone.
    """

    app: str = ""
    screen: str = ""
    session: str = ""
    time: datetime | None = None
