"""The log's store on a real SQLite file: what is acknowledged stays, what is altered is found."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import MetaData

from systemzero_base.keyfile import load_or_create_key
from systemzero_core.errors import DataCorrupted, FailedPrecondition, InvalidInput, NotFound
from systemzero_core.tlog import (
    Checkpoint,
    ExportReport,
    LogVerificationError,
    VerifierKey,
    parse_checkpoint,
    parse_time,
    verify_bundle,
    verify_consistency,
    verify_export,
    verify_inclusion,
)
from systemzero_evidence.log import LogDiverged, LogStore, log_tables
from systemzero_storage.database import Database, SqliteDatabase, TenantConnection, open_sqlite
from tests.support.databases import OpenDatabase
from tests.support.sqlite import opened

METADATA = MetaData()
TABLES = log_tables(METADATA)
AUDIT_TABLES = log_tables(METADATA, "audit")
NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)


def store_on(database: Database, key: Ed25519PrivateKey = KEY) -> LogStore:
    return LogStore(database, TABLES, "systemzero.example/log", [key], clock=lambda: NOW)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of the SQLite file, for tests that alter what stands in it."""
    return tmp_path / "store.db"


@pytest.fixture
async def database(
    request: pytest.FixtureRequest, open_database: OpenDatabase
) -> AsyncIterator[Database]:
    opened = open_database(METADATA, 1)
    if "path" in request.fixturenames and not isinstance(opened, SqliteDatabase):
        await opened.close()
        pytest.skip("it alters a SQLite file")
    yield opened
    await opened.close()


@pytest.fixture
def log(database: Database) -> LogStore:
    return store_on(database)


async def fill(database: Database, log: LogStore, count: int, tenant: str = "t1") -> None:
    def job(own: TenantConnection) -> None:
        for i in range(count):
            log.append(own, "drift.event", {"event": i, "text": "Größe"}, NOW)

    await database.of(tenant).write(job)


async def export(log: LogStore, tenant: str = "t1") -> list[bytes]:
    return [line async for line in log.export(tenant)]


def keys(log: LogStore, tenant: str = "t1") -> list[VerifierKey]:
    return [VerifierKey.parse(vkey) for vkey in log.vkeys(tenant)]


async def verified(log: LogStore, pinned: Checkpoint | None = None) -> ExportReport:
    return verify_export(await export(log), vkeys=keys(log), pinned=pinned)


def alter(path: Path, *statements: str) -> None:
    with opened(path) as other:
        for statement in statements:
            assert other.execute(statement).rowcount != 0, statement


async def test_entries_are_numbered_and_read_back(database: Database, log: LogStore) -> None:
    for expected in range(5):
        appended = await database.of("t1").write(
            lambda c: log.append(c, "drift.event", {"b": [1, None], "a": "ü"}, NOW)
        )
        assert appended.index == expected
        entry = await log.get_entry("t1", expected)
        assert entry.leaf_hash == appended.leaf_hash
    assert entry.body == '{"a":"ü","b":[1,null]}'.encode()
    assert (entry.kind, parse_time(entry.create_time)) == ("drift.event", NOW)
    assert await log.size("t1") == 5


async def test_entries_are_listed_by_page_and_kind(database: Database, log: LogStore) -> None:
    await fill(database, log, 5)
    await database.of("t1").write(lambda c: log.append(c, "other", {}, NOW))
    assert [e.index for e in await log.list_entries("t1", 2, 3)] == [2, 3, 4]
    assert [e.index for e in await log.list_entries("t1", kind="other")] == [5]
    assert await log.list_entries("t1", 6) == []


async def test_an_entry_that_is_not_there(log: LogStore) -> None:
    with pytest.raises(NotFound):
        await log.get_entry("t1", 0)
    with pytest.raises(NotFound):
        await log.inclusion_proof("t1", 0, 0)


async def test_an_entry_commits_with_its_job_or_not_at_all(
    database: Database, log: LogStore
) -> None:
    def job(i: int) -> Callable[[TenantConnection], int]:
        def run(own: TenantConnection) -> int:
            index = log.append(own, "drift.event", {"event": i}, NOW).index
            if i % 3 == 0:
                raise LookupError(i)
            return index

        return run

    jobs = [database.of("t1").write(job(i)) for i in range(60)]
    results = await asyncio.gather(*jobs, return_exceptions=True)
    kept = [result for result in results if isinstance(result, int)]
    assert kept == list(range(40))
    assert (await verified(log)).checkpoint.size == 40
    assert (await log.verify("t1")).size == 40


async def test_tenants_have_logs_of_their_own(database: Database, log: LogStore) -> None:
    await fill(database, log, 3, "t1")
    await fill(database, log, 4, "t2")
    assert parse_checkpoint(await log.checkpoint("t1"))[:2] == ("systemzero.example/log/t1", 3)
    assert parse_checkpoint(await log.checkpoint("t2"))[:2] == ("systemzero.example/log/t2", 4)
    with pytest.raises(LogVerificationError):
        verify_export(await export(log, "t2"), vkeys=keys(log, "t1"))


async def test_two_stores_stand_in_one_database(database: Database, log: LogStore) -> None:
    audit = LogStore(database, AUDIT_TABLES, "systemzero.example/audit", [KEY])
    await fill(database, log, 3)
    await fill(database, audit, 2)
    assert (await log.size("t1"), await audit.size("t1")) == (3, 2)


async def test_every_proof_holds(database: Database, log: LogStore) -> None:
    await fill(database, log, 21)
    for size in range(1, 22):
        for index in range(size):
            proof = await log.inclusion_proof("t1", index, size)
            verify_inclusion(proof.leaf_hash, index, size, proof.hashes, proof.root)
        extends = await log.consistency_proof("t1", size // 2, size)
        old, new = (extends.old_size, extends.old_root), (extends.new_size, extends.new_root)
        verify_consistency(*old, *new, extends.hashes)
        assert extends.new_root == proof.root


@pytest.mark.parametrize(("index", "size"), [(2, 2), (0, 4), (0, -1)])
async def test_no_proof_for_a_tree_that_is_not(
    database: Database, log: LogStore, index: int, size: int
) -> None:
    await fill(database, log, 3)
    with pytest.raises(InvalidInput, match="size"):
        await log.inclusion_proof("t1", index, size)
    with pytest.raises(InvalidInput, match="size"):
        await log.consistency_proof("t1", 3, size)


async def test_a_checkpoint_covers_every_entry_and_is_stored_once(
    database: Database, log: LogStore
) -> None:
    empty = await log.checkpoint("t1")
    assert parse_checkpoint(empty).size == 0
    await fill(database, log, 3)
    notes = await asyncio.gather(*(log.checkpoint("t1") for _ in range(5)))
    assert {parse_checkpoint(note).size for note in notes} == {3}
    assert len(set(notes)) == 1
    assert await log.checkpoint_at("t1", 0) == empty


async def test_checkpoints_are_published_for_the_logs_that_grew(
    database: Database, log: LogStore, path: Path
) -> None:
    await fill(database, log, 3, "t1")
    await fill(database, log, 3, "t2")
    assert await log.publish_checkpoints() == 2
    assert await log.publish_checkpoints() == 0
    await fill(database, log, 1, "t2")
    assert await log.publish_checkpoints() == 1
    with opened(path) as found:
        stored = found.execute("SELECT tenant, size FROM log_checkpoints ORDER BY 1, 2").fetchall()
    assert stored == [("t1", 3), ("t2", 3), ("t2", 4)]


async def test_what_a_crash_left_unpublished_is_published_after_the_start(
    database: Database, log: LogStore
) -> None:
    await fill(database, log, 3)
    restarted = store_on(database)
    await restarted.check()
    assert await restarted.publish_checkpoints() == 1


async def test_a_bundle_verifies_offline(database: Database, log: LogStore) -> None:
    await fill(database, log, 5)
    older = parse_checkpoint(await log.checkpoint("t1"))
    await fill(database, log, 6)
    proven = verify_bundle(await log.proof_bundle("t1", 7, since=5), keys(log))
    assert proven.entry == await log.get_entry("t1", 7)
    assert (proven.checkpoint.size, proven.extends) == (11, older)
    assert verify_bundle(await log.proof_bundle("t1", 10), keys(log)).extends is None
    with pytest.raises(NotFound, match="size 6"):
        await log.proof_bundle("t1", 7, since=6)


async def test_an_export_of_many_pages_verifies(database: Database, log: LogStore) -> None:
    await fill(database, log, 2001)
    assert (await verified(log)).checkpoint.size == 2001


async def test_an_export_verifies_while_the_log_grows_and_is_erased(
    database: Database, log: LogStore
) -> None:
    await fill(database, log, 1500)
    lines: list[bytes] = []
    async for line in log.export("t1"):
        lines.append(line)
        if len(lines) % 400 == 0:
            later = 1499 - len(lines) // 400
            await database.of("t1").write(lambda c, i=later: log.erase(c, [i], NOW))  # type: ignore[misc]
            await fill(database, log, 1)
    report = verify_export(lines, vkeys=keys(log))
    assert report.checkpoint.size > 1500
    await verified(log, report.checkpoint)


async def test_an_erased_body_is_gone_and_every_proof_still_holds(
    database: Database, log: LogStore, path: Path
) -> None:
    await fill(database, log, 4)
    await database.of("t1").write(lambda c: log.append(c, "x", {"secret": "Kennwort"}, NOW))
    before = await verified(log)
    record = await database.of("t1").write(lambda c: log.erase(c, [4, 1, 4], NOW))
    assert record is not None
    assert (await log.get_entry("t1", record.index)).body == b'{"entries":[1,4]}'
    assert await database.of("t1").write(lambda c: log.erase(c, [1, 4], NOW)) is None
    after = await verified(log, before.checkpoint)
    assert after.erased == 2
    assert verify_bundle(await log.proof_bundle("t1", 4), keys(log)).entry.body is None
    await log.verify("t1")
    await database.close()
    assert b"Kennwort" not in path.read_bytes()  # noqa: ASYNC240


async def test_the_record_of_an_erasure_cannot_be_erased(database: Database, log: LogStore) -> None:
    await fill(database, log, 2)
    await database.of("t1").write(lambda c: log.erase(c, [0], NOW))
    with pytest.raises(FailedPrecondition):
        await database.of("t1").write(lambda c: log.erase(c, [1, 2], NOW))
    assert (await log.get_entry("t1", 1)).body is not None


ALTERATIONS = {
    "tenant": "UPDATE log_entries SET tenant = 't2' WHERE position = 4",
    "position": "UPDATE log_entries SET position = 40 WHERE position = 4",
    "kind": "UPDATE log_entries SET kind = 'other' WHERE position = 4",
    "create_time": "UPDATE log_entries SET create_time = '2026-11-22T14:00:00.000001Z'"
    " WHERE position = 4",
    "salt": "UPDATE log_entries SET salt = zeroblob(16) WHERE position = 4",
    "body": """UPDATE log_entries SET body = CAST('{"event":9}' AS BLOB) WHERE position = 4""",
    "digest": "UPDATE log_entries SET digest = zeroblob(32) WHERE position = 4",
    "hashes": "UPDATE log_entries SET hashes = zeroblob(32) WHERE position = 4",
    "body gone": "UPDATE log_entries SET body = NULL, salt = NULL WHERE position = 4",
    "row gone": "DELETE FROM log_entries WHERE position = 4",
}


def test_every_column_of_an_entry_is_altered() -> None:
    """But for the MAC, which a signature takes the place of: see `test_log_tail`."""
    assert {column.name for column in TABLES.entries.columns} <= {"mac", *ALTERATIONS}


@pytest.mark.parametrize("statement", ALTERATIONS.values(), ids=ALTERATIONS.keys())
async def test_an_altered_entry_is_named(
    database: Database, log: LogStore, path: Path, statement: str
) -> None:
    await fill(database, log, 7)
    await log.checkpoint("t1")
    alter(path, statement)
    with pytest.raises((LogVerificationError, LogDiverged)) as caught:
        verify_export(await export(log), vkeys=keys(log))
    assert "entry 4" in str(caught.value)
    with pytest.raises(DataCorrupted):
        await log.verify("t1")


async def test_an_altered_inner_node_is_found_and_no_proof_is_made_of_it(
    database: Database, log: LogStore, path: Path
) -> None:
    await fill(database, log, 7)
    await log.checkpoint("t1")
    alter(
        path,
        "UPDATE log_entries SET hashes = CAST(substr(hashes, 1, 32) || zeroblob(32) AS BLOB)"
        " WHERE position = 1",
    )
    with pytest.raises(LogVerificationError):
        await log.inclusion_proof("t1", 2, 7)
    with pytest.raises(DataCorrupted, match="entry 1 was altered"):
        await log.verify("t1")


async def test_swapped_entries_are_found(database: Database, log: LogStore, path: Path) -> None:
    await fill(database, log, 7)
    await log.publish_checkpoints()
    swap = "UPDATE log_entries SET position = {} WHERE position = {}"
    alter(path, swap.format(99, 2), swap.format(2, 3), swap.format(3, 99))
    with pytest.raises(LogVerificationError, match="entries 0 to 6"):
        verify_export(await export(log), vkeys=keys(log))
    with pytest.raises(DataCorrupted, match="entry 2 was altered"):
        await log.verify("t1")


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("DELETE FROM log_entries WHERE position >= 4", "tail from entry 4 on was cut off"),
        ("DELETE FROM log_entries", "tail from entry 0 on was cut off"),
        ("UPDATE log_entries SET hashes = zeroblob(32) WHERE position = 6", "last checkpoint"),
        ("DELETE FROM log_entries WHERE position = 3", "row of entry 3"),
        ("UPDATE log_checkpoints SET note = replace(note, '7', '6')", "its key signed"),
        ("UPDATE log_checkpoints SET note = 'x'", "its key signed"),
    ],
)
async def test_a_log_that_does_not_extend_its_checkpoint_is_not_served(
    database: Database, log: LogStore, path: Path, statement: str, message: str
) -> None:
    await fill(database, log, 7)
    await log.publish_checkpoints()
    await store_on(database).check()
    alter(path, statement)
    with pytest.raises(LogDiverged, match=message) as caught:
        await store_on(database).check()
    assert "Restore the newest backup" in caught.value.message


@pytest.mark.parametrize("column", ["kind", "create_time", "salt", "body", "digest", "hashes"])
async def test_an_altered_entry_after_the_last_checkpoint_is_found_at_start(
    database: Database, log: LogStore, path: Path, column: str
) -> None:
    await fill(database, log, 3)
    await log.publish_checkpoints()
    await fill(database, log, 4)
    alter(path, ALTERATIONS[column])
    with pytest.raises(LogDiverged, match="entry 4 was altered"):
        await store_on(database).check()


async def test_nothing_is_signed_over_rewritten_history(
    database: Database, log: LogStore, path: Path
) -> None:
    await fill(database, log, 5)
    published = await log.checkpoint("t1")
    alter(path, "DELETE FROM log_entries")
    await fill(database, log, 8)
    with pytest.raises(LogDiverged, match="not those of the last checkpoint"):
        await log.checkpoint("t1")
    with pytest.raises(LogDiverged):
        await log.publish_checkpoints()
    assert await log.checkpoint_at("t1", 5) == published


async def test_an_older_backup_is_caught_by_the_pin(
    database: Database, log: LogStore, path: Path
) -> None:
    await fill(database, log, 5)
    await log.publish_checkpoints()
    await fill(database, log, 2)
    pinned = (await verified(log)).checkpoint
    alter(
        path,
        "DELETE FROM log_entries WHERE position >= 5",
        "DELETE FROM log_checkpoints WHERE size > 5",
    )
    await store_on(database).check()  # nothing on this disk knows better
    with pytest.raises(LogVerificationError, match="older than the checkpoint"):
        await verified(log, pinned)


async def test_another_key_is_refused_at_start(database: Database, log: LogStore) -> None:
    await fill(database, log, 3)
    await log.publish_checkpoints()
    with pytest.raises(LogDiverged, match="not one that its key signed"):
        await store_on(database, Ed25519PrivateKey.generate()).check()


def test_a_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "log.pem"
    first = load_or_create_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert load_or_create_key(path).private_bytes_raw() == first.private_bytes_raw()
    assert [child.name for child in path.parent.iterdir()] == ["log.pem"]


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    load_or_create_key(tmp_path / "log.pem")
    (tmp_path / "log.pem").chmod(0o640)
    with pytest.raises(FailedPrecondition, match="0600"):
        load_or_create_key(tmp_path / "log.pem")


def test_a_file_that_holds_no_ed25519_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.pem"
    other = X25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    for content in (b"", b"x", other):
        path.write_bytes(content)
        path.chmod(0o600)
        with pytest.raises(FailedPrecondition, match="holds no"):
            load_or_create_key(path)


_CHILD = """
import asyncio, sys
from pathlib import Path
from tests.integration.evidence.log.test_store import METADATA, NOW, store_on
from systemzero_storage.database import open_sqlite
from systemzero_core.tlog import parse_checkpoint

async def main():
    database = open_sqlite(Path(sys.argv[1]), METADATA, 1)
    log = store_on(database)
    await log.check()
    async def write():
        while True:
            appended = await database.of("t1").write(lambda c: log.append(c, "x", {}, NOW))
            print("entry", appended.index, appended.leaf_hash.hex(), flush=True)
    async def publish():
        while True:
            checkpoint = parse_checkpoint(await log.checkpoint("t1"))
            print("checkpoint", checkpoint.size, checkpoint.root.hex(), flush=True)
    await asyncio.gather(publish(), *(write() for _ in range(8)))

asyncio.run(main())
"""


async def test_a_killed_process_loses_no_entry_and_breaks_no_checkpoint(path: Path) -> None:
    said: list[list[str]] = []
    for round_ in range(3):
        root = Path(__file__).parents[4]
        with subprocess.Popen(  # noqa: ASYNC220
            [sys.executable, "-c", _CHILD, str(path)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
        ) as child:
            assert child.stdout is not None
            said += [child.stdout.readline().split() for _ in range(100 + 150 * round_)]
            child.kill()
            said += [line.split() for line in child.stdout if line.endswith("\n")]
    database = open_sqlite(path, METADATA, 1)
    log = store_on(database)
    await log.check()
    stored = await log.list_entries("t1", 0, 1_000_000)
    for what, number, digest in said:
        if what == "entry":
            assert stored[int(number)].leaf_hash.hex() == digest
        else:
            assert parse_checkpoint(await log.checkpoint_at("t1", int(number))).root.hex() == digest
    await verified(log)
    await log.verify("t1")
    await database.close()
