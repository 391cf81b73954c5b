"""Who holds a credential: `authorization: Bearer <API key or token>`. No other header is looked at.

Where clients have certificates, one of them has to stand for somebody, whatever else is shown.

Invariants:
1. Every refusal is the same error, whichever check it was.
2. Nothing is kept of a credential but its SHA-256.
3. A change in the store (revoked, rotated, suspended) ends what was cached of its tenant within
   `REVALIDATE` seconds and one look-up, on every replica. A store that does not answer denies.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from typing import Final, TypeVar

from systemzero_base.internal.identity import Principal
from systemzero_base.lru import Lru
from systemzero_core.errors import Unauthenticated, Unavailable
from systemzero_gateway.access.caller import Caller, earliest
from systemzero_gateway.access.policy import Role, granted
from systemzero_gateway.credentials import apikey
from systemzero_gateway.credentials.certificates import CertificateCallers, both
from systemzero_gateway.credentials.credential import credential_of, said_subject
from systemzero_gateway.credentials.lastuse import LastUses
from systemzero_gateway.credentials.recent_callers import RecentCallers
from systemzero_gateway.credentials.seen import Seen
from systemzero_gateway.credentials.tokens import TokenVerifier
from systemzero_gateway.store import KeyStore

REVALIDATE: Final = 0.5
"""Seconds for which cached answers are used without asking the store for its revision."""

PATIENCE: Final = 2.0
"""Seconds that the store has for an answer; a database tries to reconnect for longer than that."""

_REFUSED: Final = 20_000
"""Credentials that were refused, of which it is known: a look at the store for each is enough."""

T = TypeVar("T")

_AWAY: Final = "the key store does not answer"


class Authenticator:
    """Turns the value of an `authorization` header into a `Caller`."""

    def __init__(
        self,
        store: KeyStore,
        pepper: bytes,
        tokens: TokenVerifier,
        uses: LastUses,
        clock: Callable[[], int],
        ticks: Callable[[], float],
        recent_callers: RecentCallers,
        certificates: CertificateCallers | None = None,
    ) -> None:
        """`clock` gives microseconds since 1970, `ticks` seconds that never go back.

        `certificates` are there where nobody calls without one.
        """
        self._store = store
        self._pepper = pepper
        self._tokens = tokens
        self._uses = uses
        self._clock = clock
        self._ticks = ticks
        self._certificates = certificates
        self._recent_callers = recent_callers
        self._seen = Seen()
        self._refused: Lru[bytes, bool] = Lru(_REFUSED)
        self._revision = -1
        self._valid_until = 0.0
        self._failures = 0
        self._revalidating = asyncio.Lock()

    @property
    def asks_for_certificates(self) -> bool:
        """Whether nobody calls without a client certificate."""
        return self._certificates is not None

    async def known(self, header: str, certificate: bytes = b"") -> Caller | None:
        """The caller with these credentials if it was seen before and nothing changed since.

        Raises:
            Unavailable: the store does not answer.
        """
        tick = self._ticks()
        if tick >= self._valid_until:
            await self._revalidate()
        credential = credential_of(header)
        if header and not credential:
            return None
        digest = _digest(credential, certificate)
        caller = self._seen.caller(digest)
        if caller is None or self._is_over(caller.end_time):
            return None
        self._uses.note(caller.principal.principal_id, tick)
        if self._recent_callers.is_due(digest):
            await self._note(digest, caller)
        return caller

    def is_familiar(self, header: str, certificate: bytes = b"") -> bool:
        """Whether who has these credentials was let in within the day, whatever changed since.

        Who is familiar is not held against an address that guessers share with it. A new token of
        a principal that is familiar is so, too; nothing is that was refused since.
        """
        digest, subject = _names_in(header, certificate)
        if not digest or self._refused.get(digest):
            return False
        if digest in self._seen or (subject and self._seen.has_of(subject)):
            return True
        return self._recent_callers.knows(digest, subject)

    async def is_familiar_elsewhere(self, header: str, certificate: bytes = b"") -> bool:
        """The same by what other gateways saw; takes a look at the store that they share."""
        digest, subject = _names_in(header, certificate)
        if not digest or self._refused.get(digest):
            return False
        return await self._recent_callers.knows_from_afar(digest, subject)

    async def authenticate(self, header: str, certificate: bytes = b"") -> Caller:
        """The caller behind `header` and the PEM `certificate`, by the store.

        Raises:
            Unauthenticated: the credential is not accepted.
            Unavailable: the store does not answer.
        """
        revision, credential = self._revision, credential_of(header)
        digest = _digest(credential, certificate)
        caller = None
        if credential or not header:  # else it is refused, whatever certificate is beside it
            caller = await _in_time(self._caller(credential, certificate))
        if caller is None or self._is_over(caller.end_time):
            if credential or not header:
                self._seen.drop(digest)
                self._recent_callers.forget(digest)
                self._refused.put(digest, True)
            raise Unauthenticated("the credential is missing or not accepted")
        self._uses.note(caller.principal.principal_id, self._ticks())
        if revision == self._revision:  # else what was read may be older than the revision
            self._seen.put(digest, caller)
        self._refused.forget(digest)
        if self._recent_callers.is_due(digest):
            await self._note(digest, caller)
        return caller

    def forget(self) -> None:
        """Ask the store for its revision on the next call: something changed here."""
        self._valid_until = 0.0

    async def _note(self, digest: bytes, caller: Caller) -> None:
        principal = caller.principal.principal_id
        await self._recent_callers.note(digest, principal, by_token=caller.by_token)

    async def _revalidate(self) -> None:
        failures = self._failures
        async with self._revalidating:
            if failures != self._failures:  # nobody waits for an answer that others waited for
                raise Unavailable(_AWAY)
            started = self._ticks()
            if started < self._valid_until:
                return
            try:
                await _in_time(self._look())
            except Unavailable:
                self._failures += 1
                raise
            self._valid_until = started + REVALIDATE

    async def _look(self) -> None:
        changes = await self._store.changes(self._revision)
        if changes.revision != self._revision:
            await self._tokens.refresh()
            self._seen.look_up_again(changes.tenants)
            self._revision = changes.revision

    async def _caller(self, credential: str, certificate: bytes) -> Caller | None:
        if self._certificates is None:
            return await self._by_credential(credential) if credential else None
        caller = await self._certificates.caller(certificate)
        return both(caller, await self._by_credential(credential)) if credential else caller

    async def _by_credential(self, credential: str) -> Caller | None:
        if apikey.is_well_formed(credential):
            return await self._by_key(credential)
        return await self._by_token(credential)

    async def _by_key(self, secret: str) -> Caller | None:
        found = await self._store.find_secret(apikey.digest(self._pepper, secret))
        now = self._clock()
        if found is None or self._is_over(found.expire_time) or not found.key.works(now):
            return None
        key = found.key
        return Caller(
            Principal(key.tenant, key.key_id, found.quotas.storage),
            granted(key.tenant, Role(key.role), key.scopes),
            earliest(key.expire_time, found.expire_time),
            quotas=found.quotas,
        )

    async def _by_token(self, token: str) -> Caller | None:
        try:
            claims = self._tokens.verify(token)
        except Unauthenticated:
            return None
        found = await self._store.find_token(claims.tenant, claims.sub, claims.jti)
        if found is None or not found.key.works(self._clock()):
            return None
        key = found.key
        return Caller(
            Principal(key.tenant, key.key_id, found.quotas.storage),
            granted(key.tenant, Role(key.role), key.scopes) & frozenset(claims.scopes),
            earliest(key.expire_time, claims.exp * 1_000_000),
            by_token=True,
            quotas=found.quotas,
        )

    def _is_over(self, expire_time: int | None) -> bool:
        return expire_time is not None and expire_time <= self._clock()


async def _in_time(answer: Coroutine[None, None, T]) -> T:
    try:
        async with asyncio.timeout(PATIENCE):
            return await answer
    except TimeoutError:
        raise Unavailable(_AWAY) from None


def _names_in(header: str, certificate: bytes) -> tuple[bytes, str]:
    """The digest of a call's credentials, and the principal that they say they are of, if any."""
    credential = credential_of(header)
    if header and not credential:
        return b"", ""
    return _digest(credential, certificate), said_subject(credential)


def _digest(credential: str, certificate: bytes) -> bytes:
    return hashlib.sha256(certificate + credential.encode()).digest()
