"""Trees between the contract and the domain."""

from __future__ import annotations

from systemzero.capture.v1 import capture_pb2, capture_service_pb2
from systemzero.capture.v1 import tree_service_pb2 as pb
from systemzero.tree.v1 import tree_pb2
from systemzero_capture.model import StoredCapture
from systemzero_core.tree import Tree
from systemzero_wire import trees
from systemzero_wire.unread import read_as


def decode_message(message: bytes) -> Tree:
    """The tree of a serialised tree message.

    Raises:
        InvalidInput: it is no tree.
    """
    return trees.decode_tree(read_as(tree_pb2.Tree, message, "tree"), "tree")


def encode_answer(tree: Tree) -> bytes:
    """A serialised GetCaptureResponse with nothing but the tree.

    Appended to one with all the rest, it is one with both: messages merge.
    """
    capture = capture_pb2.Capture(tree=trees.encode_tree(tree))
    return capture_service_pb2.GetCaptureResponse(capture=capture).SerializeToString()


def encode_tree(capture: StoredCapture, body: bytes) -> pb.StoredTree:
    """The tree of a capture, which is stored as `body`, as it is stored."""
    known = capture.known
    reasons = [
        trees.encode_incompleteness(each.reason, each.detail) for each in known.incompleteness
    ]
    return pb.StoredTree(
        capture_id=capture.capture_id,
        body=body,
        signatures=trees.encode_signatures(known.signatures),
        incompleteness=reasons,
    )
