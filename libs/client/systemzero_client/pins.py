"""What this user knows of each log: its key, and the last checkpoint that was verified.

Invariants:
1. Files have mode 0600, folders 0700; a file is replaced whole or not at all.
2. A pin never goes back to a smaller tree.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec

from systemzero_client.writing import write_whole
from systemzero_core.errors import DataCorrupted
from systemzero_core.tlog import Checkpoint, VerifierKey, parse_checkpoint


class Pin(msgspec.Struct, frozen=True):
    """One log.

    Attributes:
        target: where its server is.
        origin: the log's name.
        vkey: its key, trusted.
        note: the last checkpoint that was verified, signed; empty before the first.
        former: keys that signed the log before `vkey` did, oldest first.
    """

    target: str
    origin: str
    vkey: str
    note: str = ""
    former: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[VerifierKey, ...]:
        """Every key that may have signed something of the log, parsed."""
        return tuple(map(VerifierKey.parse, (*self.former, self.vkey)))

    @property
    def key(self) -> VerifierKey:
        """The key, parsed."""
        return VerifierKey.parse(self.vkey)

    @property
    def checkpoint(self) -> Checkpoint | None:
        """The checkpoint, parsed; it was verified when it was pinned."""
        return parse_checkpoint(self.note) if self.note else None


class PinStore:
    """The pins of one user, a file each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, target: str, origin: str) -> Path:
        """The file of one pin."""
        name = hashlib.sha256(f"{target}\n{origin}".encode()).hexdigest()[:32]
        return self._folder / f"log-{name}.json"

    def all(self) -> tuple[Pin, ...]:
        """Every pin.

        Raises:
            DataCorrupted: a file is none; the message names it.
        """
        return tuple(map(_read, sorted(self._folder.glob("log-*.json"))))

    def of_target(self, target: str) -> tuple[Pin, ...]:
        """The pins of logs that a server holds."""
        return tuple(pin for pin in self.all() if pin.target == target)

    def of_origin(self, origin: str) -> tuple[Pin, ...]:
        """The pins of logs of this name, on any server."""
        return tuple(pin for pin in self.all() if pin.origin == origin)

    def put(self, pin: Pin) -> None:
        """Keep `pin`, unless a larger tree of the same log and key is pinned already."""
        path = self.path(pin.target, pin.origin)
        if path.exists():
            known = _read(path)
            if known.vkey == pin.vkey and _size(known) > _size(pin):
                return
        write_whole(path, msgspec.json.encode(pin))


def default_folder() -> Path:
    """`$XDG_STATE_HOME/systemzero`, `~/.local/state/systemzero` if that is not set."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "systemzero"


def _size(pin: Pin) -> int:
    checkpoint = pin.checkpoint
    return checkpoint.size if checkpoint else -1


def _read(path: Path) -> Pin:
    try:
        pin = msgspec.json.decode(path.read_bytes(), type=Pin)
        _ = pin.keys, pin.checkpoint
    except (msgspec.DecodeError, ValueError) as error:
        raise DataCorrupted(f"{path} is no pinned log: {error}") from error
    return pin
