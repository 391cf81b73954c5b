"""What is kept of a capture as the client sent it: whether, what exactly, in which form.

A native document is kept as its serialised message, compressed with Zstandard (RFC 8878); a
screenshot as it is, since images are compressed already. A document in which a secret stands is
kept without it, or not at all, and no screenshot of it is. Both are known by the SHA-256 of their
bytes as they were sent, and equal ones of a tenant are stored once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final, NamedTuple

import zstandard

from systemzero_capture.codec.originals import encode_native
from systemzero_capture.codec.trees import decode_message
from systemzero_capture.kept.settings import OriginalsSettings
from systemzero_capture.model import Native, Offered, Original, OriginalKind
from systemzero_core.errors import FailedPrecondition, InvalidInput, TooLarge
from systemzero_core.formats import Formats
from systemzero_core.intake import take_in_tree
from systemzero_core.originals import Clean, Document, clean
from systemzero_core.redaction import Rules

NATIVE_TYPE: Final = "application/x-protobuf"
_LEVEL: Final = 3
_NO_NATIVE: Final = (
    "the native document is not kept: it holds a secret, and can't be shown to be free of it"
)
_NO_SCREENSHOT: Final = (
    "the screenshot is not kept: a secret was redacted from the capture, and a picture can't be "
    "(`originals.screenshots_of_secrets` of the service)"
)
_IMAGES: Final[tuple[tuple[str, Callable[[bytes], bool]], ...]] = (
    ("image/png", lambda d: d[:8] == b"\x89PNG\r\n\x1a\n" and d[12:16] == b"IHDR"),
    ("image/jpeg", lambda d: d[:3] == b"\xff\xd8\xff"),
    ("image/webp", lambda d: d[:4] == b"RIFF" and d[8:12] == b"WEBP"),
)


class KeptOriginal(NamedTuple):
    """What is kept of a capture as it was sent, and what is not since it shows a secret."""

    originals: tuple[Original, ...] = ()
    withheld: tuple[str, ...] = ()


def kept_of(
    offered: Offered, keeping: OriginalsSettings, formats: Formats, rules: Rules
) -> KeptOriginal:
    """What is to be kept of a capture as it was sent.

    Nothing that the client asked to be kept is left out in silence.

    Raises:
        InvalidInput: the screenshot is no image, there is no native document to keep, or the
            capture can't be read.
        FailedPrecondition: the installation does not keep what the request asks to be kept.
        TooLarge: it is larger than the installation keeps.
    """
    native, screenshot = _native(offered, keeping), _screenshot(offered.screenshot, keeping)
    if native is None and screenshot is None:
        return KeptOriginal()
    cleaned = _clean(offered.content, formats, rules)
    if not cleaned.has_secrets:
        return KeptOriginal(tuple(filter(None, (native, screenshot))))
    withheld = []
    if native is not None:
        native = _rewritten(cleaned.document)
        withheld += [] if native else [_NO_NATIVE]
    if screenshot is not None and not keeping.screenshots_of_secrets:
        screenshot = None
        withheld.append(_NO_SCREENSHOT)
    return KeptOriginal(tuple(filter(None, (native, screenshot))), tuple(withheld))


def _clean(content: Native | bytes | None, formats: Formats, rules: Rules) -> Clean:
    if content is None:
        return Clean(None, has_secrets=False)  # whoever normalised it redacted it
    if isinstance(content, Native):
        return clean(Document(*content), formats=formats, rules=rules)
    taken = take_in_tree(decode_message(content), rules=rules)
    return Clean(None, bool(taken.secrets))


def is_intact(original: Original) -> bool:
    """Whether the stored body is what the description says."""
    body = original.body
    if original.media_type == NATIVE_TYPE:
        try:
            body = zstandard.ZstdDecompressor().decompress(body)
        except zstandard.ZstdError:
            return False
    return (len(body), hashlib.sha256(body).digest()) == (original.size, original.sha256)


def _native(offered: Offered, keeping: OriginalsSettings) -> Original | None:
    asked, has_native = offered.asked, isinstance(offered.content, Native)
    if asked and not has_native:
        raise InvalidInput.at("keep_native", "the content is no native document")
    if asked and keeping.native == "never":
        raise FailedPrecondition(
            "keep_native: native documents are not kept here (`originals.native` of the service)"
        )
    if not has_native or not (asked or keeping.native == "always"):
        return None
    size = len(offered.native)
    if size > keeping.max_native_bytes:
        if asked:
            raise _too_large("keep_native", size, keeping.max_native_bytes)
        return None
    return _native_original(offered.native)


def _rewritten(document: Document | None) -> Original | None:
    return None if document is None else _native_original(encode_native(Native(*document)))


def _native_original(raw: bytes) -> Original:
    body = zstandard.ZstdCompressor(level=_LEVEL).compress(raw)
    return _original(OriginalKind.NATIVE, NATIVE_TYPE, raw, body)


def _screenshot(data: bytes, keeping: OriginalsSettings) -> Original | None:
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
