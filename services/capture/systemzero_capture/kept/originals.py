"""What is kept of a capture as the client sent it: whether, what exactly, in which form.

A native document is kept as its serialised message, compressed with Zstandard (RFC 8878); a
screenshot as it is, since images are compressed already. A document in which a secret stands is
kept without it, or not at all, and no screenshot of it is. Both are known by the SHA-256 of their
bytes as they were sent, and equal ones of a tenant are stored once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

import msgspec
import zstandard

from systemzero.capture.v1 import capture_pb2, capture_service_pb2
from systemzero.tree.v1 import tree_pb2
from systemzero_capture.kept.settings import KeepingSettings, OriginalsSettings
from systemzero_capture.model import Original, OriginalKind
from systemzero_core.errors import FailedPrecondition, InvalidInput, TooLarge
from systemzero_core.formats import Formats
from systemzero_core.intake import take_in_tree
from systemzero_core.originals import Clean, Document, clean
from systemzero_core.redaction import Rules
from systemzero_wire.trees import decode_format, decode_tree, encode_format

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


class OriginalsPolicy:
    """Says what is kept of captures as they were sent; nothing of it holds a secret."""

    def __init__(self, keeping: KeepingSettings) -> None:
        self._keeping = keeping

    def keeps(self, tenant: str, request: capture_service_pb2.IngestRequest) -> bool:
        """Whether anything of the request may be kept, so that `kept_of` is to be asked."""
        always = self._keeping.of(tenant).native == "always"
        return bool(request.keep_native or request.screenshot or always)

    def of(self, tenant: str) -> bytes:
        """What a tenant has kept, for `kept_of` in another process."""
        keeping = self._keeping.of(tenant)
        named = {name: getattr(keeping, name) for name in OriginalsSettings.__struct_fields__}
        return msgspec.json.encode(named)


def kept_of(
    request: capture_service_pb2.IngestRequest,
    keeping: OriginalsSettings,
    formats: Formats,
    rules: Rules,
) -> KeptOriginal:
    """What is to be kept of a request's capture as it was sent.

    Nothing that the client asked to be kept is left out in silence.

    Raises:
        InvalidInput: the screenshot is no image, there is no native document to keep, or the
            capture can't be read.
        FailedPrecondition: the installation does not keep what the request asks to be kept.
        TooLarge: it is larger than the installation keeps.
    """
    native, screenshot = _native(request, keeping), _screenshot(request.screenshot, keeping)
    if native is None and screenshot is None:
        return KeptOriginal()
    cleaned = _clean(request, formats, rules)
    if not cleaned.has_secrets:
        return KeptOriginal(tuple(filter(None, (native, screenshot))))
    withheld = []
    if native is not None:
        native = _kept_native(cleaned.document)
        withheld += [] if native else [_NO_NATIVE]
    if screenshot is not None and not keeping.screenshots_of_secrets:
        screenshot = None
        withheld.append(_NO_SCREENSHOT)
    return KeptOriginal(tuple(filter(None, (native, screenshot))), tuple(withheld))


def _clean(request: capture_service_pb2.IngestRequest, formats: Formats, rules: Rules) -> Clean:
    content = request.WhichOneof("content")
    if content == "native":
        native = request.native
        form = decode_format(native, "native")
        document = Document(native.data, form, native.dom or None, tuple(native.frames))
        return clean(document, formats=formats, rules=rules)
    if content == "tree":
        taken = take_in_tree(decode_tree(request.tree, "tree"), rules=rules)
        return Clean(None, bool(taken.secrets))
    return Clean(None, has_secrets=False)  # whoever normalised it redacted it


def encode_originals(originals: Iterable[Original]) -> capture_pb2.Originals:
    """What is kept of a capture as it was sent; of what was read whole, the bytes too."""
    message = capture_pb2.Originals()
    for original in originals:
        info = capture_pb2.Original(
            media_type=original.media_type, size_bytes=original.size, sha256=original.sha256
        )
        if original.kind is OriginalKind.NATIVE:
            message.native_info.CopyFrom(info)
            if original.body:
                message.native.CopyFrom(decode_native(original.body))
        else:
            message.screenshot_info.CopyFrom(info)
            message.screenshot = original.body
    return message


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


def _native(
    request: capture_service_pb2.IngestRequest, keeping: OriginalsSettings
) -> Original | None:
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
    return _native_original(raw)


def _kept_native(document: Document | None) -> Original | None:
    """A rewritten document, in the message that it is kept as."""
    if document is None:
        return None
    form, format_name = encode_format(document.format)
    message = tree_pb2.NativeCapture(
        data=document.data,
        dom=document.dom or b"",
        frames=document.frames,
        format=form,
        format_name=format_name,
    )
    return _native_original(message.SerializeToString(deterministic=True))


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
