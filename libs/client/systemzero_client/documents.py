"""What a caller hands in: a capture's bytes, and what is known around them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple, TypeAlias

from google.protobuf.timestamp_pb2 import Timestamp

from systemzero.tree.v1 import tree_pb2
from systemzero_core.formats import Format, own
from systemzero_core.tree import Bounds, Node, Tree

_FORMATS: dict[str, tree_pb2.Format.ValueType] = {
    form: tree_pb2.Format.Value(f"FORMAT_{form.upper().replace('-', '_')}") for form in Format
}


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


def encode_document(document: Document) -> tree_pb2.NativeCapture:
    """`document` as a message."""
    form, name = tree_pb2.FORMAT_UNSPECIFIED, ""
    if document.format:
        form = _FORMATS.get(document.format, tree_pb2.FORMAT_EXTENSION)
        name = document.format if form == tree_pb2.FORMAT_EXTENSION else ""
    return tree_pb2.NativeCapture(
        data=document.data,
        format=form,
        format_name=name,
        dom=document.dom or b"",
        frames=document.frames,
    )


def encode_source(source: Source) -> tree_pb2.TreeSource:
    """`source` as a message."""
    if isinstance(source, str):
        return tree_pb2.TreeSource(capture_id=source)
    document = Document.of_tree(source) if isinstance(source, Tree) else source
    return tree_pb2.TreeSource(native=encode_document(document))


def decode_tree(message: tree_pb2.Tree) -> Tree:
    """The tree in a message.

    Raises:
        MalformedTree: the parents are no tree in document order.
        TooLarge: it has more nodes than a tree may have.
    """
    nodes = [
        Node(
            node.role,
            node.name,
            node.value,
            tuple(node.states),
            _bounds(node.bounds) if node.HasField("bounds") else None,
            tuple((attribute.name, attribute.value) for attribute in node.attributes),
            node.platform_role,
        )
        for node in message.nodes
    ]
    return Tree.checked(nodes, [node.parent for node in message.nodes])


def timestamp(time: datetime) -> Timestamp:
    """`time` as a message.

    Raises:
        ValueError: it has no time zone.
    """
    if time.tzinfo is None:
        raise ValueError("a time needs a time zone")
    message = Timestamp()
    message.FromDatetime(time.astimezone(UTC))
    return message


def _bounds(message: tree_pb2.Bounds) -> Bounds:
    return Bounds(message.x, message.y, message.width, message.height)
