"""Where results go: text for people, or JSON, one object a line, for programs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TextIO

from systemzero_client.cli import terminal
from systemzero_client.cli.problems import Problem

if TYPE_CHECKING:
    from google.protobuf.message import Message

_QUIET_SECONDS = 1.0
_REDRAW_SECONDS = 0.1
_LINE_SECONDS = 5.0


def to_dict(message: Message) -> dict[str, Any]:
    """`message` in protobuf's JSON mapping, with the contract's field names, defaults included.

    Raises:
        Problem: it has no such form: a time that is none.
    """
    from google.protobuf import json_format

    try:
        return json_format.MessageToDict(
            message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
    except (json_format.Error, ValueError) as error:
        raise Problem(
            f"the server's answer is no valid {message.DESCRIPTOR.name}: {error}"
        ) from None


class Output:
    """One command's results."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.colour = not as_json and terminal.wants_colour()

    def result(self, value: dict[str, Any], lines: Iterable[str]) -> None:
        """One result in both its forms; the one that was asked for is printed."""
        if self.as_json:
            import json

            terminal.json_line(json.dumps(value, ensure_ascii=False))
        else:
            terminal.lines(lines)


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
            terminal.draw("", self._stream)

    def show(self, done: int, what: str) -> None:
        """Say that `done` of the work is done."""
        now = self._clock()
        if now - self._last < self._every:
            return
        self._last, self._shown = now, True
        of = f"/{self._total}" if self._total is not None else ""
        line = f"{done}{of} {what}"
        if self._terminal:
            terminal.draw(line, self._stream)
        else:
            terminal.aside(f"{line}\n", self._stream)
