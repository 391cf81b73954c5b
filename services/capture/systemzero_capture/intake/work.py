"""What the service has done in lanes, or at once where it is small: bytes in, bytes out.

Lanes import it: nothing here knows gRPC, the store or metrics.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from systemzero.capture.v1 import capture_pb2, capture_service_pb2
from systemzero.tree.v1 import tree_pb2
from systemzero_base.lanes.worker import WorkContext
from systemzero_base.plugins import lane_formats
from systemzero_base.settings.redacting import rules_of
from systemzero_capture.intake import pipeline
from systemzero_capture.intake.decoded import DecodedCapture
from systemzero_capture.kept.originals import KeptOriginal, encode_originals, kept_of
from systemzero_capture.kept.settings import OriginalsSettings
from systemzero_capture.model import ContentFacts, Decoded, Native, Original
from systemzero_core.tree import Tree
from systemzero_storage.tree_body import decompress
from systemzero_wire.trees import decode_tree, encode_tree
from systemzero_wire.unread import read_as


class TakenCapture(msgspec.Struct, frozen=True, array_like=True):
    """A capture that was decoded: what is known of it, its own tree JSON, what is stored of it."""

    known: ContentFacts
    document: bytes
    body: bytes


def decode_native(_desk: WorkContext, native: Native, told: bytes) -> bytes:
    """A `TakenCapture` of a native document, encoded."""
    return _taken(pipeline.decode_native(native, lane_formats(), rules_of(told)))


def decode_message(_desk: WorkContext, tree: bytes, told: bytes) -> bytes:
    """A `TakenCapture` of a serialised tree message, encoded."""
    return _taken(pipeline.decode_tree(tree_of(tree), rules_of(told)))


def tree_of(message: bytes) -> Tree:
    """The tree of a serialised tree message.

    Raises:
        InvalidInput: it is no tree.
    """
    return decode_tree(read_as(tree_pb2.Tree, message, "tree"), "tree")


def _taken(decoded: Decoded) -> bytes:
    held = DecodedCapture(decoded.tree)
    body = held.body()
    return msgspec.msgpack.encode(TakenCapture(decoded.known, held.document, body))


def keep(_desk: WorkContext, request: bytes, keeping: bytes, told: bytes) -> bytes:
    """A `KeptOriginal` of a serialised IngestRequest, encoded."""
    message = read_as(capture_service_pb2.IngestRequest, request, "content")
    settings = msgspec.json.decode(keeping, type=OriginalsSettings)
    return msgspec.msgpack.encode(kept_of(message, settings, lane_formats(), rules_of(told)))


def tree_answer(_desk: WorkContext, body: bytes) -> bytes:
    """A serialised GetCaptureResponse with nothing but the tree of a stored body.

    Appended to one with all the rest, it is one with both: messages merge.
    """
    capture = capture_pb2.Capture(tree=encode_tree(decompress(body)))
    return capture_service_pb2.GetCaptureResponse(capture=capture).SerializeToString()


def originals_answer(_desk: WorkContext, originals: Sequence[Original]) -> bytes:
    """As `tree_answer`, with nothing but what was kept of the capture as it was sent."""
    capture = capture_pb2.Capture(originals=encode_originals(originals))
    return capture_service_pb2.GetCaptureResponse(capture=capture).SerializeToString()


def taken(encoded: bytes) -> TakenCapture:
    """What a lane decoded."""
    return _decode(encoded)


def kept(encoded: bytes) -> KeptOriginal:
    """What a lane says is kept."""
    return _decode_kept(encoded)


_decode: Final = msgspec.msgpack.Decoder(TakenCapture).decode
_decode_kept: Final = msgspec.msgpack.Decoder(KeptOriginal).decode
