"""What is looked at of a service: its log, its database, and what readiness makes of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import update

from systemzero_base.telemetry.logs import get_logger
from systemzero_base.work.pool import Pool
from systemzero_evidence.log import LogDiverged, LogStore
from systemzero_evidence.sampler import LogSampler
from systemzero_runtime.operations.sampler import Sampler
from systemzero_storage.database import Database, TenantConnection
from systemzero_storage.database.sampler import StoreSampler
from tests.integration.evidence.signed.test_witness import asked, known
from tests.support.databases import OpenDatabase
from tests.support.logs import METADATA, NOW, TABLES, TENANT, grow, log_on
from tests.support.loops import some_loops
from tests.support.patience import PATIENCE
from tests.support.witness import FakeWitness, Reply, serving_witness


@pytest.fixture
async def database(open_database: OpenDatabase) -> AsyncIterator[Database]:
    opened = open_database(METADATA, 1)
    yield opened
    await opened.close()


def sample(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(f"systemzero_{name}", labels)


async def until(database: Database, good: Callable[[], bool]) -> None:
    """Ask the database until a look found what it should."""
    async with asyncio.timeout(PATIENCE):
        while not good():
            await database.check()


def with_log(name: str, log: LogStore) -> Sampler:
    loops = some_loops()
    return Sampler("test", loops, [LogSampler("test", name, log, loops)])


async def append(database: Database, log: LogStore, tenant: str, time: datetime) -> None:
    def job(own: TenantConnection) -> None:
        log.append(own, "drift.event", {}, time)

    await database.of(tenant).write(job)


async def test_a_census_counts_the_logs_of_all_tenants(database: Database) -> None:
    log = log_on(database)
    assert await log.log_counts() == (0, 0, None, {})
    for tenant, count in (("t1", 3), ("t2", 1), ("é", 2)):
        for number in range(count):
            await append(database, log, tenant, NOW + timedelta(seconds=number))
    assert await log.log_counts() == (3, 6, NOW, {})
    await log.publish_checkpoints()
    assert await log.log_counts() == (3, 6, None, {})
    await append(database, log, "t2", NOW + timedelta(seconds=50))
    await append(database, log, "t1", NOW + timedelta(seconds=40))
    assert await log.log_counts() == (3, 8, NOW + timedelta(seconds=40), {})


async def test_a_census_knows_since_when_a_witness_is_behind(database: Database) -> None:
    with serving_witness(FakeWitness()) as witness, serving_witness(FakeWitness()) as idle:
        witness.trust(log_on(database).vkeys(TENANT)[0])
        log = log_on(database, witnesses=known(witness, idle))
        first, second = (str(each.verifier) for each in (witness, idle))
        await grow(database, log, 3)
        assert (await log.log_counts()).uncosigned_since == {first: None, second: None}
        await asked(log)
        assert (await log.log_counts()).uncosigned_since == {first: None, second: NOW}


async def test_a_log_that_was_altered_makes_its_service_unready(database: Database) -> None:
    log = log_on(database)
    sampler = with_log("evidence", log)
    await grow(database, log, 2)
    await log.publish_checkpoints()
    assert sampler.conditions["test.log"]() == ""
    altered = update(TABLES.entries).where(TABLES.entries.c.position == 1)
    before: Any = await database.read(
        lambda c: c.execute(TABLES.entries.select().order_by(TABLES.entries.c.position)).all()
    )
    await database.write(lambda c: c.execute(altered.values(hashes=b"\0" * 64)) and None)
    await grow(database, log, 1)
    with pytest.raises(LogDiverged):
        await log.publish_checkpoints()
    assert "is damaged" in sampler.conditions["test.log"]()
    sampler.start()
    await until(database, lambda: sample("log_diverged", log="evidence") == 1)
    await until(database, lambda: (sample("log_unsigned_age_seconds", log="evidence") or 0) > 0)
    await database.write(lambda c: c.execute(altered.values(hashes=before[1].hashes)) and None)
    await log.publish_checkpoints()
    assert sampler.conditions["test.log"]() == ""
    await until(database, lambda: sample("log_diverged", log="evidence") == 0)
    await sampler.stop()


async def test_what_a_witness_does_is_seen(database: Database) -> None:
    with serving_witness(FakeWitness()) as witness:
        log = log_on(database, witnesses=known(witness))
        labels = {"log": "witnessed", "witness": witness.verifier.name}
        sampler = with_log("witnessed", log)
        await grow(database, log, 3)
        witness.answer = lambda _body: Reply(409, "7\n", "text/x.tlog.size")
        await asked(log)
        sampler.start()
        await until(database, lambda: sample("log_witness_refused", **labels) == 1)
        late = (datetime.now(UTC) - NOW).total_seconds()
        await until(
            database, lambda: (sample("log_uncosigned_age_seconds", **labels) or 0) > late - 600
        )
        assert sample("log_entries", log="witnessed") == 3
        await sampler.stop()


async def test_a_database_and_the_threads_of_a_service_are_seen(
    database: Database, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"x" * 1000)
    with Pool("seen", 3) as pool:
        loops = some_loops()
        store = StoreSampler("seen", tmp_path, database, get_logger("test"), loops)
        sampler = Sampler("seen", loops, [store], pools=[pool])
        sampler.start()
        await until(database, lambda: sample("database_up", database=database.name) == 1)
        await until(database, lambda: sample("pool_threads", pool="seen") == 3)
        assert sample("pool_tasks", pool="seen") == 0
        assert (sample("data_used_bytes", service="seen") or 0) >= 1000
        assert (sample("data_free_bytes", service="seen") or 0) > 0
        assert sample("database_jobs_waiting", database=database.name) == 0
        assert (sample("database_connections", database=database.name) or 0) >= 2
        before = sample("database_jobs_total", database=database.name) or 0
        await database.write(lambda c: c.execute(TABLES.entries.delete()) and None)
        await until(
            database, lambda: sample("database_jobs_total", database=database.name) == before + 1
        )
        await sampler.stop()
