"""What shows that an entry was written by who signs: a MAC, by a key outside the database.

A checkpoint says of every entry below it that the signer saw it. Between its append and that
checkpoint an entry stands in the database alone, where others may write; so each has a MAC from the
moment of its append, and no checkpoint covers one whose MAC does not hold.

    KEY   HKDF-SHA256 of the private key of the log, no salt, info `systemzero.log.mac/1`
    MAC   HMAC-SHA256(KEY, `systemzero.log.mac/1` LF ORIGIN/TENANT LF POSITION LF LEAF_HASH BEFORE)

`BEFORE` is all that stands in the column of the entry before, nothing for the first: so the MACs
are a chain, and an entry that was deleted, moved or exchanged for an older one breaks it. While the
key is being rotated, two stand there: one by each key, the current one first.

The key is derived from the one that signs, since who has that could sign a forgery anyway: a file
of its own would be one more to lose, and no defence.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Sequence
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from systemzero_base.keyfile import derived

MAC_BYTES: Final = 32

_INFO: Final = b"systemzero.log.mac/1"


class Macs:
    """Makes and checks the MACs of all logs below one origin."""

    def __init__(self, origin: str, keys: Sequence[Ed25519PrivateKey]) -> None:
        """`keys` are those that sign: each makes a MAC of its own, and one that holds is enough."""
        self._prefix = _INFO + b"\n" + origin.encode() + b"/"
        self._keys = [derived(key.private_bytes_raw(), _INFO) for key in keys]

    def of(self, tenant: str, position: int, leaf_hash: bytes, before: bytes) -> bytes:
        """What stands beside a new entry; `before` is what stands beside the one before it."""
        message = self._message(tenant, position, leaf_hash, before)
        return b"".join(hmac.digest(key, message, "sha256") for key in self._keys)

    def hold(
        self, tenant: str, position: int, leaf_hash: bytes, before: bytes, stored: bytes
    ) -> bool:
        """Whether `stored`, which stands beside an entry, was made here for it and its place."""
        expected = self.of(tenant, position, leaf_hash, before)
        if hmac.compare_digest(expected, stored):
            return True
        made = list(_each(expected))  # while the key is rotated, one of them is enough
        return any(hmac.compare_digest(mac, each) for each in _each(stored) for mac in made)

    def _message(self, tenant: str, position: int, leaf_hash: bytes, before: bytes) -> bytes:
        return b"%s%s\n%d\n%s%s" % (self._prefix, tenant.encode(), position, leaf_hash, before)


def _each(stored: bytes) -> Iterator[bytes]:
    """The MACs that stand in a column: one, or two; what is of another length is none."""
    if len(stored) in (MAC_BYTES, 2 * MAC_BYTES):
        for start in range(0, len(stored), MAC_BYTES):
            yield stored[start : start + MAC_BYTES]
