"""A labelled corpus of captures: a folder with MANIFEST.tsv, PAIRS.tsv and the files they name.

MANIFEST.tsv has one row a capture with at least the columns path, kind, app and version_state
("1.2.3/2-list"). PAIRS.tsv has one row a pair with pair_kind, a, b, only_in_a, only_in_b and
identical_role_name_sequence. Beside `X.ax.json.gz` may stand `X.dom.json.gz` and
`X.frameN.ax.json.gz`, the DOM data and the child frames of the same capture.

Which captures are of one screen follows from the pairs: what differs from another capture of the
same version in a benign way, or in what it documents, is a variant of that capture's screen.
"""

from __future__ import annotations

import csv
import gzip
import re
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

_BROWSER = ".ax.json.gz"


class Capture(NamedTuple):
    """One row of the manifest; `path` is relative to the corpus and names the capture."""

    path: str
    kind: str
    app: str
    version: str
    state: str


class Pair(NamedTuple):
    """One row of the pairs: paths, and what they are to each other."""

    kind: str
    app: str
    a: str
    b: str
    differing: int
    identical: bool


class Files(NamedTuple):
    """A capture's bytes, as a client would send them."""

    data: bytes
    dom: bytes | None
    frames: tuple[bytes, ...]


class Corpus:
    """The corpus in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.captures = {row["path"]: _capture(row) for row in _rows(folder / "MANIFEST.tsv")}
        pairs = [_pair(row) for row in _rows(folder / "PAIRS.tsv")]
        self.pairs = [p for p in pairs if p.a in self.captures and p.b in self.captures]

    @cached_property
    def releases(self) -> dict[str, list[str]]:
        """The versions of each app that has several, oldest first."""
        found: dict[str, set[str]] = {}
        for capture in self.captures.values():
            if capture.version:
                found.setdefault(capture.app, set()).add(capture.version)
        return {app: sorted(them, key=_age) for app, them in found.items() if len(them) > 1}

    @cached_property
    def variants(self) -> dict[str, str]:
        """Captures that show the screen of another one, with that one."""
        same = [p for p in self.pairs if p.kind.startswith(("benign:", "true-content-change"))]
        return {p.b: p.a for p in same if p.b != p.a}

    @cached_property
    def reloads(self) -> list[list[str]]:
        """Captures of one screen that are reloads of each other, in the order of the pairs."""
        of: dict[str, list[str]] = {}
        for pair in self.pairs:
            if pair.kind == "benign:reload":
                both = of.get(pair.a, [pair.a]), of.get(pair.b, [pair.b])
                joined = list(dict.fromkeys((*both[0], *both[1])))
                of.update(dict.fromkeys(joined, joined))
        return [list(paths) for paths in dict.fromkeys(map(tuple, of.values()))]

    def screen(self, path: str) -> str:
        """The screen that a capture shows, as `app/state`."""
        seen = {path}
        while (path := self.variants.get(path, path)) not in seen:
            seen.add(path)
        capture = self.captures[path]
        return f"{capture.app}/{capture.state}"

    def baselines(self, app: str, version: str) -> list[str]:
        """One capture for each screen of a release."""
        return [
            path
            for path, capture in self.captures.items()
            if (capture.app, capture.version) == (app, version) and path not in self.variants
        ]

    def files(self, path: str) -> Files:
        """The bytes of a capture and of what stands beside it."""
        whole = self.folder / path
        if not path.endswith(_BROWSER):
            return Files(_bytes(whole), None, ())
        stem = whole.name.removesuffix(_BROWSER)
        dom = whole.with_name(f"{stem}.dom.json.gz")
        frames = sorted(whole.parent.glob(f"{stem}.frame*{_BROWSER}"))
        return Files(
            _bytes(whole), _bytes(dom) if dom.exists() else None, tuple(map(_bytes, frames))
        )


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def _capture(row: dict[str, str]) -> Capture:
    version, slash, state = row["version_state"].partition("/")
    if not slash:
        version, state = "", version
    return Capture(row["path"], row["kind"], row["app"], version, state)


def _pair(row: dict[str, str]) -> Pair:
    differing = int(row["only_in_a"]) + int(row["only_in_b"])
    identical = row["identical_role_name_sequence"] == "yes"
    return Pair(row["pair_kind"], row["app"], row["a"], row["b"], differing, identical)


def _age(version: str) -> list[tuple[int, str]]:
    """Sort key: numbers by value, before words."""
    parts = re.findall(r"\d+|[^\d.]+", version)
    return [(int(part), "") if part.isdigit() else (1 << 60, part) for part in parts]


def _bytes(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data
