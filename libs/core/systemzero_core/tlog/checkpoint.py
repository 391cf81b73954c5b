"""C2SP checkpoints (c2sp.org/tlog-checkpoint): what a log signs to commit to its content.

ORIGIN
SIZE
BASE64(ROOT_HASH)
optional extension lines
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from systemzero_core.tlog.errors import LogVerificationError
from systemzero_core.tlog.merkle import HASH_BYTES
from systemzero_core.tlog.note import Signer, VerifierKey, sign_note, split_note, verify_note

_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")


class Checkpoint(NamedTuple):
    """A log at a size.

    Attributes:
        origin: the log's unique name.
        size: number of entries.
        root: root hash of their Merkle tree (32 bytes).
        extensions: further lines, without meaning to this project.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """The text that is signed."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode())
        return "\n".join(lines + self.extensions) + "\n"

    def signed(self, signers: Iterable[Signer]) -> str:
        """The signed note."""
        return sign_note(self.text(), signers)


def parse_checkpoint(note: str) -> Checkpoint:
    """The checkpoint in a signed note, its signatures unverified.

    Raises:
        LogVerificationError: it is not a checkpoint.
    """
    return checkpoint_of(split_note(note)[0])


def verify_checkpoint(note: str, trusted: Iterable[VerifierKey]) -> Checkpoint:
    """The checkpoint in a note that at least one trusted key signed.

    Raises:
        LogVerificationError: it is not a checkpoint, or not signed by a trusted key.
    """
    return checkpoint_of(verify_note(note, trusted)[0])


def checkpoint_of(text: str) -> Checkpoint:
    """The checkpoint in the text of a note.

    Raises:
        LogVerificationError: it is not one.
    """
    lines = text.split("\n")[:-1]
    if len(lines) < 3 or not all(lines):
        raise LogVerificationError("not a checkpoint: origin, size and root hash, a line each")
    origin, size, encoded, *extensions = lines
    try:
        root = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        root = b""
    if not _SIZE.fullmatch(size) or len(root) != HASH_BYTES:
        raise LogVerificationError("not a checkpoint: the size or the root hash is malformed")
    checkpoint = Checkpoint(origin, int(size), root, tuple(extensions))
    if checkpoint.text() != text:
        raise LogVerificationError("not a checkpoint: the root hash is not in canonical Base64")
    return checkpoint
