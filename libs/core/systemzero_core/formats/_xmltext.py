"""The text of an XML document from strangers: decoded, and found amid what a shell printed.

A declaration may be wrong (WinAppDriver says utf-16 and sends UTF-8), a stack trace or a line of
adb may stand before the document, and a few bytes may be no text: none of that costs the screen.
Each step takes time linear in the bytes.
"""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

from systemzero_core.errors import InvalidInput, TruncatedInput

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,20})[\"']")
_DECLARED_WITHIN = 65_536
_SINGLE_BYTE = re.compile(
    r"(iso-?8859-?\d+|windows-?125\d|cp125\d|gbk|gb2312|gb18030|big5|shift_jis|euc-(jp|kr))",
    re.IGNORECASE,
)
_UNICODE = re.compile(r"utf-?(8|16)(-?[lb]e)?|us-ascii", re.IGNORECASE)
_ENDS = ("unexpected end of data", "truncated data")
_FEW_LOST = 8
_LOST_EACH = 10_000
"""Characters that are no text: eight and one in so many more. With more of them the text is in
another encoding, and every change within it would be lost in U+FFFD."""

_PAIR = re.compile(rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]")
_HALF = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
_HALVES = re.compile("[\ud800-\udfff]")

_START = re.compile(
    r"""<\?xml[\s?] | <!DOCTYPE
      | <(?:hierarchy|displays|AppiumAUT|XCUIElementType[A-Za-z]+)(?=[\s/>])
      | ^[ \t]*<[^\s<>()/=!?]+\s+[\w:.-]+\s*=\s*["']""",
    re.VERBOSE | re.MULTILINE,
)
_MARKUP = re.compile(r"[\s\ufeff\0]*<(?=[A-Za-z_!?])")


class Document(NamedTuple):
    """A text and where in it the XML document starts; `start` is -1 where there is none."""

    text: str
    start: int

    @property
    def xml(self) -> str:
        """The document with whatever follows it; empty where there is none."""
        return self.text[self.start :] if self.start >= 0 else ""

    @property
    def before(self) -> str:
        """What stands before the document."""
        return self.text[: max(self.start, 0)]

    @property
    def after(self) -> str:
        """What stands after the last element."""
        return self.text[self.text.rfind(">") + 1 :]

    @property
    def starts_a_line(self) -> bool:
        """Whether nothing but blanks stands before it on its line."""
        line = self.text.rfind("\n", 0, max(self.start, 0)) + 1
        return self.start >= 0 and not self.text[line : self.start].strip()


def document_of(data: bytes) -> Document:
    """The text of `data`, and where its document starts.

    That is at a declaration, at an element that a dump begins with, or at the first character.

    Raises:
        TruncatedInput: the bytes end inside a character.
        InvalidInput: they are text in no known encoding.
    """
    text = _decoded(data)
    return Document(text, start_in(text))


def start_in(text: str) -> int:
    """Where an XML document starts in `text`, -1 if nowhere; a `<init>` of a trace is none."""
    found = _START.search(text)
    if found is not None:
        return text.index("<", found.start())
    markup = _MARKUP.match(text)
    return markup.end() - 1 if markup is not None else -1


def _decoded(data: bytes) -> str:
    """By its mark, else by its shape, else UTF-8, else as declared."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _decode(data[len(mark) :], encoding)
    if data[1:2] == b"\0":
        return _decode(data, "utf-16-le")
    if data[:1] == b"\0" != data[1:2]:
        return _decode(data, "utf-16-be")
    declared = _DECLARED.search(data[:_DECLARED_WITHIN])
    name = declared[1].decode() if declared else "utf-8"
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        if _SINGLE_BYTE.fullmatch(name) and _is_known(name):
            return _decode(data, name)
        if not _UNICODE.fullmatch(name):
            raise InvalidInput.at(
                "data", f"the XML says that it is {name}, which is not read, and is no utf-8 either"
            ) from None
        return _decode(data, "utf-8")


def _decode(data: bytes, encoding: str) -> str:
    """The text, U+FFFD in the place of the little that is none."""
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        if error.end >= len(data) and error.reason in _ENDS:
            raise TruncatedInput.at("xml", "truncated: it ends inside a character") from None
        text = _with_replacements(data, encoding)
        if text.count("\ufffd") > _FEW_LOST + len(text) // _LOST_EACH:
            raise InvalidInput.at(
                f"byte {error.start}",
                f"the XML is not the {encoding} text that it looks like; capture it again as utf-8",
            ) from None
        return text


def _is_known(encoding: str) -> bool:
    try:
        codecs.lookup(encoding)
    except LookupError:
        return False
    return True


def _with_replacements(data: bytes, encoding: str) -> str:
    if encoding == "utf-8":
        # Java writes an emoji as two surrogates of three bytes each.
        data = _PAIR.sub(_joined, data)
        return _HALF.sub(b"\xef\xbf\xbd", data).decode("utf-8", "replace")
    return data.decode(encoding, "replace")


def _joined(pair: re.Match[bytes]) -> bytes:
    halves = pair[0].decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass")
    return halves.decode("utf-16-le").encode()
