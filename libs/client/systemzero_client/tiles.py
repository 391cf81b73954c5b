"""A log in a folder, as C2SP tlog-tiles: any static file server can serve it to any verifier.

Invariants:
1. Nothing is written before all of it was verified, as `sz log verify` does.
2. A file appears whole or not at all, and the checkpoint last: it never speaks of what is not
   there. What a crash left behind is written again, the same.
3. No file is deleted but partial tiles of which the full one is there.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from systemzero_client.bounds import read_bounded
from systemzero_client.offline import Progress, trusted_for_file
from systemzero_client.pins import PinStore
from systemzero_client.writing import write_whole
from systemzero_core.tlog import (
    CHECKPOINT_PATH,
    Checkpoint,
    ExportReport,
    LogVerificationError,
    TileFile,
    TileTree,
    export_leaves,
    hashes_of,
    parse_checkpoint,
    partial_paths,
    unbundled,
    verify_checkpoint,
)
from systemzero_core.tlog.tiles import WIDTH, entries_path

if TYPE_CHECKING:
    from systemzero_client.verify import LogVerifier

_PROGRESS_ENTRIES = 10_000
_MOST_BYTES = WIDTH * (2 + 65_535)
"""Bytes of the largest file: a bundle of as many entries as fit, each as long as may be."""


class TileFolder:
    """One log in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def note(self) -> str | None:
        """The checkpoint of what is in the folder; None if there is none yet.

        Raises:
            LogVerificationError: the file is none.
        """
        try:
            return self._read(CHECKPOINT_PATH).decode()
        except FileNotFoundError:
            return None
        except UnicodeDecodeError as error:
            raise LogVerificationError(f"{CHECKPOINT_PATH} is no signed note") from error

    async def update(
        self, verifier: LogVerifier, *, progress: Progress | None = None
    ) -> ExportReport:
        """Bring the folder up to the server's log, from where it is.

        Raises:
            LogVerificationError: the server's log does not verify, or is not the one in the folder.
            SystemZeroError: a call failed.
            OSError: a file cannot be written.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        note = self.note()
        tree = self._tree(parse_checkpoint(note).size if note else 0)
        with tempfile.TemporaryFile() as file:
            report = await verifier.entries_after(note, tree.compact(), file, progress=progress)
            file.seek(0)
            self._write_all(tree, file)
        for path in (self._folder, *self._folder.glob("tile/**/")):
            _sync(path)
        self._write([TileFile(CHECKPOINT_PATH, report.note.encode())])
        _sync(self._folder)
        self._drop_partial(report.checkpoint.size)
        return report

    def verify(
        self, *, store: PinStore | None = None, key: str = "", progress: Progress | None = None
    ) -> Checkpoint:
        """Check every file of the folder, offline; the checkpoint of what is in it.

        It may be older than what is pinned; if not, it must extend that.

        Raises:
            LogVerificationError: names the first file that is missing, or not what was signed.
            FailedPrecondition: no key is given or known.
        """
        note = self.note()
        if note is None:
            raise LogVerificationError(f"{CHECKPOINT_PATH} is missing")
        trusted = trusted_for_file(parse_checkpoint(note).origin, (), store=store, key=key)
        checkpoint = verify_checkpoint(note, trusted.keys)
        tree, pinned = TileTree(), trusted.pinned
        for leaf in self._leaves(checkpoint.size):
            self._check(tree.push(leaf))
            if pinned and tree.size == pinned.size and tree.compact().root() != pinned.root:
                raise LogVerificationError(
                    f"entries 0 to {pinned.size - 1} are not those of the pinned checkpoint: "
                    "history was rewritten"
                )
            if progress is not None and tree.size % _PROGRESS_ENTRIES == 0:
                progress(tree.size)
        self._check(tree.partial_tiles())
        if tree.compact().root() != checkpoint.root:
            raise LogVerificationError(
                f"entries 0 to {checkpoint.size - 1} do not have the root hash that was signed"
            )
        return checkpoint

    def _tree(self, size: int) -> TileTree:
        """The right border of what is in the folder, by its partial tiles."""
        paths, entries = partial_paths(size)
        try:
            levels = [hashes_of(self._read(path)) if path else [] for path in paths]
            leaves = unbundled(self._read(entries)) if entries else []
        except FileNotFoundError as error:
            raise LogVerificationError(f"{error.filename} is missing") from error
        return TileTree(size, levels, leaves)

    def _write_all(self, tree: TileTree, export: BinaryIO) -> None:
        for leaf in export_leaves(export):
            self._write(tree.push(leaf))
        self._write(tree.partial_tiles())

    def _write(self, files: Iterable[TileFile]) -> None:
        for file in files:
            path = self._folder / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, file.data, mode=0o644)  # a file server reads it

    def _leaves(self, size: int) -> Iterator[bytes]:
        for start in range(0, size, WIDTH):
            width = min(WIDTH, size - start)
            path = entries_path(start // WIDTH, width)
            try:
                leaves = unbundled(self._read(path))
            except FileNotFoundError as error:
                raise LogVerificationError(f"{path} is missing") from error
            except LogVerificationError as error:
                raise LogVerificationError(f"{path}: {error.message}") from error
            if len(leaves) != width:
                raise LogVerificationError(f"{path} has {len(leaves)} entries, not {width}")
            yield from leaves

    def _check(self, files: Iterable[TileFile]) -> None:
        for file in files:
            try:
                found = self._read(file.path)
            except FileNotFoundError as error:
                raise LogVerificationError(f"{file.path} is missing") from error
            if found != file.data:
                raise LogVerificationError(
                    f"{file.path} is not what the entries before it say, or those were altered"
                )

    def _drop_partial(self, size: int) -> None:
        """Delete the partial tiles of which the full one is there."""
        kept = {path.partition(".p/")[0] for path in _named(size)}
        for folder in list(self._folder.glob("tile/**/*.p")):
            if str(folder.relative_to(self._folder).with_suffix("")) not in kept:
                shutil.rmtree(folder)

    def _read(self, path: str) -> bytes:
        return read_bounded(self._folder / path, _MOST_BYTES)


def _named(size: int) -> list[str]:
    paths, entries = partial_paths(size)
    return [path for path in (*paths, entries) if path]


def _sync(folder: Path) -> None:
    """Make the names in a folder last, so that the checkpoint outlives none of them."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
