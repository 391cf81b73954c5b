"""The recorded captures of tests/data, by application, version and state."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent.parent / "data"
CAPTURES = DATA / "captures"
SAMPLES = DATA / "samples"


@dataclass(frozen=True)
class RecordedCapture:
    """One recorded web screen, each part as the bytes a client would send.

    Attributes:
        ax: CDP accessibility tree of the main frame (JSON).
        dom: compact DOM snapshot (JSON).
        frames: CDP accessibility trees of the child frames (JSON).
        aria: Playwright aria snapshot (YAML).
        meta: what tests/data/README.md lists.
    """

    ax: bytes
    dom: bytes
    frames: tuple[bytes, ...]
    aria: bytes
    meta: dict[str, Any]


@cache
def capture(app: str, version: str, state: str) -> RecordedCapture:
    """The capture `captures/<app>/<version>__<state>.*`.

    Raises:
        FileNotFoundError: there is none.
    """
    stem = f"{version}__{state}"
    folder = CAPTURES / app
    frames = sorted(folder.glob(f"{stem}.frame*.ax.json.gz"))
    return RecordedCapture(
        ax=_read(folder / f"{stem}.ax.json.gz"),
        dom=_read(folder / f"{stem}.dom.json.gz"),
        frames=tuple(map(_read, frames)),
        aria=_read(folder / f"{stem}.aria.yml"),
        meta=json.loads(_read(folder / f"{stem}.meta.json")),
    )


def captures() -> list[tuple[str, str, str]]:
    """(app, version, state) of every recorded web capture, sorted."""
    found = []
    for path in CAPTURES.glob("*/*.meta.json"):
        version, state = path.name.removesuffix(".meta.json").split("__")
        found.append((path.parent.name, version, state))
    return sorted(found)


def sample(path: str) -> bytes:
    """A hand-made sample: `sample("android/settings.xml")`.

    Raises:
        FileNotFoundError: there is none.
    """
    return _read(SAMPLES / path)


def _read(path: Path) -> bytes:
    body = path.read_bytes()
    return gzip.decompress(body) if path.suffix == ".gz" else body
