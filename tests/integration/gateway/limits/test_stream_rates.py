"""Every message of a stream is charged: a stream is held back to the rates of whoever has it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from systemzero.gateway.v1 import auth_service_pb2, auth_service_pb2_grpc
from systemzero_gateway.config import DeadlineSettings
from systemzero_gateway.limits import HeldBytes, LimitSettings, Rate
from tests.support.gateway import World, each, refused, sending, world
from tests.support.loops import until
from tests.support.patience import PATIENCE
from tests.support.valkey import real_valkey

PLENTY = Rate(1e6, 100_000)
SLOW = Rate(0.001, 12)
"""So slow that within a test nothing comes back; three units of it are left to calls."""
PASS = 9
"""Messages that streams get through at that rate, that which the opening paid for included."""


def limits(tenant: Rate = SLOW, principal: Rate = PLENTY, **more: Any) -> LimitSettings:
    return LimitSettings(tenant, principal, PLENTY, **more)


class Streaming:
    """A conversation that sends `messages`, all but the first when told to; keeps the answers."""

    def __init__(
        self, here: World, messages: list[bytes], metadata: Any = None, *, goes_on: bool = True
    ) -> None:
        self.answers: list[bytes] = []
        self.goes_on = asyncio.Event()
        if goes_on:
            self.goes_on.set()
        self.call = here.conversation(self._send(messages), metadata)
        self.task = asyncio.create_task(self._read())

    async def _send(self, messages: list[bytes]) -> AsyncIterator[bytes]:
        yield messages[0]
        await self.goes_on.wait()
        for message in messages[1:]:
            yield message

    async def _read(self) -> None:
        async for answer in self.call:
            self.answers.append(answer)

    async def end(self) -> None:
        self.call.cancel()
        with suppress(grpc.aio.AioRpcError, asyncio.CancelledError):
            await self.task


def held(here: World) -> int:
    """How many streams are held back."""
    return here.app.admission.throttle.held


async def are_held(here: World, streams: int = 1) -> None:
    await until(lambda: held(here) == streams)


async def new_key(here: World) -> Any:
    stub: Any = auth_service_pb2_grpc.AuthServiceStub(here.channel)
    key = auth_service_pb2.ApiKey(name="another", role=auth_service_pb2.ROLE_OPERATOR)
    request = auth_service_pb2.CreateApiKeyRequest(api_key=key)
    return here.bearer((await stub.CreateApiKey(request, metadata=here.bearer())).secret)


@pytest.fixture(params=["server", "local"])
def local(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "local")


@pytest.mark.parametrize("message", [b"", b"a"], ids=["empty", "small"])
@pytest.mark.parametrize(
    "of", [limits(), limits(PLENTY, SLOW)], ids=["the tenant's rate", "the principal's rate"]
)
async def test_a_stream_carries_no_more_than_its_rate_and_goes_on_when_it_may(
    tmp_path: Path, local: bool, of: LimitSettings, message: bytes
) -> None:
    async with world(tmp_path, local=local, limits=of) as here:
        stream = Streaming(here, [message] * 40)
        await are_held(here)
        await until(lambda: len(stream.answers) >= PASS)
        assert stream.answers == [message] * PASS
        here.app.reload(limits(PLENTY))
        await asyncio.wait_for(stream.task, PATIENCE)
        assert stream.answers == [message] * 40
        assert not held(here)


async def test_a_stream_of_one_message_costs_what_the_call_costs_and_calls_go_on_beside_streams(
    tmp_path: Path, local: bool
) -> None:
    async with world(tmp_path, local=local, limits=limits()) as here:
        for _ in range(3):
            assert await each(here.call("Both", sending(b"a"))) == [b"a"]
        stream = Streaming(here, [b"a"] * 40)
        await are_held(here)
        await until(lambda: len(stream.answers) >= PASS - 3)
        assert len(stream.answers) == PASS - 3
        for _ in range(3):  # what streams leave
            assert await here.call("Unary", b"a") == b"a"
        _, reason, _ = await refused(here.call("Unary", b"a"))
        assert reason == "RATE_LIMITED"
        await stream.end()


async def test_streams_of_a_tenant_share_its_rate_and_take_turns(
    tmp_path: Path, local: bool
) -> None:
    of = limits(Rate(0.001, 36))  # nine of these are left to calls
    async with world(tmp_path, local=local, limits=of) as here:
        other = await new_key(here)  # takes five
        principals = [None] * 6 + [other] * 2
        streams = [Streaming(here, [b"a"] * 40, who, goes_on=False) for who in principals]

        def count() -> int:
            return sum(len(stream.answers) for stream in streams)

        await until(lambda: count() == 8)
        for stream in streams:
            stream.goes_on.set()
        await are_held(here, 8)
        await until(lambda: count() >= 22)
        assert count() == 22
        here.app.reload(limits(Rate(60_000, 36)))
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(stream.task for stream in streams))
        assert count() == 8 * 40


async def test_a_principal_that_has_used_up_its_rate_holds_up_nobody_else(
    tmp_path: Path, local: bool
) -> None:
    async with world(tmp_path, local=local, limits=limits(PLENTY, SLOW)) as here:
        other = await new_key(here)
        loud = Streaming(here, [b"a"] * 40)
        await are_held(here)
        quiet = Streaming(here, [b"b"] * PASS, other)
        await asyncio.wait_for(quiet.task, PATIENCE)
        assert len(quiet.answers) == PASS
        assert held(here) == 1
        await loud.end()


async def test_a_larger_message_costs_more(tmp_path: Path, local: bool) -> None:
    async with world(tmp_path, local=local, limits=limits(unit_bytes=1_000)) as here:
        stream = Streaming(here, [b"x" * 3_001] * 9)  # four units each
        await are_held(here)
        await until(lambda: len(stream.answers) >= 2)
        assert len(stream.answers) == 2
        await stream.end()


async def test_a_stream_of_responses_takes_a_unit_for_so_many_bytes_or_messages(
    tmp_path: Path, local: bool
) -> None:
    async with world(tmp_path, local=local, limits=limits(unit_bytes=100_000)) as here:
        call = here.call("List", b" ".join([b"big"] * 20))  # 100,000 bytes each
        answers = []

        async def read() -> None:
            async for answer in call:
                answers.append(answer)  # noqa: PERF401 - looked at meanwhile

        task = asyncio.create_task(read())
        await are_held(here)
        await until(lambda: len(answers) >= PASS)
        assert len(answers) == PASS
        call.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_what_is_held_back_ends_at_the_deadline(tmp_path: Path, local: bool) -> None:
    deadlines = DeadlineSettings(stream=1.0)
    async with world(tmp_path, local=local, limits=limits(), deadlines=deadlines) as here:
        stream = Streaming(here, [b"a"] * 40)
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await asyncio.wait_for(stream.task, PATIENCE)
        assert error.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert len(stream.answers) == PASS
        await until(lambda: not held(here))


async def test_what_is_held_back_ends_when_its_client_is_gone(tmp_path: Path, local: bool) -> None:
    async with world(tmp_path, local=local, limits=limits()) as here:
        stream = Streaming(here, [b"a"] * 40)
        await are_held(here)
        await stream.end()
        async with asyncio.timeout(PATIENCE):
            await until(lambda: not held(here))
            await until(lambda: not len(here.app.admission.streams))


async def test_what_is_held_back_is_told_to_go_at_a_drain(tmp_path: Path, local: bool) -> None:
    async with world(tmp_path, local=local, limits=limits()) as here:
        stream = Streaming(here, [b"a"] * 40)
        await are_held(here)
        await asyncio.wait_for(here.app.stop(600), PATIENCE)
        code, reason, _ = await refused(stream.task)
        assert (code, reason) == (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")
        assert len(stream.answers) == PASS


async def test_what_is_held_back_ends_with_its_credential(tmp_path: Path, local: bool) -> None:
    async with world(tmp_path, local=local, limits=limits(PLENTY, SLOW)) as here:
        stub: Any = auth_service_pb2_grpc.AuthServiceStub(here.channel)
        key = auth_service_pb2.ApiKey(name="another", role=auth_service_pb2.ROLE_OPERATOR)
        made = await stub.CreateApiKey(
            auth_service_pb2.CreateApiKeyRequest(api_key=key), metadata=here.bearer()
        )
        stream = Streaming(here, [b"a"] * 40, here.bearer(made.secret))
        await are_held(here)
        revoke = auth_service_pb2.RevokeApiKeyRequest(key_id=made.api_key.key_id)
        await stub.RevokeApiKey(revoke, metadata=here.bearer())
        code, _, _ = await asyncio.wait_for(refused(stream.task), PATIENCE)
        assert code is grpc.StatusCode.UNAUTHENTICATED
        await until(lambda: not held(here))


async def test_what_streams_hold_together_is_bounded(tmp_path: Path, local: bool) -> None:
    size = 90_000
    of = limits(held_bytes=8 * size + 400)  # two of them of one tenant, and what is small
    async with world(tmp_path, local=local, limits=of) as here:
        small = Streaming(here, [b"a"] * 40)
        await are_held(here)
        account = here.app.admission.held = HeldBytes(of.held_bytes, seconds=0.1)
        streams = [Streaming(here, [b"x" * size] * 3) for _ in range(3)]
        done, _ = await asyncio.wait(
            [stream.task for stream in streams], return_when=asyncio.FIRST_EXCEPTION
        )
        (task,) = done
        code, reason, details = await refused(task)
        assert (code, reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED")
        assert details["RetryInfo"].retry_delay.ToMilliseconds() > 0
        assert len(account) == 2 * size
        for stream in [small, *streams]:
            await stream.end()
        await until(lambda: not len(account))


@pytest.mark.parametrize("policy", ["deny", "local"])
async def test_while_the_shared_store_is_away_streams_keep_to_what_calls_keep_to(
    tmp_path: Path, local: bool, policy: Any
) -> None:
    with real_valkey() as valkey:
        of = limits(store=valkey.url, store_timeout=5, on_store_failure=policy)
        async with world(tmp_path, local=local, limits=of) as here:
            stream = Streaming(here, [b"a"] * 40)
            await are_held(here)
            assert len(stream.answers) <= PASS
            valkey.stop()
            if policy == "deny":
                code, reason, _ = await asyncio.wait_for(refused(stream.task), PATIENCE)
                assert (code, reason) == (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")
            else:  # full buckets of the gateway's own: as many again, and one that waited
                await until(lambda: len(stream.answers) >= 2 * PASS)
                assert len(stream.answers) == 2 * PASS
                await are_held(here)
            await stream.end()
        valkey.restart()


async def test_a_stream_that_is_held_back_takes_no_more_than_a_window_of_its_client(
    tmp_path: Path, local: bool
) -> None:
    async with world(tmp_path, local=local, limits=limits(PLENTY, SLOW)) as here:
        other, sent = await new_key(here), 0

        async def flood() -> AsyncIterator[bytes]:
            nonlocal sent
            for _ in range(4_000):
                yield b"x" * 1_000
                sent += 1

        call = here.conversation(flood(), other)
        task = asyncio.create_task(each(call))
        await are_held(here)
        check: Any = health_pb2_grpc.HealthStub(here.channel).Check
        for _ in range(1_000):  # over the same connection: bytes that may come have come by then
            await check(health_pb2.HealthCheckRequest())
        assert sent < 1_000
        call.cancel()
        await asyncio.gather(task, return_exceptions=True)
