"""Where results go: text for people, or JSON, one object a line, for programs."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self, TextIO

import click
from google.protobuf import json_format
from google.protobuf.message import Message

_QUIET_SECONDS = 1.0
_REDRAW_SECONDS = 0.1
_LINE_SECONDS = 5.0


def wants_colour() -> bool:
    """Whether stdout is a terminal whose owner has not asked for plain text (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def to_dict(message: Message) -> dict[str, Any]:
    """`message` in protobuf's JSON mapping, with the contract's field names, defaults included."""
    found: dict[str, Any] = json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return found


class Output:
    """One command's results."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.colour = not as_json and wants_colour()

    def result(self, value: dict[str, Any], lines: Iterable[str]) -> None:
        """One result in both its forms; the one that was asked for is printed."""
        if self.as_json:
            click.echo(json.dumps(value, ensure_ascii=False))
        else:
            for line in lines:
                click.echo(line)


def note(text: str) -> None:
    """A line for people on stderr, apart from the result."""
    click.echo(text, err=True)


def write_file(name: str, data: bytes) -> None:
    """Write `data` to a file, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    with click.open_file(name, "wb", atomic=True) as file:
        file.write(data)


class Progress:
    """How far long work is, on stderr.

    Nothing in the first second; then a line that is rewritten on a terminal, and elsewhere written
    anew every five seconds.
    """

    def __init__(
        self,
        total: int | None = None,
        *,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._total = total
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._clock = clock
        self._every = _REDRAW_SECONDS if self._terminal else _LINE_SECONDS
        self._last = clock() + _QUIET_SECONDS - self._every
        self._shown = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._shown and self._terminal:
            click.echo("\r\x1b[K", self._stream, nl=False)

    def show(self, done: int, what: str) -> None:
        """Say that `done` of the work is done."""
        now = self._clock()
        if now - self._last < self._every:
            return
        self._last, self._shown = now, True
        of = f"/{self._total}" if self._total is not None else ""
        line = f"{done}{of} {what}"
        if self._terminal:
            click.echo(f"\r\x1b[K{line}", self._stream, nl=False)
        else:
            click.echo(line, self._stream)
