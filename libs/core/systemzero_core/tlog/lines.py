"""Entries, checkpoints and headers as lines of JSON, one spelling each.

A reader accepts only the bytes that the writer would write for what it read: no unknown or missing
key, no other order, blank, escape or number. So no byte of a file is free to change.
"""

from __future__ import annotations

import re
from typing import Final, TypeVar

import msgspec

from systemzero_core.tlog.checkpoint import Checkpoint, checkpoint_of
from systemzero_core.tlog.entry import (
    SALT_BYTES,
    Entry,
    digest_of,
    is_kind,
    leaf_hash_of,
)
from systemzero_core.tlog.errors import LogVerificationError
from systemzero_core.tlog.note import VerifierKey, split_note, verify_note

T = TypeVar("T")

EXPORT_FORMAT: Final = "systemzero.log.export/1"

_TIME: Final = re.compile(
    r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z"
)
_NULL: Final = b"null"


class HeaderLine(msgspec.Struct, forbid_unknown_fields=True):
    """The first line of an export: what it is, of which log, signed by which keys."""

    format: str
    origin: str
    vkeys: list[str]


class EntryLine(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """An entry as JSON: bytes in lower-case hexadecimal, the body as the JSON it is."""

    index: int
    kind: str
    create_time: str
    salt: str | None
    body: msgspec.Raw
    digest: str
    leaf_hash: str

    def checked(self) -> Entry:
        """The entry, once its body stands for its digest and its digest for its leaf.

        Raises:
            LogVerificationError: says which field is wrong.
        """
        body = bytes(self.body)
        salt: bytes | None = None
        if self.salt is None or body == _NULL:
            if self.salt is not None or body != _NULL:
                raise LogVerificationError("of salt and body, one is there and one is not")
        else:
            salt = _unhex(self.salt, SALT_BYTES, "salt")
            if digest_of(salt, body).hex() != self.digest:
                raise LogVerificationError("the body is not the one that was recorded")
        if not is_kind(self.kind):
            raise LogVerificationError("the kind is malformed")
        if not _TIME.fullmatch(self.create_time):
            raise LogVerificationError("the create time is malformed")
        digest = _unhex(self.digest, 32, "digest")
        leaf_hash = leaf_hash_of(self.kind, self.create_time, digest)
        if leaf_hash.hex() != self.leaf_hash:
            raise LogVerificationError("kind, create time or digest are not those recorded")
        stored = None if salt is None else body
        return Entry(self.index, self.kind, self.create_time, salt, stored, digest, leaf_hash)


class CheckpointLine(msgspec.Struct, forbid_unknown_fields=True):
    """The last line of an export: the signed checkpoint over all its entries."""

    checkpoint: str


_encoder: Final = msgspec.json.Encoder()


def header_line(origin: str, vkeys: list[str]) -> bytes:
    """The first line of an export."""
    return encode_line(HeaderLine(EXPORT_FORMAT, origin, vkeys))


def entry_line(entry: Entry) -> bytes:
    """The line of an entry, as it is stored, unchecked."""
    return encode_line(to_line(entry))


def checkpoint_line(note: str) -> bytes:
    """The last line of an export."""
    return encode_line(CheckpointLine(note))


def to_line(entry: Entry) -> EntryLine:
    """The JSON form of an entry, as it is stored, unchecked."""
    return EntryLine(
        entry.index,
        entry.kind,
        entry.create_time,
        None if entry.salt is None else entry.salt.hex(),
        msgspec.Raw(_NULL if entry.body is None else entry.body),
        entry.digest.hex(),
        entry.leaf_hash.hex(),
    )


def encode_line(value: object) -> bytes:
    """`value` as its one line of JSON, with the line feed."""
    return _encoder.encode(value) + b"\n"


def decode_line(line: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """The inverse of `encode_line`.

    Raises:
        LogVerificationError: the line is anything else than `encode_line` gives.
    """
    try:
        value = decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise LogVerificationError(f"malformed: {error}") from error
    if _encoder.encode(value) + b"\n" != line:
        raise LogVerificationError("altered: not written as an export writes it")
    return value


def decode_hashes(hashes: list[str]) -> list[bytes]:
    """The hashes of a proof.

    Raises:
        LogVerificationError: one is not 64 lower-case hexadecimal digits.
    """
    return [_unhex(text, 32, "proof") for text in hashes]


def parse_vkeys(vkeys: list[str], trusted: frozenset[VerifierKey]) -> list[VerifierKey]:
    """The keys that a file names, at least one of which must be trusted.

    Raises:
        LogVerificationError: none is.
    """
    keys = [VerifierKey.parse(vkey) for vkey in vkeys]
    if trusted.isdisjoint(keys):
        raise LogVerificationError("none of its keys is one that you trust")
    return keys


def check_note(note: str, keys: list[VerifierKey], trusted: frozenset[VerifierKey]) -> Checkpoint:
    """The checkpoint in `note`, signed by some of `keys` and nobody else, one of them trusted.

    Raises:
        LogVerificationError: it is not.
    """
    text, signed_by = verify_note(note, keys)
    if len(signed_by) != len(split_note(note)[1]):
        raise LogVerificationError("the checkpoint has a signature of a key that is not named")
    if trusted.isdisjoint(signed_by):
        raise LogVerificationError("the checkpoint is not signed by a key that you trust")
    return checkpoint_of(text)


def _unhex(text: str, size: int, field: str) -> bytes:
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raw = b""
    if len(raw) != size or raw.hex() != text:
        raise LogVerificationError(f"the {field} is not {size} bytes in lower-case hexadecimal")
    return raw
