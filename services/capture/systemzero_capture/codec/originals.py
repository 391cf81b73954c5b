"""What is kept of captures as they were sent, between the contract and the service's values.

A native document is kept as its serialised message, compressed.
"""

from __future__ import annotations

from collections.abc import Iterable

import zstandard

from systemzero.capture.v1 import capture_pb2, capture_service_pb2
from systemzero.tree.v1 import tree_pb2
from systemzero_capture.model import Native, Offered, Original, OriginalKind
from systemzero_wire.trees import encode_format


def decode_offered(
    request: capture_service_pb2.IngestRequest, content: Native | bytes | None
) -> Offered:
    """What the request offers to have kept of its capture, which has this `content`."""
    native = b""
    if isinstance(content, Native):
        native = request.native.SerializeToString(deterministic=True)
    return Offered(content, native, request.screenshot, request.keep_native)


def encode_native(native: Native) -> bytes:
    """A native document in the message that it is kept as, serialised."""
    form, format_name = encode_format(native.form)
    message = tree_pb2.NativeCapture(
        data=native.data,
        dom=native.dom or b"",
        frames=native.frames,
        format=form,
        format_name=format_name,
    )
    return message.SerializeToString(deterministic=True)


def encode_originals(originals: Iterable[Original]) -> bytes:
    """A serialised GetCaptureResponse with nothing but what is kept of the capture as it was sent.

    Of what was read whole, the bytes too. Appended to one with all the rest, it is one with both:
    messages merge.
    """
    message = capture_pb2.Originals()
    for original in originals:
        info = capture_pb2.Original(
            media_type=original.media_type, size_bytes=original.size, sha256=original.sha256
        )
        if original.kind is OriginalKind.NATIVE:
            message.native_info.CopyFrom(info)
            if original.body:
                message.native.CopyFrom(_stored_native(original.body))
        else:
            message.screenshot_info.CopyFrom(info)
            message.screenshot = original.body
    capture = capture_pb2.Capture(originals=message)
    return capture_service_pb2.GetCaptureResponse(capture=capture).SerializeToString()


def _stored_native(body: bytes) -> tree_pb2.NativeCapture:
    return tree_pb2.NativeCapture.FromString(zstandard.ZstdDecompressor().decompress(body))
