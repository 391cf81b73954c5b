"""Bounded reads of files and streams that somebody else wrote, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from systemzero_client.stored import MAX_BYTES, ByteBound, beyond
from systemzero_core.tlog import LogVerificationError

LONGEST_LINE = 8_000_000
"""Bytes of a line of an export, or of a bundle: no answer of a server is longer."""

_SHORTEST_LINE = 200
"""Bytes of an entry's line: it has two hashes, a time, and the names of its fields."""
_GROWTH_BYTES = 100_000_000
"""Bytes that a log may grow by while it is exported."""
_GROWTH = _GROWTH_BYTES // _SHORTEST_LINE
_STARTS = b"{"


def lines_of(file: BinaryIO) -> Iterator[bytes]:
    """The lines of an export, with their line feeds.

    Raises:
        LogVerificationError: one is too long to be one.
    """
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise LogVerificationError.at(f"longer than {LONGEST_LINE} bytes", line=number)
        yield line


def read_bounded(path: Path, most: int) -> bytes:
    """The bytes of a file.

    Raises:
        LogVerificationError: it has more than `most`.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise LogVerificationError(f"{path} has more than {most} bytes")
    return data


class ExportBound:
    """Looks at an export while it comes in, and ends one that would never end.

    What it says is not believed here: it is verified once it is there.
    """

    def __init__(self, entries: int, most: int = MAX_BYTES) -> None:
        """Expects about so many entries, a header and a checkpoint, in at most `most` bytes.

        Raises:
            TooLarge: so many entries can't be in so few bytes.
        """
        if entries * _SHORTEST_LINE > most:
            raise beyond(f"the checkpoint says {entries:,} entries", most)
        self._bytes = ByteBound(most)
        self._left = entries * LONGEST_LINE + _GROWTH_BYTES
        self._most = entries + _GROWTH
        self._lines = 0
        self._in_line = 0

    def take(self, chunk: bytes) -> None:
        """Take the next bytes of the export.

        Raises:
            LogVerificationError: they go on for too long, or are none of an export.
            TooLarge: they are more than the caller allows.
        """
        self._bytes.take(chunk)
        self._left -= len(chunk)
        if self._left < 0:
            raise LogVerificationError("more bytes than entries of the log can have")
        for line in chunk.splitlines(keepends=True):
            if not self._in_line:
                self._lines += 1
                if not line.startswith(_STARTS):
                    raise LogVerificationError.at("no line of an export", line=self._lines)
            self._in_line += len(line)
            if self._in_line > LONGEST_LINE:
                raise LogVerificationError.at(f"longer than {LONGEST_LINE} bytes", line=self._lines)
            if line.endswith(b"\n"):
                self._in_line = 0
        if self._lines > self._most:
            raise LogVerificationError(
                f"more than {self._most} lines: more entries than the log has"
            )
