"""What a verification raises."""

from __future__ import annotations

from typing import Self

from systemzero_core.errors import DataCorrupted


class LogVerificationError(DataCorrupted):
    """A log, proof or checkpoint is not what it claims to be.

    `metadata` has `line` (from 1) and `entry` (index from 0) where one of them can be blamed.
    """

    @classmethod
    def at(cls, what: str, *, line: int, entry: int | None = None) -> Self:
        """An error that names the line of an export, and the entry if it is one."""
        place = f"line {line}" if entry is None else f"line {line} (entry {entry})"
        metadata = {"line": str(line)}
        if entry is not None:
            metadata["entry"] = str(entry)
        return cls(f"{place}: {what}", metadata=metadata)


class OlderExport(LogVerificationError):
    """An export that is whole, by its own signed checkpoint, and smaller than the pinned one.

    Nothing shows that it was tampered with, and nothing that it is the start of the pinned log.
    """
