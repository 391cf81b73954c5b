"""Captures on disk: files, their siblings, folders and standard input.

Beside `X.ax.json` (CDP), `X.dom.json` and `X.frameN.ax.json` are its DOM data and child frames, and
are joined to it; any of them may be gzipped.
"""

from __future__ import annotations

import gzip
import io
import re
import sys
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import click

from systemzero_client.cli.problems import Problem
from systemzero_client.documents import Document

STDIN = "-"
MAX_BYTES = 64_000_000
"""Bytes of a file after unpacking, at most: far above what a service takes, far below a bomb."""

_GZIP = b"\x1f\x8b"
_FRAME = re.compile(r"\.frame([0-9]+)\.ax\.json(\.gz)?$")
_MAIN = re.compile(r"\.ax\.json(\.gz)?$")
_CAPTURE = re.compile(r"\.(json|xml|ya?ml)(\.gz)?$")
_PART = re.compile(r"\.(dom|meta)\.json(\.gz)?$")
_ARIA = re.compile(r"\.aria\.ya?ml(\.gz)?$")


class Parts(NamedTuple):
    """What the flags say of one capture."""

    format: str | None = None
    dom: str = ""
    frames: tuple[str, ...] = ()


def read_file(name: str) -> bytes:
    """The bytes of a file, unpacked; `-` is standard input.

    Raises:
        OSError: it cannot be read.
        Problem: it is damaged, or too large.
    """
    data = sys.stdin.buffer.read(MAX_BYTES + 1) if name == STDIN else _read(name)
    if data.startswith(_GZIP):
        data = _unpack(name, data)
    if len(data) > MAX_BYTES:
        raise Problem(f"{name} has more than {MAX_BYTES // 1_000_000} MB")
    return data


def read_capture(name: str, parts: Parts = Parts()) -> Document:  # noqa: B008 - immutable
    """The capture in a file, with what the flags name or, for CDP, what lies beside it.

    Raises:
        OSError: a file cannot be read.
        Problem: one is damaged, or too large.
    """
    dom, frames = parts.dom, parts.frames
    if name != STDIN and not dom and not frames and not _FRAME.search(name):
        dom, frames = siblings(name)
    return Document(
        read_file(name),
        parts.format,
        read_file(dom) if dom else None,
        tuple(map(read_file, frames)),
    )


def siblings(name: str) -> tuple[str, tuple[str, ...]]:
    """The DOM file beside a CDP capture (or ``), and the files of its frames by number."""
    path = Path(name)
    if not _MAIN.search(path.name):
        return "", ()
    stem = _MAIN.sub("", path.name)
    dom, frames = "", {}
    for other in path.parent.iterdir():
        if not other.name.startswith(f"{stem}."):
            continue
        rest = other.name[len(stem) :]
        found = _FRAME.fullmatch(rest)
        if found:
            frames[int(found[1])] = str(other)
        elif rest in (".dom.json", ".dom.json.gz"):
            dom = str(other)
    return dom, tuple(frames[number] for number in sorted(frames))


def expand(names: Iterable[str]) -> Iterator[str]:
    """The captures that `names` stand for: files as they are, folders by what is in them.

    In a folder, parts of other captures are left out, and an aria snapshot is where the CDP tree of
    the same moment lies beside it.

    Raises:
        click.UsageError: standard input is to be several of them.
    """
    names = tuple(names)
    stdin_once(names)
    for name in names:
        if name != STDIN and Path(name).is_dir():
            yield from map(str, _in_folder(Path(name)))
        else:
            yield name


def stdin_once(names: Iterable[str]) -> None:
    """Refuse standard input in several places: whatever reads it second would find nothing.

    Raises:
        click.UsageError: it is.
    """
    if sum(name == STDIN for name in names) > 1:
        raise click.UsageError("standard input (-) can be only one of the captures")


def _in_folder(folder: Path) -> list[Path]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    main = {(path.parent, _MAIN.sub("", path.name)) for path in files if _MAIN.search(path.name)}
    return [
        path
        for path in files
        if _CAPTURE.search(path.name)
        and not path.name.startswith(".")
        and not _PART.search(path.name)
        and not _FRAME.search(path.name)
        and not (_ARIA.search(path.name) and (path.parent, _ARIA.sub("", path.name)) in main)
    ]


def _read(name: str) -> bytes:
    with Path(name).open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _unpack(name: str, data: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise Problem(f"{name} is damaged: {error}") from None
