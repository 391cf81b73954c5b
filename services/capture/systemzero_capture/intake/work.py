"""What the service has done in lanes, or at once where it is small: bytes in, bytes out.

Lanes import it: nothing here knows gRPC, the store or metrics.
"""

from __future__ import annotations

from typing import Final

import msgspec

from systemzero_base.lanes.worker import WorkContext
from systemzero_base.plugins import lane_formats
from systemzero_base.settings.redacting import rules_of
from systemzero_capture.codec.trees import decode_message, encode_answer
from systemzero_capture.intake import pipeline
from systemzero_capture.intake.decoded import DecodedCapture
from systemzero_capture.kept.originals import KeptOriginal, kept_of
from systemzero_capture.kept.settings import OriginalsSettings
from systemzero_capture.model import ContentFacts, Decoded, Native, Offered
from systemzero_storage.tree_body import decompress


class TakenCapture(msgspec.Struct, frozen=True, array_like=True):
    """A capture that was decoded: what is known of it, its own tree JSON, what is stored of it."""

    known: ContentFacts
    document: bytes
    body: bytes


def decode_native(_desk: WorkContext, native: Native, told: bytes) -> bytes:
    """A `TakenCapture` of a native document, encoded."""
    return _taken(pipeline.decode_native(native, lane_formats(), rules_of(told)))


def decode_tree(_desk: WorkContext, message: bytes, told: bytes) -> bytes:
    """A `TakenCapture` of a serialised tree message, encoded."""
    return _taken(pipeline.decode_tree(decode_message(message), rules_of(told)))


def _taken(decoded: Decoded) -> bytes:
    held = DecodedCapture(decoded.tree)
    body = held.body()
    return msgspec.msgpack.encode(TakenCapture(decoded.known, held.document, body))


def keep(_desk: WorkContext, offered: Offered, keeping: bytes, told: bytes) -> bytes:
    """A `KeptOriginal` of what was offered, encoded."""
    settings = msgspec.json.decode(keeping, type=OriginalsSettings)
    return msgspec.msgpack.encode(kept_of(offered, settings, lane_formats(), rules_of(told)))


def tree_answer(_desk: WorkContext, body: bytes) -> bytes:
    """The tree of a stored body, encoded; see `encode_answer`."""
    return encode_answer(decompress(body))


def taken(encoded: bytes) -> TakenCapture:
    """What a lane decoded."""
    return _decode(encoded)


def kept(encoded: bytes) -> KeptOriginal:
    """What a lane says is kept."""
    return _decode_kept(encoded)


_decode: Final = msgspec.msgpack.Decoder(TakenCapture).decode
_decode_kept: Final = msgspec.msgpack.Decoder(KeptOriginal).decode
