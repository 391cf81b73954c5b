"""Limits that gateways share through a real Valkey, and what holds while it is away."""

from __future__ import annotations

import asyncio
import multiprocessing
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from redis.asyncio import Redis

from systemzero_base.telemetry.logs import get_logger
from systemzero_core.errors import Unavailable
from systemzero_gateway.limits import Bucket, LimitSettings, MemoryLimits, Rate
from systemzero_gateway.limits.shared import SharedLimits
from systemzero_gateway.limits.valkey import PREFIX, ValkeyLimits
from tests.support.certificates import Authority, write
from tests.support.gate import Gate, gate_before
from tests.support.gateway import refused, world
from tests.support.loops import some_loops, until
from tests.support.patience import PATIENCE
from tests.support.valkey import SLOW, RealValkey, limits_in, many_calls, real_valkey


@pytest.fixture(scope="module")
def shared_server() -> Iterator[RealValkey]:
    with real_valkey() as server:
        yield server


@pytest.fixture
def valkey(shared_server: RealValkey) -> RealValkey:
    async def empty() -> None:
        async with Redis.from_url(shared_server.url) as client:
            await client.flushall()

    asyncio.run(empty())
    return shared_server


async def test_it_decides_as_the_limiter_in_memory_does(valkey: RealValkey) -> None:
    memory = MemoryLimits(lambda: 1_000.0)
    buckets = [Bucket("{a}", Rate(0.001, 9)), Bucket("{a}:b", Rate(0.002, 6))]
    async with limits_in(valkey) as shared:
        for cost in (1, 4, 3, 1, 2, 1, 50, 1):
            theirs, ours = await shared.take(buckets, cost), await memory.take(buckets, cost)
            assert [answer[:3] for answer in theirs] == [answer[:3] for answer in ours]
            for mine, other in zip(ours, theirs, strict=True):
                # Valkey's clock goes on, in microseconds; an interval here is half a day or more
                assert other.retry_after == pytest.approx(mine.retry_after, abs=60)
                assert other.reset == pytest.approx(mine.reset, abs=60)


async def test_what_stays_for_others_is_left_as_it_is_in_memory(valkey: RealValkey) -> None:
    memory = MemoryLimits(lambda: 1_000.0)
    all_of_it, sparing = Bucket("{a}", Rate(0.001, 9)), Bucket("{a}", Rate(0.001, 9), 3)
    async with limits_in(valkey) as shared:
        for bucket in [sparing] * 7 + [all_of_it] * 2 + [sparing, all_of_it, all_of_it]:
            (theirs,), (ours,) = await shared.take([bucket], 1), await memory.take([bucket], 1)
            assert theirs[:3] == ours[:3]
            assert theirs.retry_after == pytest.approx(ours.retry_after, abs=60)


async def test_a_raised_limit_forgets_what_was_owed_under_the_old_one(valkey: RealValkey) -> None:
    raised = [Bucket("{a}", Rate(60_000, 10))]  # a unit a millisecond
    async with limits_in(valkey) as shared:
        await shared.take([Bucket("{a}", Rate(0.001, 9))], 9)
        (refused_once,) = await shared.take(raised, 10)
        assert (refused_once.allowed, refused_once.remaining) == (False, 0)
        assert refused_once.retry_after <= 0.01
        async with asyncio.timeout(PATIENCE):
            while not (await shared.take(raised, 10))[0].allowed:
                pass


async def test_from_a_full_bucket_any_call_passes_and_takes_all(valkey: RealValkey) -> None:
    async with limits_in(valkey) as shared:
        (decision,) = await shared.take([Bucket("{a}", SLOW)], 1_000)
        assert (decision.allowed, decision.remaining) == (True, 0)


async def test_a_full_bucket_leaves_no_key(valkey: RealValkey) -> None:
    async with limits_in(valkey) as shared, Redis.from_url(valkey.url) as client:
        await shared.take([Bucket("{a}", Rate(60, 40)), Bucket("{a}:b", Rate(60_000, 40))], 2)
        # until the bucket is full, two seconds at most, and a millisecond for good measure
        assert 0 < await client.pttl(f"{PREFIX}{{a}}") <= 2_002
        assert await client.pttl(f"{PREFIX}{{a}}:b") <= 3


async def test_a_script_that_was_lost_is_loaded_again(valkey: RealValkey) -> None:
    async with limits_in(valkey) as shared, Redis.from_url(valkey.url) as client:
        await shared.take([Bucket("{a}", SLOW)], 1)
        await client.script_flush()
        assert (await shared.take([Bucket("{a}", SLOW)], 1))[0].remaining == 38


def test_two_processes_over_one_store_keep_one_limit(valkey: RealValkey) -> None:
    spawn = multiprocessing.get_context("spawn")
    passed, calls = spawn.Queue(), 300
    workers = [spawn.Process(target=many_calls, args=(valkey.url, calls, passed)) for _ in "12"]
    for worker in workers:
        worker.start()
    counts = Counter(passed.get(timeout=PATIENCE) for _ in range(2 * calls))
    for worker in workers:
        worker.join()
    assert counts["{t}:a"] + counts["{t}:b"] == 50
    assert max(counts["{t}:a"], counts["{t}:b"]) <= 40


class Shared:
    """Limits over a Valkey that comes and goes."""

    def __init__(self, url: str, *, local: bool, timeout: float = PATIENCE) -> None:
        self.fallback = MemoryLimits(time.monotonic) if local else None
        self.store = ValkeyLimits(url, None, timeout)
        self.limits = SharedLimits(self.store, self.fallback, get_logger("test"), some_loops())

    async def take(self) -> int:
        return (await self.limits.take([Bucket("{a}", SLOW)], 1))[0].remaining

    async def until_back(self) -> None:
        await until(lambda: not self.limits.is_away)


async def test_deny_refuses_while_the_store_is_away_and_recovers_by_itself() -> None:
    with real_valkey() as server:
        shared = Shared(server.url, local=False)
        assert await shared.take() == 39
        server.stop()
        for _ in range(3):
            with pytest.raises(Unavailable, match="can't be checked"):
                await shared.take()
        server.restart()
        await shared.until_back()
        assert await shared.take() == 39
        await shared.limits.close()


async def test_local_keeps_the_limits_alone_while_the_store_is_away() -> None:
    with real_valkey() as server:
        shared = Shared(server.url, local=True)
        assert await shared.take() == 39
        assert await shared.take() == 38
        server.stop()
        assert [await shared.take() for _ in range(3)] == [39, 38, 37]
        server.restart()
        await shared.until_back()
        assert await shared.take() == 39
        await shared.limits.close()


async def test_a_store_that_hangs_costs_its_time_out_once() -> None:
    with real_valkey() as server:
        shared = Shared(server.url, local=True)
        assert await shared.take() == 39
        shared.store._timeout = 0.2
        with server.hanging():
            first = await asyncio.gather(*(shared.take() for _ in range(20)))
            assert sorted(first) == list(range(20, 40))
            assert shared.limits.is_away
        shared.store._timeout = PATIENCE
        await shared.until_back()
        assert await shared.take() in range(
            18, 39
        )  # what was asked while it hung may have been taken
        await shared.limits.close()


@asynccontextmanager
async def tls_before(server: RealValkey, folder: Path) -> AsyncIterator[tuple[Gate, str]]:
    """A gate before TLS before `server`, and the URL of that."""
    authority = Authority()
    ca = folder / "ca.pem"
    ca.write_bytes(authority.pem)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*write(folder, *authority.issue()))
    async with (
        gate_before("127.0.0.1", server.port, context) as end,
        gate_before("127.0.0.1", end.port) as gate,
    ):
        yield gate, f"rediss://127.0.0.1:{gate.port}?ssl_ca_certs={ca}"


@pytest.mark.parametrize("idle", [0, 1, 4], ids="{} idle connections".format)
async def test_a_store_that_hangs_below_tls_is_found_again(
    valkey: RealValkey, tmp_path: Path, idle: int
) -> None:
    async with tls_before(valkey, tmp_path) as (gate, url):
        shared = Shared(url, local=False)
        await asyncio.gather(*(shared.take() for _ in range(idle)))
        shared.store._timeout = 1.0
        with gate.shut():
            for _ in range(3):
                with pytest.raises(Unavailable, match="can't be checked"):
                    await shared.take()
            asked = gate.connections
            await until(lambda: gate.connections > asked + 1)
        shared.store._timeout = PATIENCE
        await shared.until_back()
        assert await shared.take() in range(32, 40)
        await shared.limits.close()


async def test_limits_are_closed_while_their_store_hangs_below_tls(
    valkey: RealValkey, tmp_path: Path
) -> None:
    async with tls_before(valkey, tmp_path) as (gate, url):
        shared = Shared(url, local=False, timeout=1.0)
        assert await shared.take() == 39
        with gate.shut():
            await shared.limits.close()


@pytest.fixture
def limits(valkey: RealValkey) -> LimitSettings:
    return LimitSettings(SLOW, SLOW, store=valkey.url, store_timeout=5.0)


async def test_two_gateways_over_one_store_keep_one_limit(
    tmp_path: Path, limits: LimitSettings
) -> None:
    async with (
        world(tmp_path, local=True, limits=limits) as one,
        world(tmp_path, local=True, limits=limits) as other,
    ):
        calls = [here.call("Unary", b"a") for _ in range(40) for here in (one, other)]
        outcomes = Counter(
            "passed" if isinstance(answer, bytes) else answer.code()
            for answer in await asyncio.gather(*calls, return_exceptions=True)
            if isinstance(answer, bytes | grpc.aio.AioRpcError)
        )
    assert outcomes == {"passed": 40, grpc.StatusCode.RESOURCE_EXHAUSTED: 40}


@pytest.mark.parametrize("policy", ["deny", "local"])
async def test_a_gateway_does_as_it_was_told_while_the_store_is_away(
    tmp_path: Path, policy: Any
) -> None:
    with real_valkey() as server:
        limits = LimitSettings(SLOW, SLOW, store=server.url, on_store_failure=policy)
        async with world(tmp_path, local=True, limits=limits) as here:
            server.stop()
            if policy == "local":
                assert await here.call("Unary", b"a") == b"a"
            else:
                code, reason, details = await refused(here.call("Unary", b"a"))
                assert (code, reason) == (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")
                assert details["ErrorInfo"].metadata["part"] == "limits"
                assert str(server.port) not in await _told(here.call("Unary", b"a"))
            server.restart()
            limiter: Any = here.app._limits
            await until(lambda: not limiter.is_away)
            assert await here.call("Unary", b"a") == b"a"


async def _told(call: Any) -> str:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return str(error.details())
    raise AssertionError("the call was answered")


async def test_a_password_comes_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "valkey.password"
    secret.touch(0o600)
    secret.write_text("correct horse\n")
    with real_valkey() as server:
        async with Redis.from_url(server.url) as client:
            await client.config_set("requirepass", "correct horse")
        limits = LimitSettings(store=server.url, store_password_file=secret, store_timeout=5.0)
        async with world(tmp_path / "data", local=True, limits=limits) as here:
            assert await here.call("Unary", b"a") == b"a"
        secret.write_text("wrong")
        async with world(tmp_path / "data", local=True, limits=limits) as here:
            _, reason, _ = await refused(here.call("Unary", b"a"))
            assert reason == "UNAVAILABLE"
