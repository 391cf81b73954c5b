r"""The only way to the terminal: shows control characters from servers and files, never sends them.

Invariants:
1. What is printed as a line stays a line, without control characters, C1 controls, marks that turn
   the direction of text, or anything else that cannot be seen. Only `Marked` text, which is made
   here of such lines and of our own colours, is printed as it is.
2. JSON means the same on a terminal as in a pipe: what cannot be seen is `\\uXXXX`.
3. Bytes that are a result (YAML, an export) go to a pipe or a file as they are, and to a terminal
   line by line.
"""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TextIO

import click

from systemzero_client.cli.standard import silence


class Marked(str):
    """A line, or lines, that may be printed as they are: escaped before colours were added."""

    __slots__ = ()


def printable(text: str) -> str:
    """`text` without control characters, in one line."""
    return "".join(c if c.isprintable() else " " for c in text)


def wants_colour() -> bool:
    """Whether stdout is a terminal whose owner has not asked for plain text (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def lines(texts: Iterable[str]) -> None:
    """Print results for people, a line each."""
    for text in texts:
        click.echo(text if isinstance(text, Marked) else printable(text))


def json_line(text: str) -> None:
    """Print JSON on a line of its own."""
    click.echo("".join(c if c.isprintable() else _escaped(c) for c in text))


@contextmanager
def document() -> Iterator[Callable[[bytes], object]]:
    """What prints a result that is a document of its own, chunk by chunk."""
    if not sys.stdout.isatty():
        yield lambda chunk: click.echo(chunk, nl=False)
        return
    decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def show(chunk: bytes, *, last: bool = False) -> None:
        text = decoder.decode(chunk, last)
        click.echo("".join(c if c == "\n" else printable(c) for c in text), nl=False)

    yield show
    show(b"", last=True)


def note(text: str) -> None:
    """A line for people on stderr, apart from the result; lost where it cannot be written."""
    aside(f"{printable(text)}\n", sys.stderr)


def draw(text: str, stream: TextIO) -> None:
    """Write `text`, which is none of anybody else's, over the line that stands there."""
    aside(f"\r\x1b[K{text}", stream)


def aside(text: str, stream: TextIO) -> None:
    """Write `text` to `stream`, or lose it: a result does not depend on what is said beside it."""
    try:
        click.echo(text, stream, nl=False)
    except OSError:
        silence(stream)


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
