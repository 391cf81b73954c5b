"""The audit log over every database: what is written, once, by one gateway and by two."""

from __future__ import annotations

import asyncio
import io
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import update

from systemzero_base.clock import micros
from systemzero_base.telemetry.logs import get_logger
from systemzero_client.offline import verify_export_file
from systemzero_core.errors import DataCorrupted, FailedPrecondition
from systemzero_core.tlog import (
    ERASURE_KIND,
    LogVerificationError,
    VerifierKey,
    digest_of,
    format_time,
    leaf_hash_of,
    parse_checkpoint,
    sign_rotation,
    verify_export,
)
from systemzero_evidence.log import LogStore, Witness
from systemzero_gateway.admin.check import check_service
from systemzero_gateway.audit import Act, AuditLog, AuditQueue, Decided
from systemzero_gateway.audit.opening import open_audit
from systemzero_gateway.audit.retention import RefusalRetention
from systemzero_gateway.audit.settings import AuditSettings
from systemzero_gateway.store import AUDIT, METADATA, SCHEMA_VERSION
from systemzero_storage.database import Database, open_sqlite
from tests.support.databases import OpenDatabase
from tests.support.loops import some_loops
from tests.support.patience import PATIENCE
from tests.support.witness import FakeWitness, serving_witness

TENANTS = ("acme", "platform")


def gateway(database: Database, key: Ed25519PrivateKey) -> AuditLog:
    """The audit log as one gateway over `database` has it."""
    store = LogStore(database, AUDIT, "test.example/audit", [key])
    return AuditLog(AuditQueue(1_000, micros), database, store, get_logger("test"), some_loops())


def act(tenant: str, number: int) -> Act:
    decision = Decided.DENIED if number % 2 else Decided.ALLOWED
    return Act(tenant, f"key_{number}", "/a/B", "192.0.2.1", decision, "")


async def test_two_gateways_write_one_log_for_each_tenant(open_database: OpenDatabase) -> None:
    database, key = open_database(METADATA, SCHEMA_VERSION), Ed25519PrivateKey.generate()
    gateways = [gateway(database, key) for _ in range(2)]
    try:
        for one in gateways:
            await one.start()
        for number in range(40):
            for tenant in TENANTS:
                gateways[number % 4 // 2].queue.put(act(tenant, number), "192.0.2.1", "")
            if not number % 10:
                await asyncio.sleep(0)
        for one in gateways:
            await one.stop()
        for tenant in TENANTS:
            entries = await gateways[0].store.list_entries(tenant, 0, 100)
            bodies = [json.loads(entry.body or b"") for entry in entries]
            assert Counter(body["principal"] for body in bodies) == {
                f"key_{number}": 1 for number in range(40)
            }
            assert {entry.kind for entry in entries} == {"call.allowed", "call.denied"}
            note = await gateways[1].store.checkpoint(tenant)
            assert parse_checkpoint(note).size == 40
            assert (await gateways[0].store.verify(tenant)).size == 40
    finally:
        await database.close()


DAY = 86_400 * 1_000_000
THEN = 1_700_000_000_000_000


async def test_a_clock_that_leaps_ahead_erases_no_refusal(open_database: OpenDatabase) -> None:
    database, key = open_database(METADATA, SCHEMA_VERSION), Ed25519PrivateKey.generate()
    now = THEN
    try:
        store = LogStore(database, AUDIT, "test.example/audit", [key])
        queue = AuditQueue(1_000, lambda: now)
        log = AuditLog(queue, database, store, get_logger("test"), some_loops())
        queue.put(act(TENANTS[0], 1), "192.0.2.1", "")
        assert await log.flush()
        kept = RefusalRetention(database, store, AUDIT, 30, lambda: now)
        await kept.round()
        now += 365 * DAY
        await kept.round()
        await RefusalRetention(database, store, AUDIT, 30, lambda: now).round()  # a start
        [entry] = await store.list_entries(TENANTS[0], 0, 100)
        assert entry.body is not None
    finally:
        await database.close()


async def test_what_old_refusals_said_leaves_and_the_log_is_whole(
    open_database: OpenDatabase,
) -> None:
    database, key = open_database(METADATA, SCHEMA_VERSION), Ed25519PrivateKey.generate()
    now = THEN
    try:
        store = LogStore(database, AUDIT, "test.example/audit", [key])
        queue = AuditQueue(1_000, lambda: now)
        log = AuditLog(queue, database, store, get_logger("test"), some_loops())
        kept = RefusalRetention(database, store, AUDIT, 30, lambda: now)
        for day in range(0, 50, 10):
            now = THEN + day * DAY
            for tenant in TENANTS:
                for number in range(4):
                    queue.put(act(tenant, number), "192.0.2.1", "")
            assert await log.flush()
            await kept.collect()
        await kept.collect()  # has nothing left to do
        for tenant in TENANTS:
            entries = await store.list_entries(tenant, 0, 100)
            left = {(entry.kind, entry.create_time): entry.body is not None for entry in entries}
            old, new = (datetime.fromtimestamp((THEN + day * DAY) / 1e6, UTC) for day in (0, 20))
            assert not left["call.denied", format_time(old)]
            assert left["call.denied", format_time(new)]
            assert all(has for (kind, _), has in left.items() if kind == "call.allowed")
            assert [entry.kind for entry in entries].count(ERASURE_KIND) == 1
            assert (await store.verify(tenant)).size == len(entries)
            await store.publish_checkpoints()
            lines = [line async for line in store.export(tenant, 0)]
            report = verify_export(lines, vkeys=[VerifierKey.parse(store.vkeys(tenant)[0])])
            assert report.checkpoint.size == len(entries)
    finally:
        await database.close()


async def rewritten(database: Database, tenant: str, index: int, **values: object) -> None:
    """What a database administrator does to a row of the log."""
    columns = AUDIT.entries.c
    statement = (
        update(AUDIT.entries)
        .where(columns.tenant == tenant, columns.position == index)
        .values(**values)
    )
    await database.of(tenant).write(lambda own: own.unscoped.execute(statement))


OLD = format_time(datetime.fromtimestamp(THEN / 1e6, UTC))
DIGEST = digest_of(bytes(16), b"{}")
DISGUISED = {"kind": "call.denied", "create_time": OLD}
FORGED = {
    **DISGUISED,
    "salt": bytes(16),
    "body": b"{}",
    "digest": DIGEST,
    "hashes": leaf_hash_of("call.denied", OLD, DIGEST),
}


@pytest.mark.parametrize("signed", [True, False], ids=["signed", "not yet signed"])
@pytest.mark.parametrize("values", [DISGUISED, FORGED], ids=["disguised", "forged whole"])
async def test_an_act_that_was_made_to_look_like_an_old_refusal_is_not_erased(
    open_database: OpenDatabase, values: dict[str, object], signed: bool
) -> None:
    database, key = open_database(METADATA, SCHEMA_VERSION), Ed25519PrivateKey.generate()
    try:
        now = THEN
        store = LogStore(database, AUDIT, "test.example/audit", [key])
        queue = AuditQueue(1_000, lambda: now)
        log = AuditLog(queue, database, store, get_logger("test"), some_loops())
        queue.put(act("acme", 0), "192.0.2.1", "")
        queue.put(act("platform", 1), "192.0.2.1", "")
        assert await log.flush()
        if signed:
            await store.publish_checkpoints()
        (was,) = await store.list_entries("acme", 0, 100)
        await rewritten(database, "acme", 0, **values)
        now = THEN + 50 * DAY
        kept = RefusalRetention(database, store, AUDIT, 30, lambda: now)
        with pytest.raises(DataCorrupted, match=r"entry 0 .*not erased"):
            await kept.collect()
        kinds = [entry.kind for entry in await store.list_entries("acme", 0, 100)]
        assert kinds == ["call.denied"]
        assert "not erased" in store.diverged
        (erased, _) = await store.list_entries("platform", 0, 100)
        assert erased.body is None  # another's log goes on
        back = {"kind": was.kind, "create_time": was.create_time, "salt": was.salt}
        back |= {"body": was.body, "digest": was.digest, "hashes": was.leaf_hash}
        await rewritten(database, "acme", 0, **back)
        assert (await store.verify("acme")).size == 1
    finally:
        await database.close()


async def test_old_refusals_leave_after_the_key_was_rotated(open_database: OpenDatabase) -> None:
    """Their MACs are by a key that is gone; the checkpoint over them is as good."""
    database = open_database(METADATA, SCHEMA_VERSION)
    old, new = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    try:
        one = gateway(database, old)
        for number in (1, 3, 5):
            one.queue.put(act("acme", number), "192.0.2.1", "")
        assert await one.flush()
        await one.store.publish_checkpoints()
        statement = sign_rotation("test.example/audit", old, new.public_key())
        store = LogStore(database, AUDIT, "test.example/audit", [new], rotations=[statement])
        await store.check()
        await RefusalRetention(database, store, AUDIT, 30, lambda: micros() + 31 * DAY).collect()
        bodies = [entry.body is None for entry in await store.list_entries("acme", 0, 100)]
        assert bodies == [True, True, True, False]
    finally:
        await database.close()


async def test_an_act_whose_erasure_is_in_the_log_fails_the_check(tmp_path: Path) -> None:
    """As if who has the key, or an older release, had erased it: acts are never erased."""
    settings = AuditSettings(origin="test.example/audit")
    database = open_sqlite(tmp_path / "gateway.sqlite3", METADATA, SCHEMA_VERSION)
    audit = open_audit(settings, tmp_path, tmp_path, database, get_logger("test"), some_loops())
    try:
        audit.queue.put(act("acme", 0), "192.0.2.1", "")
        assert await audit.flush()
        now = datetime.now(UTC)
        await database.of("acme").write(lambda own: audit.store.erase(own, [0], now))
        with pytest.raises(DataCorrupted, match="entry 0, an act"):
            _ = [line async for line in check_service(database, tmp_path, settings.origin, [])]
        await audit.store.publish_checkpoints()
        export = b"".join([line async for line in audit.store.export("acme")])
        vkey = audit.store.vkeys("acme")[0]
        with pytest.raises(LogVerificationError, match="entry 0, an act"):
            verify_export_file(io.BytesIO(export), audit=True, key=vkey)
    finally:
        await database.close()


async def test_two_gateways_erase_old_refusals_once(open_database: OpenDatabase) -> None:
    database, key = open_database(METADATA, SCHEMA_VERSION), Ed25519PrivateKey.generate()
    try:
        one = gateway(database, key)
        one.queue.put(act("acme", 1), "192.0.2.1", "")
        assert await one.flush()
        later = micros() + 31 * DAY
        both = [
            RefusalRetention(database, each.store, AUDIT, 30, lambda: later)
            for each in (one, gateway(database, key))
        ]
        await asyncio.gather(*(each.collect() for each in both))
        kinds = [entry.kind for entry in await one.store.list_entries("acme", 0, 100)]
        assert kinds == ["call.denied", ERASURE_KIND]
        assert (await one.store.verify("acme")).size == 2
    finally:
        await database.close()


async def test_refusals_are_kept_for_good_where_that_is_set(open_database: OpenDatabase) -> None:
    database, key = open_database(METADATA, SCHEMA_VERSION), Ed25519PrivateKey.generate()
    try:
        one = gateway(database, key)
        one.queue.put(act("acme", 1), "192.0.2.1", "")
        assert await one.flush()
        later = micros() + 36_500 * DAY
        await RefusalRetention(database, one.store, AUDIT, 0, lambda: later).collect()
        (entry,) = await one.store.list_entries("acme", 0, 100)
        assert entry.body
    finally:
        await database.close()


async def test_a_witness_cosigns_the_audit_log_and_the_check_wants_the_configured_origin(
    tmp_path: Path,
) -> None:
    with serving_witness(FakeWitness()) as witness:
        settings = AuditSettings(
            origin="test.example/audit", witnesses=(Witness(witness.url, str(witness.verifier)),)
        )
        database = open_sqlite(tmp_path / "gateway.sqlite3", METADATA, SCHEMA_VERSION)
        audit = open_audit(settings, tmp_path, tmp_path, database, get_logger("test"), some_loops())
        witness.trust(audit.store.vkeys("acme")[0])
        await audit.start()
        audit.queue.put(act("acme", 0), "192.0.2.1", "")
        async with asyncio.timeout(PATIENCE):
            while not (notes := await audit.store.cosigned_checkpoints("acme")):
                pass
        assert parse_checkpoint(notes[-1]).size == 1
        await audit.stop()
    with pytest.raises(FailedPrecondition, match="--audit-origin"):
        _ = [line async for line in check_service(database, tmp_path, "", [])]
    with pytest.raises(DataCorrupted):
        _ = [line async for line in check_service(database, tmp_path, "another.example", [])]
    checked = [line async for line in check_service(database, tmp_path, settings.origin, [])]
    assert checked == [line for line in checked if line.startswith("tenant acme: 1 entries")]
    await database.close()
