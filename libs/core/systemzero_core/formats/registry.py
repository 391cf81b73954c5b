"""The formats that are read, and how each is recognised: one adapter each, tried in order.

Plug-ins come after what is built in: none can take over what is read without it. Loading them is
the part of whoever composes a service or a client; it hands what it loaded to `Formats`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import NamedTuple

from systemzero_core.errors import (
    AlreadyExists,
    InvalidInput,
    TooLarge,
    TruncatedInput,
    UnknownFormat,
)
from systemzero_core.formats._look import Look
from systemzero_core.formats._utf8 import utf8_of
from systemzero_core.formats.model import Format, FormatPlugin, Parsed, Reader, Source
from systemzero_core.tree import MAX_INPUT_BYTES, MAX_NODES

ENTRY_POINT_GROUP = "systemzero.formats"
"""Where plug-ins declare their formats: a class without arguments, or an instance's factory."""

NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
"""What a format may be named."""


class Adapter(NamedTuple):
    """One way to read one format; two adapters may read two layouts of it."""

    format: str
    recognises: Callable[[Look], bool]
    read: Reader


def _reader(module: str) -> Reader:
    """Reads with a module of this package, imported when it is needed first: most read one."""

    def read(source: Source) -> Parsed:
        found: Reader = import_module(f"{__package__}.{module}").read
        return found(source)

    return read


ADAPTERS: tuple[Adapter, ...] = (
    Adapter(Format.CDP, Look.is_cdp, _reader("cdp")),
    Adapter(Format.TREE, Look.is_own, _reader("own")),
    Adapter(Format.TREE, Look.is_nested, _reader("nested")),
    Adapter(Format.ATSPI, Look.is_atspi, _reader("atspi")),
    Adapter(Format.UIAUTOMATOR, Look.is_android, _reader("uiautomator")),
    Adapter(Format.APPIUM_IOS, Look.is_apple, _reader("appium_ios")),
    Adapter(Format.APPIUM_WINDOWS, Look.is_windows, _reader("appium_windows")),
    Adapter(Format.ARIA, Look.is_aria, _reader("aria")),
)


class Formats:
    """The formats that are built in, and those of plug-ins."""

    def __init__(self, plugins: Iterable[FormatPlugin] = ()) -> None:
        """Takes the plug-ins by name, whatever their order.

        Raises:
            AlreadyExists: two formats of one name.
            InvalidInput: a name that is none.
        """
        self._adapters = list(ADAPTERS)
        taken = {str(form) for form in Format}
        for plugin in sorted(plugins, key=lambda one: one.name):
            if not NAME.fullmatch(plugin.name):
                raise InvalidInput.at("name", f"{plugin.name!r:.60} is no name of a format")
            if plugin.name in taken:
                raise AlreadyExists(f"two formats are named {plugin.name}")
            taken.add(plugin.name)
            self._adapters.append(_adapter(plugin))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all formats."""
        return tuple(dict.fromkeys(str(adapter.format) for adapter in self._adapters))

    def detect(self, data: bytes) -> str:
        """The format of `data`, by its beginning and, for JSON, its names.

        Raises:
            TruncatedInput: there is nothing, or JSON that ends before it tells what it is.
            UnknownFormat: it is none of the formats.
        """
        return self._recognise(utf8_of(data), None).format

    def parse(
        self,
        data: bytes,
        *,
        format: str | None = None,  # noqa: A002
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
        data = utf8_of(data)
        adapter = self._recognise(data, format)
        if adapter.format != Format.CDP and (dom is not None or frames):
            raise InvalidInput.at(
                "dom" if dom is not None else "frames", "only CDP captures have it"
            )
        dom = dom if dom is None else utf8_of(dom)
        return adapter.read(Source(data, dom, [utf8_of(frame) for frame in frames]))

    def _recognise(self, data: bytes, wanted: str | None) -> Adapter:
        look = Look(data)
        if look.is_empty:
            raise TruncatedInput.at(
                "data",
                "truncated: there is nothing in it; capture again",
            )
        candidates = [a for a in self._adapters if wanted is None or a.format == wanted]
        for adapter in candidates:
            if len(candidates) == 1 or adapter.recognises(look):
                return adapter
        if not candidates:
            known = ", ".join(self.names)
            raise UnknownFormat.at(
                "format", f"no format is named {wanted!r:.60}; known are {known}"
            )
        if look.is_cut_off():
            raise TruncatedInput.at(
                "data", "truncated: the XML ends before its first element does; capture again"
            )
        raise UnknownFormat.at("format" if wanted else "data", look.describe(wanted, self.names))


def _adapter(plugin: FormatPlugin) -> Adapter:
    def read(source: Source) -> Parsed:
        parsed = plugin.read(source)
        if len(parsed.tree) > MAX_NODES:
            raise TooLarge(
                f"the capture has {len(parsed.tree)} nodes, at most {MAX_NODES} are taken"
            )
        return parsed._replace(format=plugin.name)

    return Adapter(plugin.name, lambda look: plugin.recognises(look.data), read)


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise TooLarge(
            f"the capture has {size} bytes, at most {limit} are taken",
            metadata={"limit": str(limit), "actual": str(size)},
        )


BUILT_IN = Formats()
"""The formats that are read without any plug-in."""
detect, parse = BUILT_IN.detect, BUILT_IN.parse
