"""The keys that sign tokens: Ed25519, in the gateway's database, rotated by schedule.

    key 1  signs ............................ verifies ......
    key 2               published ........... signs ........................ verifies ......
                        |<--- overlap --->|   |<- overlap ->|
                                          |<-------- rotate_every -------->|

Invariants:
1. A key is published for `overlap` before it signs, and for `overlap` after it signed its last:
   whoever fetches the key set that often verifies every token, and no token outlives its key. Keys
   that somebody else may know are replaced at once instead, and every token ends.
2. The private half is never stored in the open: it is sealed with AES-256-GCM (NIST SP 800-38D)
   under a key derived from the pepper (HKDF, RFC 5869), bound to its `kid`.
3. Which key is next is settled in one transaction: gateways that rotate at once get one key.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc.jwk import OKPKey

from systemzero_base.keyfile import derived
from systemzero_core.errors import FailedPrecondition
from systemzero_gateway.store.signing import SigningKeyChange, SigningKeyRecord, SigningKeyStore

_PURPOSE: Final = b"systemzero gateway signing keys"
_NONCE_BYTES: Final = 12


class SigningKey(NamedTuple):
    """A key; `kid` is its thumbprint (RFC 7638), `sign_time` from when on it signs."""

    kid: str
    jwk: OKPKey
    sign_time: int


class Schedule(NamedTuple):
    """How long a key signs, and how long before and after that it is published; microseconds."""

    rotate_every: int
    overlap: int


class SigningKeys:
    """The keys as this gateway knows them: as of the last `load`."""

    def __init__(
        self,
        store: SigningKeyStore,
        pepper: bytes,
        schedule: Schedule,
        clock: Callable[[], int],
    ) -> None:
        """`clock` gives microseconds since 1970."""
        self._store = store
        self._box = AESGCM(derived(pepper, _PURPOSE))
        self._schedule = schedule
        self._clock = clock
        self._keys: tuple[SigningKey, ...] = ()

    async def load(self) -> None:
        """Take the store's keys over.

        Raises:
            FailedPrecondition: they were sealed under another pepper.
        """
        known = {key.kid: key for key in self._keys}
        records = await self._store.signing_keys()
        self._keys = tuple(known.get(record.kid) or self._opened(record) for record in records)

    async def rotate(self) -> None:
        """Make the next key and drop those that are over, if it is time."""
        if self._is_time():
            await self._store.change_signing_keys(self._plan)
            await self.load()

    async def replace(self) -> str:
        """Drop every key and have a new one sign from now on; its `kid`. All tokens end."""
        await self._store.change_signing_keys(self._replacement)
        await self.load()
        return self.current().kid

    def current(self) -> SigningKey:
        """The key that signs now."""
        now = self._clock()
        return [key for key in self._keys if key.sign_time <= now or key is self._keys[0]][-1]

    def published(self) -> Sequence[SigningKey]:
        """The keys that verify, in order: the retired, the current, the next."""
        times = [key.sign_time for key in self._keys]
        return self._keys[_over(times, self._schedule, self._clock()) :]

    def find(self, kid: str) -> OKPKey:
        """The key that verifies what was signed as `kid`.

        Raises:
            KeyError: there is none, or it is over.
        """
        for key in self.published():
            if key.kid == kid:
                return key.jwk
        raise KeyError(kid)

    def _is_time(self) -> bool:
        now, schedule = self._clock(), self._schedule
        times = [key.sign_time for key in self._keys]
        return _next(times, schedule, now) is not None or _over(times, schedule, now) > 0

    def _plan(self, records: Sequence[SigningKeyRecord]) -> SigningKeyChange:
        times, now = [record.sign_time for record in records], self._clock()
        sign_time = _next(times, self._schedule, now)
        number = records[-1].number + 1 if records else 1
        add = None if sign_time is None else self._sealed(number, sign_time)
        over = records[: _over(times, self._schedule, now)]
        return SigningKeyChange(add, [record.number for record in over])

    def _replacement(self, records: Sequence[SigningKeyRecord]) -> SigningKeyChange:
        number = records[-1].number + 1 if records else 1
        dropped = [record.number for record in records]
        return SigningKeyChange(self._sealed(number, self._clock()), dropped, ends_tokens=True)

    def _sealed(self, number: int, sign_time: int) -> SigningKeyRecord:
        private = Ed25519PrivateKey.generate()
        kid, nonce = OKPKey.import_key(private).thumbprint(), os.urandom(_NONCE_BYTES)
        sealed = nonce + self._box.encrypt(nonce, private.private_bytes_raw(), kid.encode())
        return SigningKeyRecord(number, kid, sealed, sign_time)

    def _opened(self, record: SigningKeyRecord) -> SigningKey:
        nonce, sealed = record.sealed[:_NONCE_BYTES], record.sealed[_NONCE_BYTES:]
        try:
            raw = self._box.decrypt(nonce, sealed, record.kid.encode())
        except InvalidTag:
            raise FailedPrecondition(
                "the database's signing keys were sealed under another pepper than this gateway's; "
                "put back the pepper.key that belongs to the database"
            ) from None
        jwk = OKPKey.import_key(Ed25519PrivateKey.from_private_bytes(raw))
        return SigningKey(record.kid, jwk, record.sign_time)


def _next(times: Sequence[int], schedule: Schedule, now: int) -> int | None:
    """When a new key after those of `times` would begin to sign; None if it is early for one."""
    if not times:
        return now
    wanted = times[-1] + schedule.rotate_every
    if now < wanted - schedule.overlap:
        return None
    return max(wanted, now + schedule.overlap)


def _over(times: Sequence[int], schedule: Schedule, now: int) -> int:
    """How many of the keys that began to sign at `times` need not be published any more."""
    return sum(successor + schedule.overlap <= now for successor in times[1:])
