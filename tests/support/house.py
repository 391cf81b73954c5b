"""Keys, tokens and the authenticator over one database, by a clock of the test's own."""

from __future__ import annotations

from systemzero_base.internal.identity import Principal
from systemzero_core.errors import Unauthenticated
from systemzero_gateway.access.caller import Caller
from systemzero_gateway.access.policy import ALL, PLATFORM_PERMISSIONS, PLATFORM_TENANT, Role
from systemzero_gateway.credentials.authenticate import Authenticator
from systemzero_gateway.credentials.keys import DEFAULT_TENANT, ApiKeys, page_tokens
from systemzero_gateway.credentials.lastuse import LastUses
from systemzero_gateway.credentials.recent_callers import RecentCallers
from systemzero_gateway.credentials.signing import Schedule, SigningKeys
from systemzero_gateway.credentials.tenants import Tenants
from systemzero_gateway.credentials.tokenbook import TokenBook
from systemzero_gateway.credentials.tokens import TokenIssuer, TokenVerifier
from systemzero_gateway.store import RowMacs, SqlKeyStore, SqlSigningKeyStore, SqlTenantStore
from systemzero_storage.database import Database

PEPPER = b"p" * 32
SECOND = 1_000_000
ADMIN = Caller(Principal(DEFAULT_TENANT, "key_admin"), ALL, None)
PLATFORM = Caller(Principal(PLATFORM_TENANT, "key_platform"), PLATFORM_PERMISSIONS, None)


class House:
    """All of it; time stands still until moved."""

    def __init__(self, database: Database) -> None:
        self.now = 1_000_000.0
        self.database = database
        macs = RowMacs(PEPPER)
        self.store = SqlKeyStore(database, macs)
        pages = page_tokens(PEPPER)
        self.uses = LastUses(self.store, self.microseconds, self.seconds)
        self.keys = ApiKeys(self.store, PEPPER, self.uses, pages, self.microseconds)
        tenants = SqlTenantStore(database, macs)
        self.tenants = Tenants(tenants, self.keys, pages, 10, self.microseconds)
        schedule = Schedule(86_400 * SECOND, 7_200 * SECOND)
        store = SqlSigningKeyStore(database)
        self.signing = SigningKeys(store, PEPPER, schedule, self.microseconds)
        self.issuer = TokenIssuer(self.signing, "gateway", "systemzero", self.seconds)
        self.verifier = TokenVerifier(self.signing, "gateway", "systemzero", self.seconds)
        self.tokens = self.restarted_tokens()
        self.authenticator = Authenticator(
            *(self.store, PEPPER, self.verifier, self.uses, self.microseconds, self.seconds),
            RecentCallers(PEPPER, None, None, self.microseconds),
        )

    def restarted_tokens(self) -> TokenBook:
        """As a gateway has them that starts now."""
        return TokenBook(self.store, self.issuer, self.verifier, 600, self.microseconds)

    def seconds(self) -> float:
        return self.now

    def microseconds(self) -> int:
        return round(self.now * SECOND)

    async def open(self) -> None:
        """Make the default tenant and the first signing key."""
        await self.store.add_tenant(DEFAULT_TENANT, 0)
        await self.signing.rotate()

    async def new_key(self, expire_in: int | None = None) -> tuple[str, str]:
        """Id and secret of a new operator's key."""
        expire_time = None if expire_in is None else self.microseconds() + expire_in * SECOND
        key, secret = await self.keys.create(ADMIN, "test", Role.OPERATOR, (), expire_time)
        return key.key_id, secret.reveal()

    async def knock(self, credential: str) -> Caller:
        header = f"Bearer {credential}"
        known = await self.authenticator.known(header)
        return known or await self.authenticator.authenticate(header)

    async def works(self, credential: str) -> bool:
        try:
            await self.knock(credential)
        except Unauthenticated:
            return False
        return True
