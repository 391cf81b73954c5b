"""The log's signing keys, in files: `log.key`, and while it is being rotated `log.next.key`.

Beside them, `log.rotations` (a JSON array) has the statements that one key followed another; they
stay for ever, and so do the public keys in them: older checkpoints were signed by these.

A rotation is two steps, with a time between them in which both keys sign:

1. `begin_rotation` makes the next key, and the statement by the current one that it follows;
2. `finish_rotation` puts the next key in the place of the current one, which is gone then.

Each step is one file that appears or moves, so that a crash leaves it done or not begun.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from systemzero_base.keyfile import load_key, load_or_create_key
from systemzero_base.secrets import replace_private, sync_folder
from systemzero_core.errors import DataCorrupted, FailedPrecondition
from systemzero_core.tlog import LogVerificationError, sign_rotation, verify_rotation


class LogKeys(NamedTuple):
    """What signs a service's logs.

    Attributes:
        signing: the current key, and the next one while it is being rotated.
        rotations: statements that a key followed another, oldest first (signed notes).
    """

    signing: tuple[Ed25519PrivateKey, ...]
    rotations: tuple[str, ...] = ()


def load_log_keys(path: Path) -> LogKeys:
    """The keys of which the current one is in the file at `path`, such as `data/log.key`.

    It is made where there is none.

    Raises:
        FailedPrecondition: others may read a file, or it holds no key.
        DataCorrupted: the file with the statements is damaged.
    """
    current = load_or_create_key(path)
    rotations = _rotations(path)
    try:
        following = load_key(_next(path))
    except FileNotFoundError:
        return LogKeys((current,), rotations)
    if not _stated(following, rotations):  # the last step of `begin_rotation` is yet to come
        return LogKeys((current,), rotations)
    return LogKeys((current, following), rotations)


def begin_rotation(path: Path, name: str) -> None:
    """Make the next key, which signs beside the current one from the next start on.

    Args:
        path: the file with the current key.
        name: the installation's, the logs' origin without the tenant.

    Raises:
        FailedPrecondition: there is no key, it can't be read, or a rotation is under way.
        DataCorrupted: the file with the statements is damaged.
    """
    current = _existing(path)
    following = load_or_create_key(_next(path))
    rotations = _rotations(path)
    if _stated(following, rotations):
        raise FailedPrecondition("a rotation is under way: finish it before the next")
    rotations += (sign_rotation(name, current, following.public_key()),)
    replace_private(_statements(path), msgspec.json.encode(rotations))


def finish_rotation(path: Path) -> None:
    """Put the next key in the place of the current one, which ceases to be.

    Raises:
        FailedPrecondition: no rotation is under way.
    """
    try:
        following = load_key(_next(path))
    except FileNotFoundError:
        raise FailedPrecondition("no rotation is under way: begin one") from None
    if not _stated(following, _rotations(path)):
        raise FailedPrecondition("the rotation was not begun whole: begin it again")
    _next(path).replace(path)
    sync_folder(path.parent)


def _next(path: Path) -> Path:
    return path.with_suffix(".next.key")


def _statements(path: Path) -> Path:
    return path.with_suffix(".rotations")


def _rotations(path: Path) -> tuple[str, ...]:
    try:
        notes = msgspec.json.decode(_statements(path).read_bytes(), type=tuple[str, ...])
        for note in notes:
            verify_rotation(note)
    except FileNotFoundError:
        return ()
    except (msgspec.DecodeError, LogVerificationError) as error:
        raise DataCorrupted(f"{_statements(path)} is damaged: {error}") from error
    return notes


def _stated(key: Ed25519PrivateKey, rotations: tuple[str, ...]) -> bool:
    """Whether a statement says that `key` follows another."""
    public = key.public_key().public_bytes_raw()
    return any(verify_rotation(note).new.public_key == public for note in rotations)


def _existing(path: Path) -> Ed25519PrivateKey:
    try:
        return load_key(path)
    except FileNotFoundError:
        raise FailedPrecondition(f"there is no key {path}") from None
