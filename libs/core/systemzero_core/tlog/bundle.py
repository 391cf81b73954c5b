"""Proof bundles: one entry with all that it takes to check it offline, but the log's key.

A bundle is one line of JSON, in one spelling as the lines of an export are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from systemzero_core.tlog.checkpoint import Checkpoint
from systemzero_core.tlog.entry import Entry
from systemzero_core.tlog.errors import LogVerificationError
from systemzero_core.tlog.lines import (
    EntryLine,
    check_note,
    decode_hashes,
    decode_line,
    encode_line,
    parse_vkeys,
    to_line,
)
from systemzero_core.tlog.note import VerifierKey
from systemzero_core.tlog.proofs import verify_consistency, verify_inclusion

BUNDLE_FORMAT: Final = "systemzero.log.bundle/1"


class _Extends(msgspec.Struct, forbid_unknown_fields=True):
    checkpoint: str
    consistency_proof: list[str]


class _Bundle(msgspec.Struct, forbid_unknown_fields=True):
    format: str
    entry: EntryLine
    inclusion_proof: list[str]
    checkpoint: str
    vkeys: list[str]
    extends: _Extends | None


_decoder: Final = msgspec.json.Decoder(_Bundle)


class VerifiedBundle(msgspec.Struct, frozen=True):
    """What a bundle proves: `entry` is in the log that `checkpoint` commits to.

    Attributes:
        entry: with its body, unless that was erased.
        checkpoint: the log that holds it.
        extends: an older checkpoint, known to be of the same history; None if the bundle has none.
    """

    entry: Entry
    checkpoint: Checkpoint
    extends: Checkpoint | None


def encode_bundle(
    entry: Entry,
    inclusion_proof: Sequence[bytes],
    checkpoint: str,
    vkeys: Iterable[str],
    *,
    extends: tuple[str, Sequence[bytes]] | None = None,
) -> bytes:
    """A bundle, unchecked.

    Args:
        entry: the one to prove.
        inclusion_proof: from the entry's leaf to the root of `checkpoint`.
        checkpoint: a signed note.
        vkeys: the keys that signed it.
        extends: an older signed note, and the consistency proof from it to `checkpoint`.
    """
    older = None
    if extends is not None:
        older = _Extends(extends[0], [digest.hex() for digest in extends[1]])
    proof = [digest.hex() for digest in inclusion_proof]
    return encode_line(
        _Bundle(BUNDLE_FORMAT, to_line(entry), proof, checkpoint, list(vkeys), older)
    )


def verify_bundle(bundle: bytes, trusted: Iterable[VerifierKey]) -> VerifiedBundle:
    """Check a bundle offline, with keys of the log known from elsewhere.

    Raises:
        LogVerificationError: it proves nothing; says what is wrong.
        InvalidInput: one of the keys it names is malformed.
    """
    known = frozenset(trusted)
    parsed = decode_line(bundle, _decoder)
    if parsed.format != BUNDLE_FORMAT:
        raise LogVerificationError(f"the format is not {BUNDLE_FORMAT!r}")
    keys = parse_vkeys(parsed.vkeys, known)
    checkpoint = check_note(parsed.checkpoint, keys, known)
    entry = parsed.entry.checked()
    proof = decode_hashes(parsed.inclusion_proof)
    verify_inclusion(entry.leaf_hash, entry.index, checkpoint.size, proof, checkpoint.root)
    extends = None
    if parsed.extends is not None:
        extends = _verify_extends(parsed.extends, checkpoint, keys, known)
    return VerifiedBundle(entry, checkpoint, extends)


def _verify_extends(
    extends: _Extends,
    checkpoint: Checkpoint,
    keys: list[VerifierKey],
    trusted: frozenset[VerifierKey],
) -> Checkpoint:
    older = check_note(extends.checkpoint, keys, trusted)
    if older.origin != checkpoint.origin:
        raise LogVerificationError(f"the older checkpoint is of another log, {older.origin!r}")
    proof = decode_hashes(extends.consistency_proof)
    verify_consistency(older.size, older.root, checkpoint.size, checkpoint.root, proof)
    return older
