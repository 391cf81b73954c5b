"""A first look at bytes of unknown format: what they begin with, never what they are in full."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from itertools import islice

import msgspec

from systemzero_core.errors import InvalidInput, MalformedTree, TruncatedInput, quote
from systemzero_core.formats import _instead, _json, _toolsays
from systemzero_core.formats._xmltext import document_of

_HEAD_BYTES = 4096
_BLANK = b" \t\r\n\0"
_FIRST_NAME = re.compile(rb"\{\s*\"([A-Za-z_]{1,40})\"\s*:")
_AX_NODES = re.compile(
    rb"(?:\{\s*(?:\"id\"\s*:\s*\d+\s*,\s*)?(?:\"result\"\s*:\s*\{\s*)?\"nodes\"\s*:\s*)?"
    rb"\[\s*\{\s*\"nodeId\""
)
_ELEMENT = re.compile(r"<([^\s<>/!?]+)([^<>]*)")
_ANDROID_BOX = re.compile(r"\sbounds\s*=\s*[\"']\[-?\d")
_UIA = re.compile(r"\s(?:AutomationId|RuntimeId|LocalizedControlType)\s*=")
_XML_BYTES = re.compile(rb"<(?:\?xml|hierarchy|displays|AppiumAUT|XCUIElementType)")
_CUT_XML = re.compile(
    r"<(?:\?|!-?-?|\?x[^<>]*|[A-Za-z_][^<>]*)"
    r"|<\?xml[^<>]*>\s*(?:<!--(?:[^-]|-(?!->))*-->\s*)?(?:<(?:!-?-?|[A-Za-z_][^<>]*)?)?"
)
_WRAPPERS = frozenset(("AppiumAUT",))
_WITHIN_WRAPPER = 2
_ARIA_LINE = re.compile(
    rb"(?:[ \t\r]*(?:#[^\n]*|---[ \t\r]*|```[^\n]*)?\n)*[ \t\r]*- ['\"/<]?[A-Za-z]"
)
_ARIA_BLOCK = re.compile(
    rb"^```(?:(?i:ya?ml|aria)[ \t\r]*\n\s*(?:-\s|#)|[^\n]{0,40}\n\s*- ['\"/<]?[A-Za-z])"
    rb"|^### (?:Ran Playwright code|Modal state)\b",
    re.MULTILINE,
)
_names = msgspec.json.Decoder(dict[str, msgspec.Raw])

_DECIDES = frozenset(("format", "root", "applications", "captured"))


class Look:
    """What can be told of `data` cheaply; each question is answered at most once."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._head = data[:_HEAD_BYTES].removeprefix(_json.BOM).lstrip(_BLANK)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing but blanks."""
        return not self._head and not self.data.removeprefix(_json.BOM).strip(_BLANK)

    def is_cdp(self) -> bool:
        """`nodes` (perhaps in a message) without `format`, or a bare list of nodes."""
        if _AX_NODES.match(self._head):
            return True
        names = self._json_names
        return ("nodes" in names and "format" not in names) or "result" in names

    def is_own(self) -> bool:
        """The flat layout: `format` and `nodes`."""
        return "format" in self._json_names

    def is_nested(self) -> bool:
        """The older layout: `root`."""
        return "root" in self._json_names

    def is_atspi(self) -> bool:
        """The dumper's layout: `applications`."""
        return bool(self._json_names & {"applications", "captured"})

    def is_android(self) -> bool:
        """A `hierarchy`, several windows, or an element with Android's corners as its box."""
        tag, attributes = self._element
        return tag in ("hierarchy", "displays") or _ANDROID_BOX.search(attributes) is not None

    def is_apple(self) -> bool:
        """An `AppiumAUT` of XCUITest's elements, or such an element."""
        tag = self._element[0]
        return tag in _WRAPPERS or tag.startswith("XCUIElementType")

    def is_windows(self) -> bool:
        """An element with UI Automation's properties."""
        return _UIA.search(self._element[1]) is not None

    def is_aria(self) -> bool:
        """A line that starts with a dash, or a tool's answer with a block of such lines."""
        if _ARIA_LINE.match(self._head) is not None:
            return True
        return not self._head.startswith((b"{", b"[", b"<")) and (
            _ARIA_BLOCK.search(self.data) is not None
        )

    def is_cut_off(self) -> bool:
        """XML that ends before its first element does, so that nothing tells what it is."""
        return len(self.data) < _HEAD_BYTES and _CUT_XML.fullmatch(self._marks) is not None

    @cached_property
    def _marks(self) -> str:
        """The beginning as far as it is ASCII, whichever encoding of Unicode it is in."""
        return self._head.decode("ascii", "ignore").replace("\0", "").lstrip()

    def describe(self, wanted: str | None, known: Sequence[str]) -> str:
        """Why no adapter took it, for an error message."""
        said = _instead.of_another_kind(self.data) or _toolsays.instead_of(self.data)
        if said is not None:
            return said
        if wanted is not None:
            return f"the capture is not of the format {wanted}"
        if re.match(rb"(?:\S.*\n)*?(?:screen_id|required_nodes)\s*:", self._head):
            return "this is a template, not a capture"
        begins = quote(_toolsays.beginning(self.data))
        return f"it begins with {begins}, of no known format; known are {', '.join(known)}"

    @cached_property
    def _json_names(self) -> frozenset[str]:
        """The names in the outermost object; only the first one where that decides."""
        if not self._head.startswith(b"{"):
            return frozenset()
        first = _FIRST_NAME.match(self._head)
        if first and first[1].decode() in _DECIDES:
            return frozenset((first[1].decode(),))
        try:
            return frozenset(_json.decode(_names, self.data, "data").keys())
        except MalformedTree:
            return frozenset(_json.decode_any(self.data, "data").keys())
        except TruncatedInput:
            raise
        except InvalidInput:
            return frozenset()

    @cached_property
    def _element(self) -> tuple[str, str]:
        """The tag and the attributes of the first XML element within any wrapper, or empty."""
        if b"<" not in self.data:
            return "", ""
        try:
            document = document_of(self.data)
        except InvalidInput as error:
            is_markup = self._marks.startswith("<") and isinstance(error, TruncatedInput)
            if is_markup or _XML_BYTES.search(self.data):
                raise
            return "", ""
        is_other = self.is_aria() or document.text.lstrip("\ufeff\0 \t\r\n").startswith(("{", "["))
        if is_other and not document.starts_a_line:
            return "", ""
        xml = document.xml
        found = "", ""
        for element in islice(_ELEMENT.finditer(xml[:_HEAD_BYTES]), _WITHIN_WRAPPER):
            found = element[1], element[2]
            if found[0] not in _WRAPPERS:
                break
        return found
