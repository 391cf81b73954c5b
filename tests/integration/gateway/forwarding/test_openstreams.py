"""Streams and the credentials that opened them, by a clock of the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from systemzero_core.errors import Unauthenticated
from systemzero_gateway.forwarding.openstreams import OpenStreams
from systemzero_gateway.store import METADATA, SCHEMA_VERSION
from systemzero_runtime.interceptors.chain import Call
from systemzero_runtime.serving.local import LocalContext
from systemzero_storage.database import open_sqlite
from tests.support.house import ADMIN, House
from tests.support.loops import some_loops


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    database = open_sqlite(tmp_path / "gateway.sqlite3", METADATA, SCHEMA_VERSION)
    here = House(database)
    await here.open()
    yield here
    await database.close()


class Streams:
    """Streams that never end by themselves."""

    def __init__(self, house: House) -> None:
        self.open = OpenStreams(house.authenticator, some_loops())

    async def start(self, credential: str) -> asyncio.Task[None]:
        metadata = (("authorization", f"Bearer {credential}"),)
        context: Any = LocalContext(metadata, None)
        begun = asyncio.Event()

        async def stream() -> None:
            async with self.open.interceptor(Call("/x/Watch", context)):
                begun.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(stream())
        await begun.wait()
        return task

    async def ends(self, task: asyncio.Task[None]) -> bool:
        await self.open.check()
        await asyncio.wait([task], timeout=0)
        if not task.done():
            return False
        with pytest.raises(Unauthenticated):
            await task
        return True


async def test_a_stream_ends_with_its_tokens_life(house: House) -> None:
    _, secret = await house.new_key()
    token, claims = await house.tokens.issue(await house.knock(secret), None, ())
    streams = Streams(house)
    by_key, by_token = await streams.start(secret), await streams.start(token)
    house.now = claims.exp - 0.1
    assert not await streams.ends(by_token)
    house.now = claims.exp
    assert await streams.ends(by_token)
    assert not await streams.ends(by_key)
    by_key.cancel()


async def test_a_stream_ends_with_its_revoked_token_and_others_go_on(house: House) -> None:
    _, secret = await house.new_key()
    caller = await house.knock(secret)
    tokens = [(await house.tokens.issue(caller, None, ()))[0] for _ in range(2)]
    streams = Streams(house)
    one, other = [await streams.start(token) for token in tokens]
    twin = await streams.start(tokens[0])
    await house.tokens.revoke(ADMIN, tokens[0], "")
    house.now += 0.5
    assert await streams.ends(one)
    assert await streams.ends(twin)
    assert not await streams.ends(other)
    other.cancel()


async def test_an_unreachable_store_ends_no_stream_and_one_that_is_cancelled_is_cancelled(
    house: House,
) -> None:
    _, secret = await house.new_key()
    streams = Streams(house)
    task = await streams.start(secret)
    await house.database.close()
    house.now += 10
    assert not await streams.ends(task)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
