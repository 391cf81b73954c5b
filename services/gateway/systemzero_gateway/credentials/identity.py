"""Composition of authentication: keys, tokens, certificates and tenants over one database."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from systemzero_gateway.access.policy import PLATFORM_TENANT
from systemzero_gateway.config import TokenSettings
from systemzero_gateway.credentials.authenticate import Authenticator
from systemzero_gateway.credentials.certificates import CertificateCallers, ClientCertificate
from systemzero_gateway.credentials.keys import DEFAULT_TENANT, MICROSECONDS, ApiKeys, page_tokens
from systemzero_gateway.credentials.lastuse import LastUses
from systemzero_gateway.credentials.recent_callers import RecentCallers
from systemzero_gateway.credentials.signing import Schedule, SigningKeys
from systemzero_gateway.credentials.tenants import Tenants
from systemzero_gateway.credentials.tokenbook import TokenBook
from systemzero_gateway.credentials.tokens import TokenIssuer, TokenVerifier
from systemzero_gateway.store import (
    Endings,
    RowMacs,
    SqlKeyStore,
    SqlSigningKeyStore,
    SqlTenantStore,
)
from systemzero_storage.database import Database


class Identity:
    """Tenants, keys, tokens.

    `chores` are to be done every minute, and once more at the end; `pages` seal positions.
    """

    def __init__(
        self,
        database: Database,
        pepper: bytes,
        settings: TokenSettings,
        least_burst: int,
        recent_callers: RecentCallers,
        endings: Endings | None = None,
        clients: Sequence[ClientCertificate] | None = None,
    ) -> None:
        """`least_burst`: what the most expensive method costs; `recent_callers`: who was let in.

        `endings` know which keys and secrets have ended. `clients` where nobody calls without a
        certificate: whom those stand for.
        """
        macs = RowMacs(pepper, endings)
        store = SqlKeyStore(database, macs)
        self.pages = pages = page_tokens(pepper)
        uses = LastUses(store, microseconds, time.monotonic)
        schedule = Schedule(
            int(settings.rotate_every * MICROSECONDS), int(settings.overlap * MICROSECONDS)
        )
        names = settings.issuer, settings.audience
        self.signing = SigningKeys(SqlSigningKeyStore(database), pepper, schedule, microseconds)
        verifier = TokenVerifier(self.signing, *names, time.time)
        self.keys = ApiKeys(store, pepper, uses, pages, microseconds)
        tenants = SqlTenantStore(database, macs)
        self.tenants = Tenants(tenants, self.keys, pages, least_burst, microseconds)
        issuer = TokenIssuer(self.signing, *names, time.time)
        self.tokens = TokenBook(store, issuer, verifier, settings.lifetime, microseconds)
        self.authenticator = Authenticator(
            store,
            pepper,
            verifier,
            uses,
            microseconds,
            time.monotonic,
            recent_callers,
            None if clients is None else CertificateCallers(clients, tenants),
        )
        self.chores = (uses.flush, self.signing.rotate, self.tokens.forget)

    async def start(self, admin_key_file: Path, platform_key_file: Path) -> None:
        """Make what is missing: the first signing key, the first tenants and their admins' keys.

        Raises:
            FailedPrecondition: a key file, or the database's signing keys, can't be used.
            Unavailable: the database does not answer.
        """
        await self.signing.load()
        await self.signing.rotate()
        await self.keys.bootstrap(DEFAULT_TENANT, admin_key_file)
        await self.keys.bootstrap(PLATFORM_TENANT, platform_key_file)


def microseconds() -> int:
    """Now, since 1970."""
    return time.time_ns() // 1_000
