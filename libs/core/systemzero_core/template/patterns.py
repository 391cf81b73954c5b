"""Patterns of texts: literal text with typed holes, as in `Page {count} of {count}`.

The one language of selectors and of wildcards. `{{` and `}}` stand for braces. A hole takes as much
as its shape can and never gives back; `{any}` takes as little as the rest allows. So a match costs
time linear in the text, however the two were chosen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from systemzero_core.errors import InvalidInput, quote
from systemzero_core.template.shapes import MAX_TEXT, SOURCES, Shape, tokens

MAX_HOLES = 32
"""Holes in one pattern, at most."""

MAX_PATTERN = 2_000
"""Characters of a pattern with holes, at most; a literal may be as long as a name."""

ANYTHING = "{any}"
"""The pattern that every text keeps to."""

_LEXEME = re.compile(r"\{\{|\}\}|\{([a-z]*)\}|([{}])|[^{}]+")


class Pattern(NamedTuple):
    """A compiled pattern.

    `literal` is the one text it stands for, None if there are holes; `prefix` is the literal text
    before the first hole; `matches` says whether a text keeps to the pattern.
    """

    source: str
    literal: str | None
    prefix: str
    matches: Callable[[str], bool]


def escape(text: str) -> str:
    """The pattern that stands for `text` alone."""
    return text.replace("{", "{{").replace("}", "}}")


@lru_cache(maxsize=8192)
def compile_pattern(source: str) -> Pattern:
    """The compiled form of `source`.

    Raises:
        InvalidInput: a brace that opens no hole, a hole of no known shape, too many holes.
    """
    parts = _parse(source)
    if all(shape is None for shape, _ in parts):
        literal = "".join(text for _, text in parts)
        return Pattern(source, literal, literal, literal.__eq__)
    prefix = parts[0][1] if parts[0][0] is None else ""
    if [shape for shape, _ in parts] == [Shape.ANY]:
        return Pattern(source, None, "", lambda text: True)
    expression = re.compile(_expression(parts), re.IGNORECASE | re.DOTALL)
    return Pattern(source, None, prefix, _matcher(expression))


def _matcher(expression: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: len(text) <= MAX_TEXT and expression.match(text) is not None


def _parse(source: str) -> list[tuple[Shape | None, str]]:
    parts: list[tuple[Shape | None, str]] = []
    literal: list[str] = []
    for lexeme in _LEXEME.finditer(source):
        if lexeme.group(2) is not None:
            raise InvalidInput(
                f"the pattern {quote(source)} has a single brace; write {{{{ or }}}} for one"
            )
        if lexeme.group(1) is None:
            literal.append(lexeme.group()[:1] if lexeme.group() in ("{{", "}}") else lexeme.group())
            continue
        if literal:
            parts.append((None, "".join(literal)))
            literal.clear()
        parts.append((_shape(lexeme.group(1), source), ""))
    if literal:
        parts.append((None, "".join(literal)))
    if sum(shape is not None for shape, _ in parts) > MAX_HOLES:
        raise InvalidInput(f"the pattern {quote(source)} has more than {MAX_HOLES} holes")
    return parts


def _shape(word: str, source: str) -> Shape:
    try:
        return Shape(word)
    except ValueError:
        known = ", ".join(Shape)
        raise InvalidInput(
            f"the pattern {quote(source)} has a hole {{{word}}}; a hole is one of {known}"
        ) from None


def _expression(parts: Sequence[tuple[Shape | None, str]]) -> str:
    # Split at {any}. A segment after one is found at its first place and kept there (atomic):
    # the first place leaves the most for the rest, so nothing else need be tried.
    segments: list[list[str]] = [[]]
    for shape, text in parts:
        if shape is Shape.ANY:
            segments.append([])
        else:
            source = re.escape(text) if shape is None else f"(?>{SOURCES[shape]})"
            segments[-1].append(f"(?-i:{source})" if shape is None else source)
    first, *later = ["".join(segment) for segment in segments]
    if not later:
        return first + r"\Z"
    *middle, last = later
    return (
        first
        + "".join(f"(?>.*?{s})" for s in middle if s)
        + (f".*?{last}" if last else ".*")
        + r"\Z"
    )


def covering(texts: Sequence[str]) -> str:
    """The narrowest pattern of ours that all of `texts` keep to.

    Equal texts give a literal; texts that differ in live values only give typed holes, also for
    the dates and times in them that did not differ yet; else what is common at the start and the
    end stays and `{any}` stands between.
    """
    if len(set(texts)) == 1:
        return escape(texts[0])
    rows = [tokens(text) for text in texts]
    pattern = _by_column(rows) if len({len(row) for row in rows}) == 1 else None
    if pattern is None:
        pattern = _by_ends(rows)
    fits = compile_pattern(pattern).matches
    return pattern if all(map(fits, texts)) else ANYTHING


_Token = tuple[Shape | None, str]


_CLOCK = frozenset({Shape.DATE, Shape.TIME, Shape.DURATION})


def _by_column(rows: Sequence[list[_Token]]) -> str | None:
    pieces: list[str] = []
    for column in zip(*rows, strict=True):
        piece = _common(column)
        if piece is None:
            return None
        # A date beside a clock that ran is of today: tomorrow it will be another.
        shape = column[0][0]
        pieces.append(f"{{{shape}}}" if shape in _CLOCK else piece)
    return _joined(pieces)


def _common(column: Sequence[_Token]) -> str | None:
    """One pattern piece for what stands at one place in all texts; None if nothing fits."""
    if len({text for _, text in column}) == 1:
        return escape(column[0][1])
    shapes = {shape for shape, _ in column}
    if None in shapes:
        return None
    if shapes <= {Shape.COUNT, Shape.NUMBER} and len(shapes) == 2:
        return f"{{{Shape.NUMBER}}}"
    return f"{{{column[0][0]}}}" if len(shapes) == 1 else None


def _by_ends(rows: Sequence[list[_Token]]) -> str:
    split = [_words(row) for row in rows]
    shortest = min(map(len, split))
    head: list[str] = []
    while (
        len(head) < shortest and (piece := _common([row[len(head)] for row in split])) is not None
    ):
        head.append(piece)
    tail: list[str] = []
    while (
        len(head) + len(tail) < shortest
        and (piece := _common([row[-1 - len(tail)] for row in split])) is not None
    ):
        tail.append(piece)
    return _joined([*head, ANYTHING, *reversed(tail)])


def _words(row: Sequence[_Token]) -> list[_Token]:
    words: list[_Token] = []
    for shape, text in row:
        if shape is None:
            words.extend((None, word) for word in re.findall(r"\s+|\S+", text))
        else:
            words.append((shape, text))
    return words


def _joined(pieces: Sequence[str]) -> str:
    holes = sum(piece.startswith("{") and not piece.startswith("{{") for piece in pieces)
    return "".join(pieces) if holes <= MAX_HOLES else ANYTHING
