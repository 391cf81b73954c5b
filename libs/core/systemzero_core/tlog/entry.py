"""Entries: a salted digest in the leaf, the body beside it.

The leaf of an entry is the text (each line ended by a line feed)

    systemzero.log.entry/1
    KIND
    CREATE_TIME
    DIGEST

where KIND matches `[a-z][a-z0-9_.]{0,63}`, CREATE_TIME is RFC 3339 in UTC with six digits of a
second and a Z, and DIGEST is SHA-256(salt || body) in lower-case hexadecimal. The salt has 16
random bytes, so that an erased body cannot be found by trying; the body is a JSON object in
canonical form (`canonical_json`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from systemzero_core.errors import InvalidInput
from systemzero_core.tlog.merkle import hash_leaf

SALT_BYTES: Final = 16

_PREFIX: Final = b"systemzero.log.entry/1\n"
_KIND: Final = re.compile(r"[a-z][a-z0-9_.]{0,63}")


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One entry of a log. `salt` and `body` are None once erased; the rest stays.

    Attributes:
        index: place in the log, from 0.
        kind: what is recorded, such as `drift.event`.
        create_time: RFC 3339, UTC, with microseconds, as in the leaf.
        salt: 16 random bytes.
        body: canonical JSON object, UTF-8.
        digest: SHA-256(salt || body).
        leaf_hash: the leaf's hash in the Merkle tree.
    """

    index: int
    kind: str
    create_time: str
    salt: bytes | None
    body: bytes | None
    digest: bytes
    leaf_hash: bytes


def canonical_json(value: Mapping[str, Any]) -> bytes:
    """UTF-8 JSON, keys sorted by code point at every depth, no blanks, non-ASCII unescaped."""
    return msgspec.json.encode(value, order="deterministic")


def format_time(time: datetime) -> str:
    """`time` as it stands in a leaf: `2026-11-22T14:55:00.000000Z`.

    Raises:
        ValueError: `time` has no time zone.
    """
    if time.tzinfo is None:
        raise ValueError("a create time needs a time zone")
    text = time.astimezone(UTC).isoformat(timespec="microseconds")
    return f"{text[:-6]}Z"  # for +00:00


def parse_time(text: str) -> datetime:
    """The inverse of `format_time`."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def digest_of(salt: bytes, body: bytes) -> bytes:
    """The digest that stands for a body in its leaf."""
    return hashlib.sha256(salt + body).digest()


def leaf_of(kind: str, create_time: str, digest: bytes) -> bytes:
    """The leaf of an entry: the bytes that its leaf hash is of."""
    return _PREFIX + f"{kind}\n{create_time}\n{digest.hex()}\n".encode()


def leaf_hash_of(kind: str, create_time: str, digest: bytes) -> bytes:
    """The Merkle leaf hash of an entry, from what its leaf holds."""
    return hash_leaf(leaf_of(kind, create_time, digest))


def is_kind(text: str) -> bool:
    """Whether `text` may be the kind of an entry."""
    return _KIND.fullmatch(text) is not None


def new_entry(index: int, kind: str, create_time: datetime, salt: bytes, body: bytes) -> Entry:
    """An entry with its digest and leaf hash.

    Raises:
        InvalidInput: `kind` is not of the form in the module's description.
        ValueError: the salt has not 16 bytes, or the time no zone.
    """
    if not is_kind(kind):
        raise InvalidInput.at("kind", "lower-case letters, digits, dots, underscores; at most 64")
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes")
    time = format_time(create_time)
    digest = digest_of(salt, body)
    return Entry(index, kind, time, salt, body, digest, leaf_hash_of(kind, time, digest))
