"""The keys that sign tokens, by a clock of the test's own, on a real store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf import json_format
from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey

from systemzero.gateway.v1 import auth_service_pb2 as pb
from systemzero.gateway.v1 import auth_service_pb2_grpc
from systemzero_base.settings.config import ConfigError, load
from systemzero_core.errors import FailedPrecondition, Unauthenticated
from systemzero_gateway.config import GatewaySettings
from systemzero_gateway.credentials.signing import Schedule, SigningKeys
from systemzero_gateway.credentials.tokens import TokenIssuer, TokenVerifier
from systemzero_gateway.store import METADATA, SCHEMA_VERSION, SqlSigningKeyStore
from systemzero_storage.database import open_sqlite
from tests.support.gateway import world

PEPPER = b"p" * 32
HOUR = 3_600 * 1_000_000
SCHEDULE = Schedule(rotate_every=24 * HOUR, overlap=2 * HOUR)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000 * HOUR

    def __call__(self) -> int:
        return self.now

    def seconds(self) -> float:
        return self.now / 1_000_000


@pytest.fixture
def clock() -> Clock:
    return Clock()


@asynccontextmanager
async def opened(folder: Path, clock: Clock, pepper: bytes = PEPPER) -> AsyncIterator[SigningKeys]:
    """The keys as one gateway of several over `folder` has them."""
    database = open_sqlite(folder / "gateway.sqlite3", METADATA, SCHEMA_VERSION)
    try:
        yield SigningKeys(SqlSigningKeyStore(database), pepper, SCHEDULE, clock)
    finally:
        await database.close()


def kids(keys: SigningKeys) -> list[str]:
    return [key.kid for key in keys.published()]


async def test_a_key_is_published_before_it_signs_and_after(tmp_path: Path, clock: Clock) -> None:
    async with opened(tmp_path, clock) as keys:
        await keys.rotate()
        first = keys.current().kid
        clock.now += 22 * HOUR - 1
        await keys.rotate()
        assert kids(keys) == [first]
        clock.now += 1  # two hours before it is the next one's turn
        await keys.rotate()
        assert keys.current().kid == first
        assert kids(keys)[0] == first
        second = kids(keys)[1]
        clock.now += 2 * HOUR
        assert keys.current().kid == second
        clock.now += 2 * HOUR - 1
        assert kids(keys) == [first, second]
        clock.now += 1  # no token of the first one is alive
        assert kids(keys) == [second]
        with pytest.raises(KeyError):
            keys.find(first)


async def test_what_is_over_is_dropped_from_the_store(tmp_path: Path, clock: Clock) -> None:
    async with opened(tmp_path, clock) as keys, opened(tmp_path, clock) as reader:
        for _ in range(100):
            await keys.rotate()
            clock.now += HOUR
        await keys.rotate()
        await reader.load()
        assert 1 <= len(reader.published()) <= 3
        assert kids(reader) == kids(keys)


async def test_a_token_outlives_the_turn_of_its_key(tmp_path: Path, clock: Clock) -> None:
    async with opened(tmp_path, clock) as keys:
        await keys.rotate()
        issuer = TokenIssuer(keys, "gateway", "systemzero", clock.seconds)
        verifier = TokenVerifier(keys, "gateway", "systemzero", clock.seconds)
        clock.now += 22 * HOUR
        await keys.rotate()
        clock.now += 2 * HOUR - 1_000_000
        first = keys.current().kid
        token, _ = issuer.issue("key_1", "acme", "viewer", [], 3_600)
        clock.now += HOUR - 1_000_000
        assert keys.current().kid != first
        assert verifier.verify(token).sub == "key_1"
        clock.now += 1_000_000
        with pytest.raises(Unauthenticated):
            verifier.verify(token)


async def test_a_gateway_that_slept_publishes_the_next_key_before_it_signs_all_the_same(
    tmp_path: Path, clock: Clock
) -> None:
    async with opened(tmp_path, clock) as keys:
        await keys.rotate()
        first = keys.current().kid
        clock.now += 1_000 * HOUR
        await keys.rotate()
        assert keys.current().kid == first
        assert len(kids(keys)) == 2
        clock.now += 2 * HOUR
        assert keys.current().kid != first


async def test_gateways_that_rotate_at_once_get_the_same_key(tmp_path: Path, clock: Clock) -> None:
    async with opened(tmp_path, clock) as one, opened(tmp_path, clock) as other:
        for count in (1, 2):
            await asyncio.gather(one.rotate(), other.rotate())
            await asyncio.gather(one.load(), other.load())
            assert kids(one) == kids(other)
            assert len(kids(one)) == count
            clock.now += 22 * HOUR


async def test_the_private_half_is_sealed_under_the_pepper_and_bound_to_its_id(
    tmp_path: Path, clock: Clock
) -> None:
    async with opened(tmp_path, clock) as keys:
        await keys.rotate()
        private = keys.current().jwk.private_key
        assert isinstance(private, Ed25519PrivateKey)
        store = keys._store
        [record] = await store.signing_keys()
        assert private.private_bytes_raw() not in record.sealed
    assert private.private_bytes_raw() not in (tmp_path / "gateway.sqlite3").read_bytes()
    async with opened(tmp_path, clock, pepper=b"q" * 32) as strange:
        with pytest.raises(FailedPrecondition, match=r"put back the pepper\.key"):
            await strange.load()


async def test_the_key_set_verifies_tokens_for_whoever_fetches_it(tmp_path: Path) -> None:
    async with world(tmp_path, local=True) as here:
        stub = auth_service_pb2_grpc.AuthServiceStub(here.channel)
        token = (await stub.IssueToken(pb.IssueTokenRequest(), metadata=here.bearer())).token
        jwks = await stub.GetJwks(pb.GetJwksRequest(), metadata=here.bearer())
    document = json_format.MessageToDict(jwks)
    assert [set(key) for key in document["keys"]] == [{"kty", "crv", "x", "kid", "use", "alg"}]
    key = KeySet.import_key_set(document)  # type: ignore[arg-type]
    decoded = jwt.decode(token, key, ["Ed25519"])
    assert decoded.claims["tenant"] == "default"
    assert decoded.header["kid"] == OKPKey.import_key(document["keys"][0]).thumbprint()


async def test_gateways_that_start_at_once_over_nothing_share_one_beginning(tmp_path: Path) -> None:
    worlds = [world(tmp_path, local=True) for _ in range(3)]
    started = await asyncio.gather(*(one.__aenter__() for one in worlds))
    try:
        for here in started:
            assert here.secret == started[0].secret
            assert await here.call("Unary", b"a") == b"a"
    finally:
        for one in worlds:
            await one.__aexit__(None, None, None)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{overlap: 3600}", "overlap must be at least 3,605 seconds"),
        ("{rotate_every: 14399}", "at least twice the overlap"),
        ("{lifetime: 3601}", "tokens.lifetime"),
        ("{lifetime: 0}", "tokens.lifetime"),
    ],
)
def test_a_schedule_under_which_tokens_outlive_their_key_is_refused(
    tmp_path: Path, text: str, told: str
) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text(f"tokens: {text}")
    with pytest.raises(ConfigError, match=told):
        load(GatewaySettings, file, {}, "SZ_GATEWAY_")
