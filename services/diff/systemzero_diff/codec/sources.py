"""Trees as they come in a request, or from the capture service: not yet read, and read."""

from __future__ import annotations

import zstandard

from systemzero.capture.v1 import tree_service_pb2
from systemzero.tree.v1 import tree_pb2
from systemzero_core.errors import DataCorrupted, InvalidInput
from systemzero_core.formats import own
from systemzero_core.originals import Document
from systemzero_core.tree import Tree
from systemzero_diff.model import Source
from systemzero_wire import trees
from systemzero_wire.unread import raw, read_as


def given(source: tree_pb2.TreeSource, field: str) -> Source:
    """What the request gives itself.

    Raises:
        InvalidInput: no source is set.
    """
    kind = source.WhichOneof("source")
    if kind == "native":
        native, name = source.native, f"{field}.native"
        frames = trees.decode_frames(native, name)
        size = len(native.data) + len(native.dom) + sum(map(len, frames))
        factor = 1 if native.format == tree_pb2.FORMAT_TREE else own.TERSEST
        return Source(kind, native.SerializeToString(), name, factor * size)
    if kind == "tree":
        message = raw(source.tree)
        return Source(kind, message, field, own.TERSEST * len(message))
    raise InvalidInput.at(field, "required: tree, capture_id or native")


def of_capture(stored: tree_service_pb2.StoredTree) -> Source:
    """A stored capture with its tree.

    Raises:
        DataCorrupted: that is none.
    """
    try:
        size = zstandard.frame_content_size(stored.body)
    except zstandard.ZstdError:
        raise damaged(stored.capture_id) from None
    given = enumerate(stored.incompleteness)
    reasons = [trees.decode_incompleteness(reason, f"incompleteness[{i}]") for i, reason in given]
    signatures = trees.decode_signatures(stored.signatures, "signatures")
    return Source(
        "capture", stored.body, "", size, stored.capture_id, (*signatures,), tuple(reasons)
    )


def damaged(capture_id: str) -> DataCorrupted:
    """That the tree of a stored capture is none."""
    return DataCorrupted(f"the stored capture {capture_id!r:.120} is damaged")


def decode_native(source: Source) -> Document:
    """The document of a source that is one.

    Raises:
        InvalidInput: its format is none of the contract's, and no name of an extension.
    """
    message = tree_pb2.NativeCapture.FromString(source.message)
    form = trees.decode_format(message, source.field)
    return Document(message.data, form, message.dom or None, tuple(message.frames))


def decode_tree(source: Source) -> Tree:
    """The tree of a source that is one.

    Raises:
        InvalidInput: it is no tree.
    """
    return trees.decode_tree(read_as(tree_pb2.Tree, source.message, source.field), source.field)
