"""Patterns of texts: literal text with typed holes, as in `Page {count} of {count}`.

The one language of selectors and of wildcards. `{{` and `}}` stand for braces. A hole takes as much
as its shape can and never gives back; `{any}` takes as little as the rest allows. So a match goes
through the text once, and costs at most a constant a character, however the two were chosen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from systemzero_core.errors import InvalidInput, quote
from systemzero_core.template.alphabet import spelt
from systemzero_core.template.shapes import HOLES, MAX_TEXT, Shape, ShapeMatch, tokens

MAX_HOLES = 32
"""Holes in one pattern, at most."""

_HOLE = 5
"""What looking for a hole at one place counts for, beside a literal."""

MAX_PATTERN = 2_000
"""Characters of a pattern with holes, at most; a literal may be as long as a name."""

_SHORT = 200
"""Characters of a pattern that is remembered, at most: what is remembered stays small."""

ANYTHING = "{any}"
"""The pattern that every text keeps to."""

_LEXEME = re.compile(r"\{\{|\}\}|\{([a-z]*)\}|([{}])|[^{}]+")


_Part = tuple[Shape | None, str]
"""A hole, or (shape None) literal text."""

_Segment = list[ShapeMatch | str]


class Pattern(NamedTuple):
    """A compiled pattern.

    `literal` is the one text it stands for, None if there are holes; `prefix` is the literal text
    before the first hole, `suffix` that behind the last; `matches` says whether a text keeps to the
    pattern; `wording` does, where that takes reading the text.
    """

    source: str
    literal: str | None
    prefix: str
    suffix: str
    matches: Callable[[str], bool]
    wording: Wording | None = None


def escape(text: str) -> str:
    """The pattern that stands for `text` alone."""
    return text.replace("{", "{{").replace("}", "}}")


def compile_pattern(source: str) -> Pattern:
    """The compiled form of `source`.

    Raises:
        InvalidInput: a brace that opens no hole, a hole of no known shape, too many holes.
    """
    return _compiled(source) if len(source) > _SHORT else _compiled_before(source)


def _compiled(source: str) -> Pattern:
    parts = _parse(source)
    if all(shape is None for shape, _ in parts):
        literal = "".join(text for _, text in parts)
        return Pattern(source, literal, literal, literal, literal.__eq__)
    if [shape for shape, _ in parts] == [Shape.ANY]:
        return Pattern(source, None, "", "", lambda text: True)
    wording = Wording(parts)
    return Pattern(source, None, parts[0][1], parts[-1][1], wording, wording)


_compiled_before = lru_cache(maxsize=8192)(_compiled)


def _parse(source: str) -> list[_Part]:
    parts: list[_Part] = []
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


class Wording:
    """Says whether a text keeps to parts that have a hole among them.

    The parts are cut at `{any}` into segments. The first stands at the start of the text. Each
    later one is taken at the first place where it fits: that leaves the most for the rest, so
    nothing else need be tried. The last has to reach the end.
    """

    def __init__(self, parts: Sequence[_Part]) -> None:
        self._start, self._end = parts[0][1], parts[-1][1]
        self._rarest = max((text for shape, text in parts if shape is None), key=len, default="")
        segments: list[_Segment] = [[]]
        for shape, literal in parts:
            if shape is Shape.ANY:
                segments.append([])
            else:
                segments[-1].append(literal if shape is None else HOLES[shape])
        self._first, *self._later = segments

    def __call__(self, text: str) -> bool:
        """Whether `text` keeps to the parts."""
        return self.may_match(text) and self.read(Reading(text))

    def may_match(self, text: str) -> bool:
        """Whether a look at the literal parts leaves it open."""
        return (
            len(text) <= MAX_TEXT
            and text.startswith(self._start)
            and text.endswith(self._end)
            and self._rarest in text
        )

    def read(self, reading: Reading) -> bool:
        """Whether the text of `reading` keeps to the parts."""
        text = reading.text
        at = reading.end(self._first, 0)
        if at < 0 or not self._later:
            return at == len(text)
        *middle, last = self._later
        for segment in middle:
            at = next(reading.ends(segment, at), -1)
            if at < 0:
                return False
        return not last or any(end == len(text) for end in reading.ends(last, at))


class Reading:
    """A text beside its spelling, in which segments are looked for.

    A hole is tried at most once at each place, however many segments and patterns ask.

    Attributes:
        text: the text.
        tries: what was tried so far: a hole counts for `_HOLE`, a literal for one.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.tries = 0
        self._spelling = spelt(text)
        self._ends: dict[tuple[ShapeMatch, int], int] = {}
        self._firsts: dict[tuple[ShapeMatch, int], int] = {}

    def end(self, segment: _Segment, at: int) -> int:
        """Where `segment` ends if it starts at `at`; -1 where it does not."""
        for part in segment:
            self.tries += 1
            if isinstance(part, ShapeMatch):
                at = self._end(part, at)
                if at < 0:
                    return -1
            elif self.text.startswith(part, at):
                at += len(part)
            else:
                return -1
        return at

    def _end(self, hole: ShapeMatch, at: int) -> int:
        end = self._ends.get((hole, at))
        if end is None:
            self.tries += _HOLE
            end = self._ends[hole, at] = hole.end(self._spelling, at)
        return end

    def ends(self, segment: _Segment, at: int) -> Iterator[int]:
        """The ends of `segment` where it fits, by its start, from `at` on."""
        if not segment:
            yield at
            return
        while (start := self._candidate(segment[0], at)) >= 0:
            end = self.end(segment, start)
            if end >= 0:
                yield end
            at = start + 1

    def _candidate(self, part: ShapeMatch | str, at: int) -> int:
        """The first place from `at` on where `part` fits; -1 where there is none."""
        if isinstance(part, str):
            return self.text.find(part, at)
        first = self._firsts.get((part, at))
        if first is None:
            self.tries += _HOLE
            first = self._firsts[part, at] = part.first(self._spelling, at)
        return first


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


_CLOCK = frozenset({Shape.DATE, Shape.TIME, Shape.DURATION})


def _by_column(rows: Sequence[Sequence[_Part]]) -> str | None:
    pieces: list[str] = []
    for column in zip(*rows, strict=True):
        piece = _common(column)
        if piece is None:
            return None
        # A date beside a clock that ran is of today: tomorrow it will be another.
        shape = column[0][0]
        pieces.append(f"{{{shape}}}" if shape in _CLOCK else piece)
    return _joined(pieces)


def _common(column: Sequence[_Part]) -> str | None:
    """One pattern piece for what stands at one place in all texts; None if nothing fits."""
    if len({text for _, text in column}) == 1:
        return escape(column[0][1])
    shapes = {shape for shape, _ in column}
    if None in shapes:
        return None
    if shapes <= {Shape.COUNT, Shape.NUMBER} and len(shapes) == 2:
        return f"{{{Shape.NUMBER}}}"
    return f"{{{column[0][0]}}}" if len(shapes) == 1 else None


def _by_ends(rows: Sequence[Sequence[_Part]]) -> str:
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


def _words(row: Sequence[_Part]) -> list[_Part]:
    words: list[_Part] = []
    for shape, text in row:
        if shape is None:
            words.extend((None, word) for word in re.findall(r"\s+|\S+", text))
        else:
            words.append((shape, text))
    return words


def _joined(pieces: Sequence[str]) -> str:
    holes = sum(piece.startswith("{") and not piece.startswith("{{") for piece in pieces)
    return "".join(pieces) if holes <= MAX_HOLES else ANYTHING
