"""What a loop has in hand when it fails is kept, and what fails holds up nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from systemzero_base.clock import micros
from systemzero_base.telemetry.logs import get_logger
from systemzero_capture.config import RetentionSettings
from systemzero_capture.kept.retention import Collector
from systemzero_capture.kept.settings import KeepingSettings
from systemzero_core.errors import Unauthenticated
from systemzero_evidence.log import LogStore
from systemzero_gateway.audit import Act, AuditLog, AuditQueue, Decided
from systemzero_gateway.backends.backend import Backend
from systemzero_gateway.backends.breaker import BreakerSettings, State
from systemzero_gateway.backends.monitor import Monitor
from systemzero_gateway.backends.retry import RetrySettings
from systemzero_gateway.credentials.lastuse import LastUses
from systemzero_gateway.forwarding.openstreams import OpenStreams
from systemzero_gateway.store import AUDIT, METADATA, SCHEMA_VERSION
from systemzero_gateway.upkeep import Upkeep
from systemzero_runtime.interceptors.chain import Call
from systemzero_runtime.serving.local import LocalChannel, LocalContext
from systemzero_runtime.serving.registry import HandlerRegistry
from systemzero_storage.database import Database, open_sqlite
from tests.support.loops import some_loops, until
from tests.support.patience import PATIENCE
from tests.support.stores import no_events

UNFORESEEN = RuntimeError("nobody foresaw this")


async def fail(*_given: object) -> Any:
    """Fail."""
    raise UNFORESEEN


class Once:
    """A database whose writes fail for as long as it is told to."""

    def __init__(self, real: Database) -> None:
        self._real = real
        self.failing = True
        self.failed = 0

    def of(self, tenant: str) -> Any:
        return self if self.failing else self._real.of(tenant)

    async def write(self, _job: object) -> None:
        self.failed += 1
        raise UNFORESEEN


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = open_sqlite(tmp_path / "gateway.sqlite3", METADATA, SCHEMA_VERSION)
    yield opened
    await opened.close()


def act(number: int) -> Act:
    return Act("acme", f"key_{number}", "/a/B", "192.0.2.1", Decided.ALLOWED, "")


async def test_audit_entries_that_could_not_be_written_come_first_and_once(
    database: Database,
) -> None:
    store = LogStore(database, AUDIT, "test.example/audit", [Ed25519PrivateKey.generate()])
    once: Any = Once(database)
    log = AuditLog(AuditQueue(100, micros), once, store, get_logger("test"), some_loops())
    await log.start()
    for number in range(3):
        log.queue.put(act(number), "192.0.2.1", "")
    await until(lambda: once.failed > 1)
    for number in range(3, 6):
        log.queue.put(act(number), "192.0.2.1", "")
    assert len(log.queue) == 6
    once.failing = False
    await until(lambda: not len(log.queue))
    await log.stop()
    entries = await store.list_entries("acme", 0, 100)
    told = [json.loads(entry.body or b"")["principal"] for entry in entries]
    assert told == [f"key_{number}" for number in range(6)]


async def test_what_waits_for_the_audit_log_is_written_at_the_stop_after_a_failure(
    database: Database,
) -> None:
    store = LogStore(database, AUDIT, "test.example/audit", [Ed25519PrivateKey.generate()])
    once: Any = Once(database)
    log = AuditLog(AuditQueue(100, micros), once, store, get_logger("test"), some_loops())
    await log.start()
    log.queue.put(act(1), "192.0.2.1", "")
    await until(lambda: bool(once.failed))
    once.failing = False
    await log.stop()
    assert len(await store.list_entries("acme", 0, 100)) == 1


async def test_a_chore_that_fails_holds_up_no_other() -> None:
    done = asyncio.Event()

    async def well() -> None:
        done.set()

    upkeep = Upkeep([fail, well], 60.0, get_logger("test"), some_loops())
    upkeep.start()
    await asyncio.wait_for(done.wait(), PATIENCE)
    done.clear()
    await upkeep.stop()
    assert done.is_set()


async def test_uses_of_keys_are_kept_whatever_the_store_raises() -> None:
    class Store:
        noted: dict[str, int] | None = None
        failing = True

        async def note_uses(self, times: dict[str, int]) -> None:
            if self.failing:
                raise UNFORESEEN
            self.noted = times

    store: Any = Store()
    uses = LastUses(store, lambda: 1_000, lambda: 0.0)
    uses.note("key_1", 0.0)
    with pytest.raises(RuntimeError):
        await uses.flush()
    store.failing = False
    await uses.flush()
    assert store.noted == {"key_1": 1_000}


class Authenticator:
    """Knows what is refused and what nobody foresaw."""

    asks_for_certificates = False

    async def known(self, header: str, _certificate: bytes) -> None:
        if header.endswith("revoked"):
            raise Unauthenticated("revoked")
        raise UNFORESEEN


async def test_a_credential_that_can_not_be_judged_saves_no_revoked_one() -> None:
    authenticator: Any = Authenticator()
    streams = OpenStreams(authenticator, some_loops())

    async def stream(credential: str) -> None:
        context: Any = LocalContext((("authorization", credential),), None)
        async with streams.interceptor(Call("/x/Watch", context)):
            await asyncio.Event().wait()

    names = [f"odd {n}" for n in range(5)] + ["revoked"] + [f"strange {n}" for n in range(5)]
    tasks = {name: asyncio.create_task(stream(name)) for name in names}
    await asyncio.sleep(0)
    with pytest.raises(ExceptionGroup):
        await streams.check()
    await asyncio.wait([tasks["revoked"]], timeout=PATIENCE)
    assert [name for name, task in tasks.items() if task.done()] == ["revoked"]
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)


async def test_a_tenant_whose_captures_can_not_be_collected_saves_no_others() -> None:
    class Store:
        collected: tuple[str, ...] = ()

        async def next_tenant(self, after: str) -> str | None:
            return {"": "a", "a": "b", "b": None}[after]

        async def collect(self, tenant: str, _bounds: object) -> int:
            if tenant == "a":
                raise UNFORESEEN
            self.collected += (tenant,)
            return 0

        async def unsettled(self, _tenant: str, _bounds: object) -> list[str]:
            return []

    store: Any = Store()
    settings, originals = RetentionSettings(days=1), KeepingSettings(days=0)
    logger = get_logger("test")
    collector = Collector(store, settings, originals, micros, logger, some_loops(), no_events)
    with pytest.raises(ExceptionGroup):
        await collector.collect()
    assert store.collected == ("b",)


async def test_a_probe_that_fails_closes_no_breaker_for_good() -> None:
    class Channel(LocalChannel):
        failing = True

        def unary_unary(self, method: str, *serialisers: Any, **keywords: Any) -> Any:
            if self.failing:
                raise UNFORESEEN
            return super().unary_unary(method, *serialisers, **keywords)

    channel = Channel(HandlerRegistry())
    backend = Backend(
        "echo",
        channel,
        BreakerSettings(failures=1),
        RetrySettings(),
        get_logger("test"),
    )
    monitor = Monitor(backend, lambda: None)
    for _ in range(2):
        with pytest.raises(RuntimeError):
            await monitor.look()
    states = [backend.breaker.state]
    channel.failing = False
    await monitor.look()
    assert [*states, backend.breaker.state] == [State.OPEN, State.CLOSED]
    assert monitor.serving
