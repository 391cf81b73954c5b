"""The scalars of aria snapshots: quoted and plain texts, and what tells a pattern from a text."""

from __future__ import annotations

import re

from systemzero_core.errors import InvalidInput, UnsafeInput, quote
from systemzero_core.formats._utf8 import joined

_SINGLE = re.compile(r"'((?:[^']|'')*)'")
_DOUBLE = re.compile(r"\"((?:[^\"\\]|\\.)*)\"", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "0": "\0", "e": "\x1b"}
_ONE_REGEX = re.compile(r"/(?:[^/\\\[]|\\.|\[(?:[^\]\\]|\\.)*\])+/", re.DOTALL)
_REGEX_WORDS = re.compile(
    r"""\\[dDwWsSbB.+*?()\[\]{}|^$/\\]  # a class of characters, or one that is escaped
    | [.\])][*+?] | [.\])]\{\d          # how often
    | ^/\^ | \$/$ | \|                  # where, or what else""",
    re.VERBOSE,
)


class CutOff(InvalidInput):
    """The line ends inside something: cut off if it is the last line, else malformed."""


def quoted(text: str, where: str) -> tuple[str, str]:
    """A quoted scalar at the start of `text`, and what follows it.

    Raises:
        CutOff: the quote is not closed.
    """
    found = (_SINGLE if text[0] == "'" else _DOUBLE).match(text)
    if found is None:
        raise CutOff.at(where, "a quote that is not closed")
    if text[0] == "'":
        return found[1].replace("''", "'"), text[found.end() :]
    return unescaped(found[1]), text[found.end() :]


def scalar(text: str, where: str) -> str:
    """What stands after a colon.

    Raises:
        UnsafeInput: an anchor, an alias or a tag.
        InvalidInput: no part of a snapshot.
    """
    if text[:1] in ("'", '"'):
        value, rest = quoted(text, where)
        if rest.strip():
            raise InvalidInput.at(where, f"text after the closing quote: {quote(rest)}")
        return value
    refuse_yaml(text, where)
    return text


def refuse_yaml(text: str, where: str) -> None:
    """Refuse what YAML would give a meaning that no snapshot has.

    Raises:
        UnsafeInput: an anchor, an alias or a tag.
        InvalidInput: a mapping, a list, or what is reserved.
    """
    if text[:1] in ("&", "*", "!"):
        raise UnsafeInput.at(where, "anchors, aliases and tags are refused")
    if text[:1] in ("{", "[", "|", ">", "%", "@", "`"):
        raise InvalidInput.at(where, f"no part of an aria snapshot: {quote(text)}")


def unescaped(text: str) -> str:
    """What a text between double quotes stands for; U+FFFD for what is no character."""
    if "\\" not in text:
        return text
    # JSON writes what is beyond the basic plane as two halves.
    return joined(_ESCAPE.sub(_character, text))


def _character(found: re.Match[str]) -> str:
    code = found[1] or found[2] or found[3]
    if code is None:
        return _ESCAPED.get(found[4], found[4])
    number = int(code, 16)
    return chr(number) if number <= 0x10FFFF else "\ufffd"


def is_pattern(text: str) -> bool:
    """Whether an unquoted `text` is a regular expression and not a path, such as `/docs/`.

    Playwright writes a name between slashes as it is, whatever it is. A pattern is one where its
    own reader would take all of it for one, and it says more than the text that it looks like.
    """
    if _ONE_REGEX.fullmatch(text) is None:
        return False
    return _REGEX_WORDS.search(text) is not None
