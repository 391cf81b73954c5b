"""What stands in place of one capture: a web page, a text in JSON, several captures in one file."""

from __future__ import annotations

import re

import msgspec

from systemzero_core.errors import quote

_SEVERAL_BYTES = re.compile(rb"\[\s*\{\s*\"(?:nodes|result|id|format|root|applications)\"")
_PAGE = re.compile(
    r"(?:<!--.{0,500}?-->\s*)?<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
_TITLE = re.compile(r"<(?:title|h1)[^<>]{0,100}>([^<]{0,500})", re.IGNORECASE)
_LOOKED_AT = 4096
_NOTHING = frozenset((b"undefined", b"None", b"null", b"nil"))
_MCP = re.compile(rb"\{\s*\"content\"\s*:\s*\[\s*\{\s*\"type\"")

SEVERAL = (
    "several captures stand in one file: give each by itself, and the child frames of one page "
    "as its `frames`"
)


def of_another_kind(data: bytes) -> str | None:
    """What `data` is, and what to give in its place; None where that can't be told."""
    head = data[:_LOOKED_AT].lstrip()
    if _SEVERAL_BYTES.match(head):
        return SEVERAL
    if head.startswith(b"\x89PNG"):
        return "this is a picture of the screen: capture its accessibility tree"
    if head.strip() in _NOTHING and len(data) < _LOOKED_AT:
        return (
            "a script printed nothing in place of the capture: capture again, and print its result"
        )
    if head.startswith(b"{") and _MCP.match(head):
        return (
            "this is the whole answer of an MCP server: give its `content[0].text`, as plain text"
        )
    if head.startswith(b'"'):
        return _quoted(data, head)
    if head.startswith(b"{") and _is_followed(data):
        return SEVERAL
    return _web_page(head.decode("utf-8", "replace").lstrip("\ufeff"))


def _quoted(data: bytes, head: bytes) -> str:
    try:
        text = msgspec.json.decode(data, type=str)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        text = head.decode("utf-8", "replace")
    line = next(iter(text.splitlines()), "")
    return (
        f"a text in JSON that begins with {quote(line)}: give the text itself, without its quotes"
    )


def _is_followed(data: bytes) -> bool:
    """Whether another document follows the first, as where each line is one."""
    try:
        msgspec.json.decode(data, type=msgspec.Raw)
    except msgspec.MsgspecError as error:
        return "trailing characters" in str(error)
    except RecursionError:
        return False
    return False


def _web_page(head: str) -> str | None:
    if _PAGE.match(head) is None:
        return None
    titled = _TITLE.search(head)
    called = f" called {quote(' '.join(titled[1].split(' ')).strip())}" if titled else ""
    return (
        f"this is an HTML page{called}, no accessibility tree: see whether a server answered with "
        "an error, and capture the tree that the browser makes of the page"
    )
