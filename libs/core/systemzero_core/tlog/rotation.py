"""Statements that one key of an installation's logs follows another.

A statement is a signed note of the older key, under the installation's name, with the text

    systemzero.log.rotation/1
    VKEY OF THE OLDER KEY
    VKEY OF THE NEWER KEY

Both vkeys have the installation's name. It holds for every log of the installation: the name of a
log is that name, a slash, and the tenant's id. Its first line is no origin and its second no size,
so it can never be taken for a checkpoint, nor a checkpoint for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from systemzero_core.errors import InvalidInput
from systemzero_core.tlog.errors import LogVerificationError
from systemzero_core.tlog.note import Signer, VerifierKey, sign_note, split_note, verify_note

ROTATION_FORMAT: Final = "systemzero.log.rotation/1"


class Rotation(NamedTuple):
    """That `new` signs after `old`, for all logs of the installation that both are named after."""

    old: VerifierKey
    new: VerifierKey


def sign_rotation(name: str, old: Ed25519PrivateKey, new: Ed25519PublicKey) -> str:
    """The statement that `new` follows `old` in the installation `name`."""
    signer = Signer(name, old)
    follower = VerifierKey(name, new.public_bytes_raw())
    text = f"{ROTATION_FORMAT}\n{signer.verifier}\n{follower}\n"
    return sign_note(text, [signer])


def verify_rotation(note: str) -> Rotation:
    """What a statement says, once it is shown to be signed by the older key that it names.

    Raises:
        LogVerificationError: it is none, or not signed by that key.
    """
    lines = split_note(note)[0].split("\n")
    if len(lines) != 4 or lines[0] != ROTATION_FORMAT:
        raise LogVerificationError("not a statement that a log's key was rotated")
    try:
        old, new = VerifierKey.parse(lines[1]), VerifierKey.parse(lines[2])
    except InvalidInput as error:
        raise LogVerificationError(f"a rotation names a malformed key: {error.message}") from error
    if old.name != new.name:
        raise LogVerificationError("a rotation names keys of two installations")
    verify_note(note, [old])
    return Rotation(old, new)


def follow(key: VerifierKey, rotations: Iterable[str]) -> tuple[VerifierKey, ...]:
    """`key`, a log's, and those that follow it by statements, in order; the last one signs now.

    Statements of other keys and installations are passed over.

    Raises:
        LogVerificationError: a statement is malformed, or not signed by the key it names.
    """
    chain = [key]
    installation = key.name.rpartition("/")[0]
    for rotation in map(verify_rotation, rotations):
        ours = rotation.old.name == installation
        if ours and rotation.old.public_key == chain[-1].public_key:
            chain.append(VerifierKey(key.name, rotation.new.public_key))
    return tuple(chain)
