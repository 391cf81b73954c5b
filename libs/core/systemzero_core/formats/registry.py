"""The formats that are read, and how each is recognised: one adapter each, tried in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from systemzero_core.errors import InvalidInput, TooLarge, TruncatedInput, UnknownFormat
from systemzero_core.formats import (
    appium_ios,
    appium_windows,
    aria,
    atspi,
    cdp,
    nested,
    own,
    uiautomator,
)
from systemzero_core.formats._look import Look
from systemzero_core.formats.model import Format, Parsed, Reader, Source
from systemzero_core.tree import MAX_INPUT_BYTES


class Adapter(NamedTuple):
    """One way to read one format; two adapters may read two layouts of it."""

    format: Format
    recognises: Callable[[Look], bool]
    read: Reader


ADAPTERS: tuple[Adapter, ...] = (
    Adapter(Format.CDP, Look.is_cdp, cdp.read),
    Adapter(Format.TREE, Look.is_own, own.read),
    Adapter(Format.TREE, Look.is_nested, nested.read),
    Adapter(Format.ATSPI, Look.is_atspi, atspi.read),
    Adapter(Format.UIAUTOMATOR, Look.is_android, uiautomator.read),
    Adapter(Format.APPIUM_IOS, Look.is_ios, appium_ios.read),
    Adapter(Format.APPIUM_WINDOWS, Look.is_windows, appium_windows.read),
    Adapter(Format.ARIA, Look.is_aria, aria.read),
)


def detect(data: bytes) -> Format:
    """The format of `data`, by its beginning and, for JSON, its names.

    Raises:
        TruncatedInput: there is nothing, or JSON that ends before it tells what it is.
        UnknownFormat: it is none of the formats.
    """
    return _recognise(data).format


def parse(
    data: bytes,
    *,
    format: Format | None = None,  # noqa: A002
    dom: bytes | None = None,
    frames: Sequence[bytes] = (),
    max_bytes: int = MAX_INPUT_BYTES,
) -> Parsed:
    """Read a capture.

    Args:
        data: the capture in its native format.
        format: the format, or None to recognise it.
        dom: for CDP, the DOM data of the page: boxes and attributes.
        frames: for CDP, the answers of the child frames.
        max_bytes: how many bytes all parts may have together.

    Raises:
        TooLarge: more than `max_bytes` bytes or `MAX_NODES` nodes.
        TruncatedInput: the input ends before it is complete.
        UnknownFormat: the bytes are of no known format, or not of `format`.
        UnsafeInput: the input has entities, anchors or aliases.
        MalformedTree: the input is no tree; the violation names the node.
        InvalidInput: anything else that is wrong; the violation names the field or line.
    """
    _check_size(len(data) + len(dom or b"") + sum(map(len, frames)), max_bytes)
    adapter = _recognise(data, format)
    if adapter.format is not Format.CDP and (dom is not None or frames):
        raise InvalidInput.at("dom" if dom is not None else "frames", "only CDP captures have it")
    return adapter.read(Source(data, dom, frames))


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise TooLarge(
            f"the capture has {size} bytes, at most {limit} are taken",
            metadata={"limit": str(limit), "actual": str(size)},
        )


def _recognise(data: bytes, wanted: Format | None = None) -> Adapter:
    look = Look(data)
    if look.is_empty:
        raise TruncatedInput.at("data", "truncated: there is nothing in it")
    candidates = [a for a in ADAPTERS if wanted is None or a.format is wanted]
    for adapter in candidates:
        if len(candidates) == 1 or adapter.recognises(look):
            return adapter
    raise UnknownFormat.at("format" if wanted else "data", look.describe(wanted))
