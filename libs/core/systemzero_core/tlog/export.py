"""Verification of an export: JSON Lines of a header, every entry, and a signed checkpoint.

Invariants:
1. Streaming: memory is O(log n), and some bytes for each erased body whose record is yet to come.
2. Whatever byte, line or order of lines is changed, verification fails, and names the place where
   that can be known: a line that contradicts itself is named; a line rewritten together with all
   its hashes shows only in the root hash, and there the range of entries is named.
3. A body may be missing only if a later entry of kind `log.erasure` records it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

import msgspec

from systemzero_core.errors import DomainError
from systemzero_core.tlog.checkpoint import Checkpoint
from systemzero_core.tlog.compact import CompactRange
from systemzero_core.tlog.entry import leaf_of
from systemzero_core.tlog.erasure import Erasures
from systemzero_core.tlog.errors import LogVerificationError, OlderExport
from systemzero_core.tlog.lines import (
    EXPORT_FORMAT,
    CheckpointLine,
    EntryLine,
    HeaderLine,
    check_note,
    decode_line,
    parse_vkeys,
)
from systemzero_core.tlog.note import VerifierKey

_ENTRY_START: Final = b'{"index":'
_PROGRESS_ENTRIES: Final = 10_000

_header_decoder: Final = msgspec.json.Decoder(HeaderLine)
_entry_decoder: Final = msgspec.json.Decoder(EntryLine)
_checkpoint_decoder: Final = msgspec.json.Decoder(CheckpointLine)


class ExportReport(msgspec.Struct, frozen=True):
    """What was verified.

    Attributes:
        checkpoint: over every entry; pin it, so that the next verification sees truncation.
        note: the same, signed.
        erased: number of entries whose body was erased, each with a record of it.
    """

    checkpoint: Checkpoint
    note: str
    erased: int


def verify_export(
    lines: Iterable[bytes],
    *,
    vkeys: Iterable[VerifierKey],
    pinned: Checkpoint | None = None,
    progress: Callable[[int], None] | None = None,
    after: CompactRange | None = None,
    check_kind: Callable[[str], None] | None = None,
) -> ExportReport:
    """Check a whole export, or one of the entries that come after those of a known tree.

    Args:
        lines: each with its line feed, as a file opened in binary mode gives them.
        vkeys: the log's keys, known from elsewhere than the export.
        pinned: the last checkpoint that was verified; the export must extend it.
        progress: called with the number of entries verified, every 10,000.
        after: the tree of the entries before the export's first; it is changed.
        check_kind: called with the kind of each entry; raises where the log can't have such.

    Raises:
        OlderExport: it is whole, and ends before `pinned`.
        LogVerificationError: the first thing that is wrong, with `line` and `entry` in `metadata`.
    """
    tree = CompactRange() if after is None else after
    return _Verification(frozenset(vkeys), pinned, tree, check_kind).run(lines, progress)


def export_leaves(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The leaves of the entries in an export that was verified, in order."""
    for line in lines:
        if line.startswith(_ENTRY_START):
            entry = _entry_decoder.decode(line)
            yield leaf_of(entry.kind, entry.create_time, bytes.fromhex(entry.digest))


class _Verification:
    def __init__(
        self,
        trusted: frozenset[VerifierKey],
        pinned: Checkpoint | None,
        tree: CompactRange,
        check_kind: Callable[[str], None] | None,
    ) -> None:
        self._check_kind = check_kind
        self._trusted = trusted
        self._pinned = pinned
        self._line = 0
        self._tree = tree
        self._first = tree.size
        self._erasures = Erasures()
        self._keys: list[VerifierKey] = []
        self._origin = ""
        self._report: ExportReport | None = None

    def run(self, lines: Iterable[bytes], progress: Callable[[int], None] | None) -> ExportReport:
        for self._line, line in enumerate(lines, 1):
            try:
                self._take(line)
            except DomainError as error:
                raise self._located(error, line) from error
            if progress is not None and self._tree.size % _PROGRESS_ENTRIES == 0 < self._tree.size:
                progress(self._tree.size)
        if self._report is None:
            size = self._tree.size
            raise LogVerificationError.at(
                f"the export is cut off here, after {size} entries, without its last line: "
                "the checkpoint",
                line=self._line,
                entry=size - 1 if size else None,
            )
        return self._report

    def _located(self, error: DomainError, line: bytes) -> LogVerificationError:
        """The error with its place: that of the current line, unless it names another entry."""
        if isinstance(error, OlderExport):
            return OlderExport.at(error.message, line=self._line)
        if "entry" in error.metadata:
            entry = int(error.metadata["entry"])
            line_of_entry = entry - self._first + 2
            return LogVerificationError.at(error.message, line=line_of_entry, entry=entry)
        at = self._tree.size if line.startswith(_ENTRY_START) else None
        return LogVerificationError.at(error.message, line=self._line, entry=at)

    def _take(self, line: bytes) -> None:
        if self._report is not None:
            raise LogVerificationError("a line after the checkpoint, which is the last")
        if self._line == 1:
            self._take_header(line)
        elif line.startswith(_ENTRY_START):
            self._take_entry(line)
        else:
            self._report = self._take_checkpoint(line)

    def _take_header(self, line: bytes) -> None:
        header = decode_line(line, _header_decoder)
        if header.format != EXPORT_FORMAT:
            raise LogVerificationError(f"the format is not {EXPORT_FORMAT!r}")
        self._keys = parse_vkeys(header.vkeys, self._trusted)
        if all(key.name != header.origin for key in self._keys):
            raise LogVerificationError("none of its keys signs under the name of its origin")
        self._origin = header.origin
        if self._pinned is not None and self._pinned.origin != header.origin:
            raise LogVerificationError(f"not the log that is pinned, {self._pinned.origin!r}")

    def _take_entry(self, line: bytes) -> None:
        parsed = decode_line(line, _entry_decoder)
        expected = self._tree.size
        if parsed.index != expected:
            raise LogVerificationError(
                f"entry {parsed.index} stands where entry {expected} belongs: "
                "entries were dropped, doubled or moved"
            )
        entry = parsed.checked()
        if self._check_kind is not None:
            self._check_kind(entry.kind)
        self._erasures.take(entry)
        self._tree.push(entry.leaf_hash)
        if self._pinned is not None and self._tree.size == self._pinned.size:
            self._check_pin(self._pinned)

    def _take_checkpoint(self, line: bytes) -> ExportReport:
        note = decode_line(line, _checkpoint_decoder).checkpoint
        checkpoint = check_note(note, self._keys, self._trusted)
        if checkpoint.origin != self._origin:
            raise LogVerificationError(f"the checkpoint is of another log, {checkpoint.origin!r}")
        self._check_size(checkpoint)
        if self._tree.root() != checkpoint.root:
            raise LogVerificationError(
                f"entries 0 to {checkpoint.size - 1} do not have the root hash that was signed: "
                "at least one was rewritten together with its hashes"
            )
        self._erasures.finish()
        if self._pinned is not None and self._tree.size < self._pinned.size:
            raise OlderExport(
                f"the export is older than the checkpoint verified before, or its end was cut "
                f"off: it ends before entry {self._tree.size} of {self._pinned.size}; what it has "
                "is as it was signed"
            )
        return ExportReport(checkpoint, note, self._erasures.count)

    def _check_size(self, checkpoint: Checkpoint) -> None:
        size = self._tree.size
        if size < checkpoint.size:
            raise LogVerificationError(
                f"the tail was cut off: {checkpoint.size} entries were signed, {size} are here; "
                f"the first that is missing is entry {size}"
            )
        if size > checkpoint.size:
            raise LogVerificationError(
                f"{size} entries are here, but only {checkpoint.size} were signed",
                metadata={"entry": str(checkpoint.size)},
            )

    def _check_pin(self, pinned: Checkpoint) -> None:
        if self._tree.root() != pinned.root:
            raise LogVerificationError(
                f"entries 0 to {pinned.size - 1} are not those of the pinned checkpoint: "
                "history was rewritten",
                metadata={"entry": str(pinned.size - 1)},
            )
