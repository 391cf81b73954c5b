"""What the demo prints: plain text, coloured only on a terminal."""

from __future__ import annotations

import os
import textwrap
from typing import TextIO

_WIDTH = 96
_INDENT = " " * 6
_COLOURS = {"bold": "1", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


class Page:
    """The page that the demo writes, step by step."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._coloured = out.isatty() and "NO_COLOR" not in os.environ
        self._step = 0

    def title(self, text: str) -> None:
        """The first line."""
        self.line(self._paint(text, "bold"))

    def step(self, what: str) -> None:
        """The next numbered step."""
        self._step += 1
        self.line("")
        self.line(self._paint(f"{self._step:>3}.  {what}", "bold"))

    def result(self, word: str, text: str = "", *, colour: str = "green") -> None:
        """The outcome of a step: a word, and a sentence about it."""
        wrapped = _wrap(f"{word}  {text}".rstrip(), _INDENT, " " * (len(_INDENT) + len(word) + 2))
        self.line(wrapped.replace(word, self._paint(word, colour), 1))

    def point(self, text: str, detail: str = "") -> None:
        """One of several things, with a line of detail below."""
        self.line(_wrap(text, _INDENT + "- ", _INDENT + "  "))
        if detail:
            self.line(_wrap(detail, _INDENT + "    "))

    def note(self, text: str) -> None:
        """A sentence below a step."""
        self.line(_wrap(text, _INDENT))

    def failure(self, text: str) -> None:
        """What went wrong."""
        self.line("")
        self.line(self._paint(f"FAILED  {text}", "red"))

    def done(self, text: str) -> None:
        """The sentence at the end."""
        self.line("")
        self.line(self._paint(text, "green"))

    def line(self, text: str) -> None:
        """A line as it is."""
        self._out.write(text + "\n")
        self._out.flush()

    def _paint(self, text: str, colour: str) -> str:
        if not self._coloured:
            return text
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"


def _wrap(text: str, first: str, others: str = "") -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=others or " " * len(first),
        break_long_words=False,
        break_on_hyphens=False,
    )
