"""Recordings as files: `<app>/<version>__<state>.*`, byte for byte the same for the same input."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from scripts.recording.browser import Recording


def save(folder: Path, stem: str, recording: Recording, meta: dict[str, Any]) -> int:
    """Write one recording; frames and files of an earlier one with this stem go.

    Returns:
        Bytes written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{stem}.*"):
        old.unlink()
    parts = {
        "ax.json.gz": _gzip(recording.ax),
        "dom.json.gz": _gzip(recording.dom),
        "aria.yml": recording.aria.encode(),
        "meta.json": (json.dumps({**meta, **recording.meta}, indent=1) + "\n").encode(),
    }
    for number, frame in enumerate(recording.frames, 1):
        parts[f"frame{number}.ax.json.gz"] = _gzip(frame)
    for suffix, body in parts.items():
        (folder / f"{stem}.{suffix}").write_bytes(body)
    return sum(map(len, parts.values()))


def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, compresslevel=9, mtime=0)
