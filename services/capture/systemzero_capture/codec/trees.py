"""Trees of stored captures as messages, as they are stored."""

from __future__ import annotations

from systemzero.capture.v1 import tree_service_pb2 as pb
from systemzero_capture.model import StoredCapture
from systemzero_wire.trees import encode_incompleteness, encode_signatures


def encode_tree(capture: StoredCapture, body: bytes) -> pb.StoredTree:
    """The tree of a capture, which is stored as `body`."""
    known = capture.known
    reasons = [encode_incompleteness(each.reason, each.detail) for each in known.incompleteness]
    return pb.StoredTree(
        capture_id=capture.capture_id,
        body=body,
        signatures=encode_signatures(known.signatures),
        incompleteness=reasons,
    )
