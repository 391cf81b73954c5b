"""Structured logs: JSON lines on standard error, a constant event name plus fields.

Nothing secret is passed in; `systemzero_chassis.secrets.Secret` does not print if it is.
A line that can't be written (a full disk, a pipe whose reader is gone) is lost; it fails no call.
While an event loop runs, the lines of `LINGER` seconds are written at once: each write lets go of
the interpreter's lock, which costs a busy service more than the line does. A process that is killed
loses them.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import logging
import sys
from collections import deque
from contextlib import suppress
from typing import TextIO, cast

import msgspec
import structlog

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
LINGER = 0.02
"""Seconds that a line may wait for others to be written with it."""


def configure(level: str = "info") -> None:
    """Send the logs of this process to standard error, from `level` (a key of `LEVELS`) up."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", _Lossy(sys.stderr))),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=LEVELS[level], format="%(levelname)s %(name)s %(message)s")
    logging.getLogger("grpc._cython.cygrpc").addFilter(_is_of_us)


_OF_PEERS = (
    "Invalid encoding",  # metadata that is no UTF-8, in full: it may be a credential
    "ExecuteBatchError raised in core",  # a stream's peer that is gone; the call's own line says so
)


def _is_of_us(record: logging.LogRecord) -> bool:
    """Drops what gRPC says, with a traceback each time, of what peers do: they choose how often."""
    return not str(record.msg).startswith(_OF_PEERS)


class _Lossy:
    """What a logger needs of a text file, for one that may fail."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._lines: deque[str] = deque()  # any thread may add to it while another writes
        self._drains_in: asyncio.AbstractEventLoop | None = None
        atexit.register(self._drain)

    def write(self, text: str) -> None:
        self._lines.append(text)

    def flush(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # a thread without one
            self._drain()
            return
        if self._drains_in is not loop:
            self._drains_in = loop
            loop.call_later(LINGER, self._drain)

    def _drain(self) -> None:
        self._drains_in = None
        lines = []
        with suppress(IndexError):  # it is empty
            while True:
                lines.append(self._lines.popleft())
        with suppress(OSError, ValueError):  # ValueError: closed, at the interpreter's end
            self._file.write("".join(lines))
            self._file.flush()


def _render(_logger: object, _name: str, fields: structlog.typing.EventDict) -> str:
    try:
        return msgspec.json.encode(fields, enc_hook=str).decode()
    except UnicodeEncodeError:
        # half a character of somebody's input, quoted by an error: a log line never fails a call
        line = json.dumps(fields, default=str, ensure_ascii=False)
        return line.encode("utf-8", "replace").decode()


def get_logger(service: str) -> structlog.typing.FilteringBoundLogger:
    """A logger whose lines name `service`."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(service=service)
    return logger
