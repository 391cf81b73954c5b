"""What goes over the wire: documents, trees and times as the contract's messages, and back."""

from __future__ import annotations

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from systemzero.tree.v1 import tree_pb2
from systemzero_client.documents import Document, Source
from systemzero_core.formats import Format
from systemzero_core.tree import Bounds, Node, Tree

_FORMATS: dict[str, tree_pb2.Format.ValueType] = {
    form: tree_pb2.Format.Value(f"FORMAT_{form.upper().replace('-', '_')}") for form in Format
}


def format_name(form: tree_pb2.Format.ValueType) -> str:
    """The name of a built-in format; empty for none, a plug-in's, or one of a newer server."""
    return next((name for name, value in _FORMATS.items() if value == form), "")


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
