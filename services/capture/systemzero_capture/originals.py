"""What is kept of a capture as the client sent it: whether, what exactly, in which form.

A native document is kept as its serialised message, compressed with Zstandard (RFC 8878); a
screenshot as it is, since images are compressed already. Both are known by the SHA-256 of their
bytes as they were sent, and equal ones of a tenant are stored once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

import zstandard

from systemzero.capture.v1 import capture_service_pb2
from systemzero.tree.v1 import tree_pb2
from systemzero_capture.config import Keeping
from systemzero_capture.model import Original, OriginalKind
from systemzero_core.errors import FailedPrecondition, InvalidInput, TooLarge

NATIVE_TYPE: Final = "application/x-protobuf"
_LEVEL: Final = 3
_IMAGES: Final[tuple[tuple[str, Callable[[bytes], bool]], ...]] = (
    ("image/png", lambda d: d[:8] == b"\x89PNG\r\n\x1a\n" and d[12:16] == b"IHDR"),
    ("image/jpeg", lambda d: d[:3] == b"\xff\xd8\xff"),
    ("image/webp", lambda d: d[:4] == b"RIFF" and d[8:12] == b"WEBP"),
)


def kept_of(request: capture_service_pb2.IngestRequest, keeping: Keeping) -> tuple[Original, ...]:
    """What is to be kept of a request's capture as it was sent.

    Nothing that the client asked to be kept is left out in silence.

    Raises:
        InvalidInput: the screenshot is no image, or there is no native document to keep.
        FailedPrecondition: the installation does not keep what the request asks to be kept.
        TooLarge: it is larger than the installation keeps.
    """
    found = (_native(request, keeping), _screenshot(request.screenshot, keeping))
    return tuple(original for original in found if original is not None)


def decode_native(body: bytes) -> tree_pb2.NativeCapture:
    """The native document of a stored body."""
    return tree_pb2.NativeCapture.FromString(zstandard.ZstdDecompressor().decompress(body))


def is_intact(original: Original) -> bool:
    """Whether the stored body is what the description says."""
    body = original.body
    if original.media_type == NATIVE_TYPE:
        try:
            body = zstandard.ZstdDecompressor().decompress(body)
        except zstandard.ZstdError:
            return False
    return (len(body), hashlib.sha256(body).digest()) == (original.size, original.sha256)


def _native(request: capture_service_pb2.IngestRequest, keeping: Keeping) -> Original | None:
    asked, has_native = request.keep_native, request.WhichOneof("content") == "native"
    if asked and not has_native:
        raise InvalidInput.at("keep_native", "the content is no native document")
    if asked and keeping.native == "never":
        raise FailedPrecondition(
            "keep_native: native documents are not kept here (`originals.native` of the service)"
        )
    if not has_native or not (asked or keeping.native == "always"):
        return None
    raw = request.native.SerializeToString(deterministic=True)
    if len(raw) > keeping.max_native_bytes:
        if asked:
            raise _too_large("keep_native", len(raw), keeping.max_native_bytes)
        return None
    body = zstandard.ZstdCompressor(level=_LEVEL).compress(raw)
    return _original(OriginalKind.NATIVE, NATIVE_TYPE, raw, body)


def _screenshot(data: bytes, keeping: Keeping) -> Original | None:
    if not data:
        return None
    if not keeping.screenshots:
        raise FailedPrecondition(
            "screenshot: screenshots are not kept here (`originals.screenshots` of the service)"
        )
    if len(data) > keeping.max_screenshot_bytes:
        raise _too_large("screenshot", len(data), keeping.max_screenshot_bytes)
    for media_type, fits in _IMAGES:
        if fits(data):
            return _original(OriginalKind.SCREENSHOT, media_type, data, data)
    raise InvalidInput.at("screenshot", "neither PNG nor JPEG nor WebP, by its first bytes")


def _original(kind: OriginalKind, media_type: str, raw: bytes, body: bytes) -> Original:
    digest = hashlib.sha256(raw).digest()
    return Original(kind=kind, media_type=media_type, size=len(raw), sha256=digest, body=body)


def _too_large(field: str, actual: int, limit: int) -> TooLarge:
    return TooLarge(
        f"{field}: {actual:,} bytes are more than the {limit:,} that are kept",
        metadata={"limit": str(limit), "actual": str(actual)},
    )
