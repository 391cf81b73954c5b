"""Backup and restore of a data folder with SQLite files, while its services are serving.

    FOLDER/backup.json         what is in the backup: every file with its size and SHA-256
    FOLDER/SERVICE/...         as in the data folder

Invariants:
1. Each database is copied as of one moment, by SQLite's own means; nobody who writes waits for it.
2. `backup.json` is written last: a folder without it is no backup.
3. A service whose rows are named by another's is copied after it, so that what is named is there.
4. A restore appears whole or not at all, and never in the place of a data folder that is there.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Final

import msgspec

from systemzero_base.secrets import private_folder, sync_folder, write_private
from systemzero_core.errors import DataCorrupted, FailedPrecondition
from systemzero_storage.database.opening import Schema
from systemzero_storage.jobs.errors import translated_of
from systemzero_storage.sqlite.engines import create_private_file
from systemzero_storage.sqlite.made import check_not_lost

FORMAT: Final = "systemzero.backup/1"
MANIFEST: Final = "backup.json"
_HEADS: Final = ".heads"
_BESIDE: Final = ("-wal", "-shm", "-journal")  # what SQLite keeps beside a database


class BackedUp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file: its path below the folder, size in bytes, and SHA-256 in hexadecimal."""

    path: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is in a backup, and when it was begun (RFC 3339, UTC)."""

    format: str
    create_time: str
    files: tuple[BackedUp, ...]


def back_up(data: Path, to: Path, schemas: Sequence[Schema]) -> Manifest:
    """Back `data` up into the folder `to`, which is made.

    Args:
        data: with a folder for each service.
        to: where there is nothing yet, or an empty folder.
        schemas: those of the services.

    Raises:
        FailedPrecondition: `to` has something in it, no service has a database in `data`, or
            something there can't be backed up, or is gone; nothing was written.
        Unavailable, DataCorrupted: a database can't be read.
        OSError: a file can't be read or written.
    """
    known = [f"{schema.name}/{schema.file}" for schema in _named_last(schemas)]
    for path in known:
        check_not_lost(data / path)
    databases = [path for path in known if (data / path).exists()]
    if to.resolve().is_relative_to(data.resolve()):
        raise FailedPrecondition(f"{to} is within {data}: a backup stands beside it")
    if not databases:
        raise FailedPrecondition(f"no service has a database below {data}")
    others = [path for path in _files(data) if path not in databases]
    _refuse_what_is_there(to, "a backup goes into a folder of its own")
    private_folder(to)
    to.chmod(0o700)  # it holds keys
    try:
        return _written(data, to, databases, others)
    except BaseException:
        for entry in to.iterdir():  # so that it can be tried again
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        raise


def _written(data: Path, to: Path, databases: Sequence[str], others: Sequence[str]) -> Manifest:
    begun = datetime.now(UTC).isoformat()
    for path in databases:
        _copy_database(data / path, to / path)
    for path in others:
        _copy(data / path, to / path)
    files = tuple(_described(to, path) for path in (*databases, *others))
    manifest = Manifest(FORMAT, begun, files)
    write_private(to / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
    return manifest


def _refuse_what_is_there(folder: Path, advice: str) -> None:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise FailedPrecondition(f"{folder} is a link or a file, and no folder: {advice}")
    if folder.exists() and any(folder.iterdir()):
        raise FailedPrecondition(f"{folder} is not empty: {advice}")


def restore(backup: Path, data: Path) -> Manifest:
    """Make the data folder `data` from a backup.

    Raises:
        FailedPrecondition: `data` is there already.
        DataCorrupted: the backup is not whole; the message names the file.
        OSError: a file can't be read or written.
    """
    _refuse_what_is_there(data, "move what is there out of the way first")
    manifest = _manifest(backup)
    private_folder(data.parent)
    made = Path(tempfile.mkdtemp(dir=data.parent, prefix=f".{data.name}."))  # mode 0700
    try:
        for file in manifest.files:
            _copy_checked(file, backup, made)
        if data.exists():
            data.rmdir()
        made.rename(data)
    except BaseException:
        shutil.rmtree(made)
        raise
    sync_folder(data.parent)
    return manifest


def is_backup(folder: Path) -> bool:
    """Whether this is a folder that `back_up` made, in which nothing may change."""
    return (folder / MANIFEST).exists()


def _copy_checked(file: BackedUp, backup: Path, made: Path) -> None:
    _copy(backup / file.path, made / file.path)
    if _described(made, file.path) != file:
        raise DataCorrupted(f"{backup / file.path} is not the file that was backed up")


def _named_last(schemas: Sequence[Schema]) -> list[Schema]:
    """Each after those whose rows name its rows."""
    known = {schema.name: schema for schema in schemas}
    order = TopologicalSorter({name: schema.named_by for name, schema in known.items()})
    return [known[name] for name in order.static_order() if name in known]


def _manifest(backup: Path) -> Manifest:
    try:
        manifest = msgspec.json.decode((backup / MANIFEST).read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise DataCorrupted(f"{backup} is no backup, or one that was not finished") from None
    except msgspec.DecodeError as error:
        raise DataCorrupted(f"{backup / MANIFEST} is damaged: {error}") from error
    if manifest.format != FORMAT:
        raise DataCorrupted(f"{backup / MANIFEST} is not of the format {FORMAT}")
    for file in manifest.files:
        if Path(file.path).is_absolute() or ".." in Path(file.path).parts:
            raise DataCorrupted(f"{backup / MANIFEST} names a file outside of the backup")
    return manifest


def _files(data: Path) -> Iterator[str]:
    """Every file but those that SQLite keeps beside a database.

    What a link leads to counts as if it stood there: so Kubernetes mounts keys. Its own folders for
    that, whose names begin with two dots, are seen through those links.

    Raises:
        FailedPrecondition: something can't be backed up; the message says what.
    """
    seen: set[Path] = set()
    for folder, folders, names in os.walk(data, followlinks=True):
        within = Path(folder).resolve()
        if within in seen:
            raise FailedPrecondition(f"{folder} leads to a folder that is backed up already")
        seen.add(within)
        folders[:] = sorted(name for name in folders if _is_backed_up(name))
        for name in sorted(names):
            if not name.endswith(_BESIDE):
                yield str(_regular(Path(folder, name)).relative_to(data))


def _is_backed_up(folder: str) -> bool:
    """Not what is newer than the copies of the databases: the newest checkpoints of their logs."""
    return not folder.startswith("..") and not folder.endswith(_HEADS)


def _regular(path: Path) -> Path:
    if path.is_file():
        return path
    what = "a link to nothing" if path.is_symlink() and not path.exists() else "no regular file"
    raise FailedPrecondition(f"{path} is {what}: mend or remove it, and back up again")


def _copy_database(source: Path, target: Path) -> None:
    create_private_file(target)
    try:
        reading = f"{source.absolute().as_uri()}?mode=ro"
        with (
            closing(sqlite3.connect(reading, uri=True, timeout=10)) as original,
            closing(sqlite3.connect(target)) as copy,
        ):
            original.backup(copy)  # in one step: one snapshot
            copy.execute("PRAGMA journal_mode=DELETE").close()  # one file, nothing beside it
    except sqlite3.Error as error:
        # it may be the one's disk that is full, or the other's
        raise translated_of(f"copying {source} to {target}", error) from error
    _sync(target)


def _copy(source: Path, target: Path) -> None:
    """Copy a file with its mode, in folders for their owner alone; secrets for none but him."""
    if not source.exists():
        raise DataCorrupted(f"{source} is missing")
    private_folder(target.parent)
    create_private_file(target)
    shutil.copyfile(source, target)
    mode = source.stat().st_mode
    target.chmod(stat.S_IMODE(mode) if mode & stat.S_IROTH else 0o600)
    _sync(target)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
    sync_folder(path.parent)


def _described(folder: Path, path: str) -> BackedUp:
    with (folder / path).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return BackedUp(path, (folder / path).stat().st_size, digest)


def total_size(files: Iterable[BackedUp]) -> int:
    """The bytes of all files together."""
    return sum(file.size for file in files)
