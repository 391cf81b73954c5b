"""Erased bodies and the entries that record them: one explains the other.

The record of an erasure is an entry of kind `log.erasure` with the body `{"entries": [index, …]}`,
later in the log than every entry it names. A body that is there in spite of such a record is no
contradiction: a reader may have been given it before it was erased.
"""

from __future__ import annotations

from typing import Final

import msgspec

from systemzero_core.tlog.entry import Entry
from systemzero_core.tlog.errors import LogVerificationError

ERASURE_KIND: Final = "log.erasure"
"""The kind of the entries that record erasures."""


_ACTS: Final = frozenset({"call.allowed", "call.failed"})
"""Kinds of an audit log whose bodies are never erased: what principals did."""


class _Record(msgspec.Struct, forbid_unknown_fields=True):
    entries: list[int]


class Erasures:
    """Keeps account of the erased bodies of a log that is read from its start.

    Memory grows with the erased bodies whose record is yet to come.
    """

    def __init__(self) -> None:
        self.count = 0
        self._unexplained: set[int] = set()

    def take(self, entry: Entry) -> None:
        """Note an entry if its body was erased, or if it records an erasure.

        Raises:
            LogVerificationError: the record is malformed, or names no entry before it; or the
                entry is of a kind that is never erased.
        """
        if entry.body is None:
            if entry.kind in _ACTS:
                raise LogVerificationError(
                    f"the body of entry {entry.index}, an act ({entry.kind}), was erased: acts "
                    "stay, whatever the log records of it",
                    metadata={"entry": str(entry.index)},
                )
            self._unexplained.add(entry.index)
            self.count += 1
        elif entry.kind == ERASURE_KIND:
            recorded = _recorded(entry.body)
            if not all(0 <= index < entry.index for index in recorded):
                raise LogVerificationError(
                    "it records the erasure of an entry that is not before it"
                )
            self._unexplained.difference_update(recorded)

    def finish(self) -> None:
        """Check that every erased body is explained.

        Raises:
            LogVerificationError: one is not; `metadata` names the first such entry.
        """
        if self._unexplained:
            first = min(self._unexplained)
            raise LogVerificationError(
                f"the body of entry {first} is gone, and no later entry records its erasure",
                metadata={"entry": str(first)},
            )


def _recorded(body: bytes) -> list[int]:
    try:
        return msgspec.json.decode(body, type=_Record).entries
    except msgspec.DecodeError as error:
        raise LogVerificationError(f"a malformed record of an erasure: {error}") from error
