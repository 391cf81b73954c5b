"""The rows of an aria snapshot, page by page: what stands around them is left out.

A snapshot may come within a tool's answer (between fences of three backquotes, behind other such
blocks: the code that ran, a result), as several YAML documents, and with texts of several lines
(`- text: |-`), as YAML libraries write them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import NamedTuple

from systemzero_core.errors import InvalidInput, TruncatedInput

_FENCE = "```"
_LANGUAGES = frozenset(("yaml", "yml", "aria"))
_HEADING = re.compile(
    r"### (?:Ran Playwright code|Open tabs|Page|Snapshot|Modal state|Result|Error|Events)\b"
)
NO_SNAPSHOT = (
    "the tool's answer holds no snapshot: give the one that it put into a file, or what "
    "`browser_snapshot` answers once no dialog is open"
)
_BLOCK = re.compile(r"( *)(- .*:) ([|>])[+-]?", re.DOTALL)
_BETWEEN_PAGES = frozenset(("---", "..."))
_DEEPER = 2
"""The text of several lines is indented deeper than its key, which stands behind dash and blank."""


class Row(NamedTuple):
    """A line that says something.

    Attributes:
        where: `line N`, as errors name it.
        line: the line; a header such as `|-` is taken off its end.
        text: the text of several lines that follows it, or None.
        is_last: whether the file ends in it, so that it may be cut off.
    """

    where: str
    line: str
    text: str | None
    is_last: bool


def pages_of(text: str) -> list[list[Row]]:
    """The rows of each page that has any; none at all where nothing is said.

    Raises:
        TruncatedInput: the text ends where a fence, or a text of several lines, is open.
    """
    # Not splitlines: a name may hold U+2028 and its like as they are.
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    pages: list[list[Row]] = [[]]
    for row in _rows(lines, *_fenced(lines)):
        if row.line.rstrip() not in _BETWEEN_PAGES:
            pages[-1].append(row)
        elif pages[-1]:
            pages.append([])
    return [page for page in pages if page]


def _fenced(lines: list[str]) -> tuple[int, int]:
    """Where the snapshot begins and ends: within the first fences around one, if there are any."""
    fences = [i for i, line in enumerate(lines) if line.startswith(_FENCE)]
    for start, end in zip_longest(fences[::2], fences[1::2]):
        if end is None:
            raise TruncatedInput.at("aria", "truncated: a block of the answer is not closed")
        if _is_snapshot(lines, start, end):
            return start + 1, end
    if fences or any(map(_HEADING.match, lines)):
        raise InvalidInput.at("aria", NO_SNAPSHOT)
    return 0, len(lines)


def _is_snapshot(lines: list[str], start: int, end: int) -> bool:
    """Whether a block is one, by its language or its first line."""
    if lines[start].removeprefix(_FENCE).strip().lower() in _LANGUAGES:
        return True
    first = next((line for line in lines[start + 1 : end] if line.strip()), "")
    return first.lstrip(" ").startswith("- ")


def _rows(lines: list[str], at: int, end: int) -> Iterator[Row]:
    while at < end:
        line, number = lines[at], at + 1
        at += 1
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _BLOCK.fullmatch(line)
        if found is None:
            yield Row(f"line {number}", line, None, number == len(lines))
            continue
        start, at = at, _block_end(lines, at, end, len(found[1]) + _DEEPER)
        if start == at == len(lines):
            raise TruncatedInput.at(f"line {number}", "truncated: a text was to follow")
        text = _block(lines[start:at], "\n" if found[3] == "|" else " ")
        yield Row(f"line {number}", found[1] + found[2], text, is_last=False)


def _block_end(lines: list[str], at: int, end: int, indent: int) -> int:
    while at < end and (not lines[at].strip() or _indent(lines[at]) > indent):
        at += 1
    return at


def _block(lines: list[str], joint: str) -> str:
    indent = next((_indent(line) for line in lines if line.strip()), 0)
    return joint.join(line[indent:] for line in lines).strip(joint)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
