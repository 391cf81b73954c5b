"""Every background loop, killed by an error that nobody foresaw, comes back and does its work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from systemzero.gateway.v1 import (
    audit_service_pb2,
    audit_service_pb2_grpc,
    auth_service_pb2,
    auth_service_pb2_grpc,
)
from systemzero_base.telemetry.logs import LogSettings
from systemzero_base.work.background import Background
from systemzero_base.work.streak import MOST_FAILURES
from systemzero_capture.config import CaptureSettings, RetentionSettings
from systemzero_diff.config import DiffSettings
from systemzero_evidence.log import Witness
from systemzero_gateway.audit.settings import AuditSettings
from systemzero_gateway.config import GatewaySettings
from systemzero_gateway.limits import LimitSettings
from systemzero_runtime.operations.ops import OpsSettings, operated
from systemzero_standalone.app import StandaloneApp
from systemzero_standalone.config import StandaloneSettings
from tests.support.gateway import LAVISH, World, refused, world
from tests.support.logging import logging_as
from tests.support.loops import kill, loop_named, some_loops, until
from tests.support.metrics import sample
from tests.support.patience import PATIENCE
from tests.support.valkey import RealValkey, real_valkey
from tests.support.witness import FakeWitness, serving_witness

LOOPS = {
    "gateway": {
        "audit_writer",
        "audit_signer",
        "witness.witness.example/w1",
        "backend.capture",
        "backend.diff",
        "limits",
        "streams",
        "upkeep",
        "sampler",
        "store",
        "census",
    },
    "capture": {"retention", "erasures", "sampler", "store", "usage", "notifier"},
    "diff": {
        "checkpoints",
        "counts",
        "pairing",
        "witness.witness.example/w1",
        "sampler",
        "store",
        "census",
        "usage",
        "notifier",
    },
    "standalone": {"lanes"},
    "test": {"beat", "exemplars"},
}
ERRORS: list[Callable[[], BaseException]] = [
    lambda: RuntimeError("nobody foresaw this"),
    lambda: KeyError("x"),
    asyncio.CancelledError,  # of something that the loop waits for
]


@pytest.fixture(autouse=True)
def log(tmp_path: Path) -> Iterator[None]:
    with logging_as(LogSettings(output=str(tmp_path / "log"))):
        yield


@pytest.fixture(scope="module")
def valkey() -> Iterator[RealValkey]:
    with real_valkey() as server:
        yield server


@asynccontextmanager
async def everything(data: Path, store: str, witness: Witness) -> AsyncIterator[list[Background]]:
    """The loops of a standalone process in which all that can be on is on."""
    settings = StandaloneSettings(
        data=data,
        gateway=GatewaySettings(
            limits=LimitSettings(store=store, store_timeout=5.0),
            audit=AuditSettings(witnesses=(witness,)),
        ),
        capture=CaptureSettings(retention=RetentionSettings(days=1)),
        diff=DiffSettings(witnesses=(witness,)),
    )
    app, own = StandaloneApp(settings), some_loops()
    nowhere = OpsSettings(listen="", channelz="")
    async with operated("standalone", nowhere, app.readiness, own):
        await app.start("127.0.0.1:0")
        # else it is with the first failure of the store
        loop_named("gateway.limits", app.loops).start()
        yield [*app.loops, *own]
        await app.stop(0)


async def comes_back(loop: Background) -> None:
    for error in ERRORS:
        await kill(loop, error())
        await until(lambda: not loop.streak.failures)


async def test_every_loop_comes_back_after_whatever_ends_its_round(
    tmp_path: Path, valkey: RealValkey
) -> None:
    with serving_witness(FakeWitness()) as served:
        witness = Witness(served.url, str(served.verifier))
        async with everything(tmp_path, valkey.url, witness) as loops:
            assert {loop.name for loop in loops} == {
                f"{service}.{name}" for service, names in LOOPS.items() for name in names
            }
            tasks = {t.get_name() for t in asyncio.all_tasks() if not is_of_a_round(t)}
            await asyncio.gather(*map(comes_back, loops))
            assert tasks <= {task.get_name() for task in asyncio.all_tasks()}


async def test_whatever_runs_beside_calls_is_a_loop(tmp_path: Path, valkey: RealValkey) -> None:
    before = asyncio.all_tasks()
    with serving_witness(FakeWitness()) as served:
        witness = Witness(served.url, str(served.verifier))
        async with everything(tmp_path, valkey.url, witness) as loops:
            names = {loop.name for loop in loops}
            for loop in loops:
                await until(lambda loop=loop: loop.streak.rounds > 0)  # type: ignore[misc]
                strangers = {
                    repr(task)
                    for task in asyncio.all_tasks() - before
                    if task.get_name() not in names and not is_of_a_round(task)
                }
                assert strangers == set()


_OF_ROUNDS = (
    *("grpc", "_accept", "_drain", "AioServer", "_append"),
    *("wait_for_state_change", "Backend._ask"),  # a monitor's
)


def is_of_a_round(task: asyncio.Task[Any]) -> bool:
    """Whether it is grpc's own, or belongs to what a loop waits for."""
    text = repr(task)
    return any(part in text for part in _OF_ROUNDS)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, local=True, limits=LAVISH) as running:
        yield running


async def killed(here: World, name: str) -> None:
    await kill(loop_named(name, here.app.loops), RuntimeError("nobody foresaw this"))


def auth(here: World) -> Any:
    return auth_service_pb2_grpc.AuthServiceStub(here.channel)


async def new_key(here: World) -> Any:
    key = auth_service_pb2.ApiKey(name="of a test", role=auth_service_pb2.ROLE_ADMIN)
    request = auth_service_pb2.CreateApiKeyRequest(api_key=key)
    return await auth(here).CreateApiKey(request, metadata=here.bearer())


async def test_what_is_done_after_the_audit_writer_failed_is_recorded(here: World) -> None:
    await killed(here, "gateway.audit_writer")
    await new_key(here)
    stub = audit_service_pb2_grpc.AuditServiceStub(here.channel)
    async with asyncio.timeout(PATIENCE):
        while True:
            request = audit_service_pb2.ListEntriesRequest(page_size=100)
            listed = await stub.ListEntries(request, metadata=here.bearer())
            if any(b"CreateApiKey" in entry.body for entry in listed.entries):
                break


async def test_a_revoked_key_loses_its_streams_after_the_look_at_them_failed(here: World) -> None:
    made = await new_key(here)
    stream = here.call("Both", None, here.bearer(made.secret))
    await stream.write(b"a")
    assert await stream.read() == b"a"
    await killed(here, "gateway.streams")
    revoke = auth_service_pb2.RevokeApiKeyRequest(key_id=made.api_key.key_id)
    await auth(here).RevokeApiKey(revoke, metadata=here.bearer())
    code, _, _ = await refused(asyncio.wait_for(stream.read(), PATIENCE))
    assert code is grpc.StatusCode.UNAUTHENTICATED


async def test_the_limits_hold_again_after_their_probe_failed(tmp_path: Path) -> None:
    with real_valkey() as server:
        limits = LimitSettings(store=server.url, store_timeout=5.0)
        async with world(tmp_path, local=True, limits=limits) as here:
            assert await here.call("Unary", b"a") == b"a"
            server.stop()
            code, _, _ = await refused(here.call("Unary", b"a"))
            assert code is grpc.StatusCode.UNAVAILABLE
            await killed(here, "gateway.limits")
            server.restart()
            await until(lambda: not sample("systemzero_gateway_limit_store_away"))
            assert await here.call("Unary", b"a") == b"a"


async def test_a_backend_is_seen_to_come_and_go_after_the_look_at_it_failed(
    tmp_path: Path,
) -> None:
    async with world(tmp_path, local=False) as here:
        assert not here.app.readiness.failing()
        await killed(here, "gateway.backend.echo")
        await here.stop_backend()
        await until(lambda: "gateway.backends" in here.app.readiness.failing())


async def test_a_vital_loop_that_keeps_failing_makes_the_gateway_unready(here: World) -> None:
    loop = loop_named("gateway.audit_writer", here.app.loops)
    for _ in range(MOST_FAILURES):
        await kill(loop, RuntimeError("a secret"))
    assert here.app.readiness.failing() == {
        "gateway.loops": "the background loop gateway.audit_writer fails again and again: "
        "RuntimeError"
    }
    await until(lambda: not here.app.readiness.failing())


async def test_upkeep_that_keeps_failing_is_no_reason_to_take_no_calls(here: World) -> None:
    loop = loop_named("gateway.upkeep", here.app.loops)
    for _ in range(MOST_FAILURES):
        await kill(loop, RuntimeError())
    assert loop.streak.failing
    assert not here.app.readiness.failing()
