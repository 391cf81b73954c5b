"""A backend that comes back is reached by the first call after it said that it serves."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import grpc
import pytest
from prometheus_client import REGISTRY

from scripts.run_split import free_port
from systemzero_base.telemetry.observed import ClientSpan
from systemzero_gateway.backends import backend, monitor
from systemzero_gateway.backends.breaker import BreakerSettings, State
from systemzero_runtime.calls.asking import ask
from systemzero_runtime.running.channels import service_channel
from tests.integration.gateway.backends.test_backends import NOT_SERVING, SERVICE_BEHIND, until
from tests.support.gateway import SERVICE, World, refused, world
from tests.support.replica import replica, several

ROUNDS = 5
FOR_EVER = BreakerSettings(patience=1_000)
"""Whoever is refused with this was refused at once."""
LONG = 60.0


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor, "INTERVAL", 0.02)
    monkeypatch.setattr(backend, "PROBE_SECONDS", 0.2)


def breaker() -> State:
    found = REGISTRY.get_sample_value("systemzero_gateway_breaker_state", {"backend": "echo"})
    return State(int(found or 0))


async def until_given_up(here: World) -> None:
    """Call until the breaker is open: by then the pauses between tries are the longest."""
    while breaker() is not State.OPEN:
        code, _, _ = await refused(here.call("Unary", b"", timeout=LONG))
        assert code is grpc.StatusCode.UNAVAILABLE


async def test_the_first_call_after_it_serves_is_answered(tmp_path: Path) -> None:
    port = free_port()
    async with world(tmp_path, local=False, target=several(port), breaker=FOR_EVER) as here:
        for _ in range(ROUNDS):
            await until_given_up(here)
            async with replica("one", port) as one:
                assert await here.call("Unary", b"", timeout=LONG) == b"one"
                assert await here.call("Unary", b"", timeout=LONG) == b"one"
                await one.kill()


async def test_everybody_who_calls_at_that_moment_is_answered(tmp_path: Path) -> None:
    port = free_port()
    async with world(tmp_path, local=False, target=several(port), breaker=FOR_EVER) as here:
        await until_given_up(here)
        async with replica("one", port):
            calls = (here.call("Unary", b"", timeout=LONG) for _ in range(50))
            assert await asyncio.gather(*calls) == [b"one"] * 50


async def test_another_service_reaches_it_with_its_first_call(tmp_path: Path) -> None:
    port = free_port()
    async with service_channel(several(port)) as channel:
        rpc = channel.unary_unary(f"/{SERVICE}/Unary", None, None)
        for _ in range(ROUNDS):
            async with replica("one", port) as one:
                client_span = ClientSpan(f"/{SERVICE}/Unary", "echo")
                assert await ask(channel, rpc, b"", client_span, "token", LONG) == b"one"
                await one.kill()
            while channel.get_state() is not grpc.ChannelConnectivity.TRANSIENT_FAILURE:
                await channel.wait_for_state_change(channel.get_state())


@pytest.mark.usefixtures("_quick")
async def test_one_that_wakes_up_answers_those_who_waited(tmp_path: Path) -> None:
    async with (
        replica("one") as one,
        world(tmp_path, local=False, target=several(one.port), breaker=FOR_EVER) as here,
    ):
        assert await here.call("Unary", b"") == b"one"
        one.send(signal.SIGSTOP)
        await until(here, SERVICE_BEHIND, NOT_SERVING)
        waiting = [asyncio.ensure_future(here.call("Unary", b"", timeout=LONG)) for _ in range(10)]
        one.send(signal.SIGCONT)
        assert await asyncio.gather(*waiting) == [b"one"] * 10


@pytest.mark.usefixtures("_quick")
async def test_no_more_wait_for_one_that_is_silent_than_may(tmp_path: Path) -> None:
    few = BreakerSettings(patience=1_000, waiting=3)
    async with (
        replica("one") as one,
        world(tmp_path, local=False, target=several(one.port), breaker=few) as here,
    ):
        assert await here.call("Unary", b"") == b"one"
        one.send(signal.SIGSTOP)
        await until(here, SERVICE_BEHIND, NOT_SERVING)
        calls = [asyncio.ensure_future(here.call("Unary", b"", timeout=LONG)) for _ in range(10)]
        waiting = set(calls)
        while len(waiting) > few.waiting:
            over, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for call in over:
                code, reason, _ = await refused(call)
                assert (code, reason) == (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")
        one.send(signal.SIGCONT)
        assert await asyncio.gather(*waiting) == [b"one"] * few.waiting
