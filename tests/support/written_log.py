"""A small log in files, as `sz log export`, `proof` and `tiles` write them, with its key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from systemzero_core.tlog import (
    Checkpoint,
    Entry,
    Signer,
    TileTree,
    canonical_json,
    checkpoint_line,
    encode_bundle,
    entry_line,
    header_line,
    leaf_of,
    new_entry,
)

ORIGIN = "systemzero.example/log/t1"
SIGNER = Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"\x01" * 32))
START = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)


class WrittenLog(NamedTuple):
    """Where the files are, and the key that they are verified by."""

    export: Path
    bundle: Path
    tiles: Path
    key: str


def entry_of(index: int, body: dict[str, object], kind: str = "drift.event") -> Entry:
    """An entry a second after the one before it."""
    salt = index.to_bytes(16, "big")
    return new_entry(index, kind, START + timedelta(seconds=index), salt, canonical_json(body))


def write_log(folder: Path, body: dict[str, object], kind: str = "drift.event") -> WrittenLog:
    """A log of one entry with `body`, in all its forms."""
    entry, tree = entry_of(0, body, kind), TileTree()
    files = dict(tree.push(leaf_of(entry.kind, entry.create_time, entry.digest)))
    files |= dict(tree.partial_tiles())
    note = Checkpoint(ORIGIN, 1, tree.compact().root()).signed([SIGNER])
    files["checkpoint"] = note.encode()
    for name, data in files.items():
        path = folder / "tiles" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    vkeys = [str(SIGNER.verifier)]
    written = WrittenLog(folder / "export", folder / "bundle", folder / "tiles", vkeys[0])
    lines = [header_line(ORIGIN, vkeys), entry_line(entry), checkpoint_line(note)]
    written.export.write_bytes(b"".join(lines))
    written.bundle.write_bytes(encode_bundle(entry, [], note, vkeys))
    return written
