"""Every row and column that evidence rests on, altered one at a time: verification names it.

The test walks the schema, so that a column nobody thought of is altered too. A diff service writes
templates, events, decisions and their log; the database is then altered as somebody would who has
its file, but neither the log's key nor a witness's.
"""

# ruff: noqa: S608 - SQL is put together from the schema, which is the point of it

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, LargeBinary, Text

from systemzero.diff.v1 import drift_service_pb2 as pb
from systemzero_admin.__main__ import main
from systemzero_core.errors import DataCorrupted, FailedPrecondition
from systemzero_core.tlog import (
    Checkpoint,
    CompactRange,
    LogVerificationError,
    VerifierKey,
    canonical_json,
    new_entry,
    parse_checkpoint,
    verify_export,
)
from systemzero_diff.admin.check import audit, check_service
from systemzero_diff.store import LOG, METADATA, SCHEMA_VERSION
from systemzero_evidence.log import (
    LogDiverged,
    LogStore,
    Witness,
    load_log_keys,
    load_or_create_origin,
)
from systemzero_storage.database import SqliteDatabase, open_sqlite
from systemzero_wire.fields import timestamp
from tests.support import sqlite
from tests.support.checks import DRIFT, check, put
from tests.support.patience import PATIENCE
from tests.support.services import diff_house
from tests.support.stores import DAY, NOW
from tests.support.trees import Item, item, tree
from tests.support.witness import FakeWitness, serving_witness

NO_EVIDENCE = {
    "answers": "what was answered to a request before; the event says it for good",
    "erased_captures": "of which no event is recorded any more; those there are say so themselves",
    "data_keys": "what seals bodies: without it they are not served, and no evidence rests on it",
    "pairing": "which capture database is this one's: nothing in the log rests on it",
    "sessions": "where a session was; what its path gave away is in the events' verdicts",
    "usage": "what a tenant stores: no evidence, and `sz-admin check` holds it to the rows",
    "verdict_counts": "figures of the summary, which no verdict rests on",
    "schema_version": "of the schema, checked at start",
}
NO_EVIDENCE_COLUMNS = {
    "log_entries.mac": "says who appended it until a checkpoint does; see the tests of the tail",
    "templates.etag": "a token against lost updates, made up at random",
    "log_checkpoints.create_time": "told as the log's word; the note itself has no time",
}
TENANT = "acme"


def screen(name: str, *more: Item) -> Any:
    return tree(
        item("heading", name, attributes=(("level", "1"),)),
        *(item("link", f"{name} {n}") for n in range(5)),
        *more,
    )


async def write_evidence(folder: Path, witness: FakeWitness) -> None:
    """Templates of two screens in versions, events of each, decisions that cover several."""
    settings: dict[str, Any] = {
        "witnesses": (Witness(witness.url, str(witness.verifier)),),
        "checkpoint_interval": 3600,  # else there are more of them where this takes longer
    }
    async with diff_house(folder, **settings) as house:
        log: LogStore = house.service._log  # type: ignore[attr-defined]
        witness.trust(log.vkeys(TENANT)[0])
        for name in ("orders", "reports"):
            await put(house, name, screen(name), app="shop")
        for n, name in enumerate(("orders", "reports", "orders", "reports")):
            change = item("button", "Ask the assistant")
            verdict = await check(house, screen(name, change), name, capture_id=f"cap_{n}")
            assert verdict.kind == DRIFT
        await cosigned(log)
        listed = await house.drift().ListEvents(pb.ListEventsRequest())
        for scope in (pb.DECISION_SCOPE_NODE, pb.DECISION_SCOPE_APP):
            request = pb.RejectEventRequest(
                event_id=listed.events[-1].event_id, scope=scope, reason="no"
            )
            await house.drift().RejectEvent(request)
            expiry = timestamp(NOW + DAY)
            snooze = pb.SnoozeEventRequest(
                event_id=listed.events[0].event_id, scope=scope, reason="later", expire_time=expiry
            )
            await house.drift().SnoozeEvent(snooze)
        await put(house, "orders", screen("orders", item("text", "new")), app="shop")
        for n in (2, 3):
            erasure = pb.EraseCaptureRequest(capture_id=f"cap_{n}")
            await house.drift().EraseCapture(erasure)
        await cosigned(log)
        shutil.copytree(folder, folder.with_name("backup"))
        change = item("button", "Another one")
        verdict = await check(house, screen("reports", change), "reports")
        assert verdict.kind == DRIFT
        reject = pb.RejectEventRequest(event_id=verdict.event_id, reason="no")
        await house.drift().RejectEvent(reject)
        await put(house, "reports", screen("reports", item("text", "new")), app="shop")
        await cosigned(log)


async def cosigned(log: LogStore) -> None:
    """Wait until the service has had all of the log cosigned."""
    size = await log.size(TENANT)
    await log.publish_checkpoints()
    async with asyncio.timeout(PATIENCE):
        while [parse_checkpoint(n).size for n in await log.cosigned_checkpoints(TENANT)] != [size]:
            pass


class Evidence:
    """The folder of a diff service that stopped, one of an earlier time, and what was pinned."""

    def __init__(self, folder: Path, witness: FakeWitness) -> None:
        self.folder = folder
        self.backup = folder.with_name("backup")
        self.witness = witness

    def copy(self, to: Path) -> Path:
        return Path(shutil.copytree(self.folder, to / "diff"))


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("evidence") / "diff"
    with serving_witness(FakeWitness()) as witness:
        asyncio.run(write_evidence(folder, witness))
        yield Evidence(folder, witness)


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[tuple[SqliteDatabase, LogStore]]:
    database = open_sqlite(folder / "diff.db", METADATA, SCHEMA_VERSION)
    keys = load_log_keys(folder / "log.key")
    origin = load_or_create_origin(folder / "origin")
    try:
        yield database, LogStore(database, LOG, origin, keys.signing)
    finally:
        await database.close()


async def audited(folder: Path) -> list[int]:
    async with opened(folder) as (database, log):
        return [each.checkpoint.size for each in await audit(database, log)]


def alter(folder: Path, *statements: str) -> None:
    with sqlite.opened(folder / "diff.db") as file:
        for statement in statements:
            assert file.execute(statement).rowcount != 0, statement


def middle(table: str) -> str:
    """The row in the middle, as SQL."""
    half = f"(SELECT count(*) / 2 FROM {table})"
    return f"(SELECT rowid FROM {table} ORDER BY rowid LIMIT 1 OFFSET {half})"


def altered(column: Column[Any]) -> list[str]:
    """Statements that give one row another value, by the column's kind; each is a case.

    The row is the second that has a value there.
    """
    table, name = column.table.name, column.name
    row = f"(SELECT rowid FROM {table} WHERE {name} > '' OR {name} >= 0 LIMIT 1 OFFSET 1)"
    of_row = f"UPDATE {table} SET {name} = {{}} WHERE rowid = {row}"
    if name == "position":
        cases = [f"(SELECT max(position) + 1 FROM {table})"]
    elif isinstance(column.type, LargeBinary):
        cases = [f"CAST(substr({name}, 1, length({name}) - 1) || '!?' AS BLOB)", "x''"]
    elif isinstance(column.type, Text):
        cases = [f"{name} || 'x'", f"substr({name}, 2)"]
    elif name == "newest" or name == "deleted":
        cases = [f"1 - {name}"]
    else:
        cases = [f"coalesce({name}, 0) + 1"]
    if column.nullable:
        cases.append("NULL")
    return [of_row.format(case) for case in cases]


def evidence_columns() -> list[Column[Any]]:
    tables = [table for table in METADATA.tables.values() if table.name not in NO_EVIDENCE]
    columns = [column for table in tables for column in table.columns]
    return [c for c in columns if f"{c.table.name}.{c.name}" not in NO_EVIDENCE_COLUMNS]


ALTERATIONS = [
    pytest.param(
        column.table.name, column.name, statement, id=f"{column.table.name}.{column.name}-{n}"
    )
    for column in evidence_columns()
    for n, statement in enumerate(altered(column))
]
TABLES = sorted({column.table.name for column in evidence_columns()})


def names(table: str, message: str) -> bool:
    """Whether a message names the row: by its table, or as an entry or checkpoint of the log."""
    word = {"log_entries": "entr", "log_checkpoints": "checkpoint", "log_cosignatures": "cosign"}
    return word.get(table, table) in message and any(c.isdigit() for c in message)


async def test_what_was_written_is_whole(evidence: Evidence, tmp_path: Path) -> None:
    assert await audited(evidence.copy(tmp_path)) == [16]
    for table in TABLES:
        with sqlite.opened(evidence.folder / "diff.db") as file:
            assert file.execute(f"SELECT count(*) FROM {table}").fetchone()[0] >= 3


@pytest.mark.parametrize(("table", "column", "statement"), ALTERATIONS)
async def test_an_altered_column_is_named(
    evidence: Evidence, tmp_path: Path, table: str, column: str, statement: str
) -> None:
    folder = evidence.copy(tmp_path)
    alter(folder, statement)
    with pytest.raises(DataCorrupted) as caught:
        await audited(folder)
    assert names(table, caught.value.message), caught.value.message


@pytest.mark.parametrize("which", ["min(rowid)", "max(rowid)", "middle"])
@pytest.mark.parametrize("table", [t for t in TABLES if t != "log_cosignatures"])
async def test_a_deleted_row_is_named(
    evidence: Evidence, tmp_path: Path, table: str, which: str
) -> None:
    folder = evidence.copy(tmp_path)
    row = middle(table) if which == "middle" else f"(SELECT {which} FROM {table})"
    alter(folder, f"DELETE FROM {table} WHERE rowid = {row}")
    with pytest.raises(DataCorrupted) as caught:
        await audited(folder)
    assert names(table, caught.value.message), caught.value.message


@pytest.mark.parametrize("table", [t for t in TABLES if t != "log_cosignatures"])
async def test_a_truncated_or_emptied_table_is_named(
    evidence: Evidence, tmp_path: Path, table: str
) -> None:
    for n, where in enumerate((f"rowid >= {middle(table)}", "true")):
        folder = evidence.copy(tmp_path / str(n))
        alter(folder, f"DELETE FROM {table} WHERE {where}")
        with pytest.raises(DataCorrupted) as caught:
            await audited(folder)
        assert names(table, caught.value.message), caught.value.message


@pytest.mark.parametrize("table", ["events", "decisions", "templates", "log_entries"])
async def test_swapped_rows_are_named(evidence: Evidence, tmp_path: Path, table: str) -> None:
    folder = evidence.copy(tmp_path)
    first, second = (
        f"(SELECT position FROM {table} ORDER BY position LIMIT 1 OFFSET {n})" for n in (0, 1)
    )
    with sqlite.opened(folder / "diff.db") as file:
        a, b = (file.execute(f"SELECT {place}").fetchone()[0] for place in (first, second))
    move = f"UPDATE {table} SET position = {{}} WHERE position = {{}}"
    alter(folder, move.format(999, a), move.format(a, b), move.format(b, 999))
    with pytest.raises(DataCorrupted) as caught:
        await audited(folder)
    assert names(table, caught.value.message), caught.value.message


@pytest.mark.parametrize("table", ["events", "decisions", "templates"])
async def test_an_invented_row_is_named(evidence: Evidence, tmp_path: Path, table: str) -> None:
    folder = evidence.copy(tmp_path)
    own = {
        "position": "position + 100",
        "version": "version + 1",
        "event_id": "event_id || '9'",
        "fingerprint": "fingerprint || '9'",
        "values_digest": "values_digest || '9'",
    }
    columns = [column.name for column in METADATA.tables[table].columns]
    values = ", ".join(own.get(name, name) for name in columns)
    source = f"SELECT {values} FROM {table} WHERE rowid = (SELECT max(rowid) FROM {table})"
    alter(folder, f"INSERT INTO {table} ({', '.join(columns)}) {source}")
    with pytest.raises(DataCorrupted) as caught:
        await audited(folder)
    assert names(table, caught.value.message), caught.value.message


@pytest.mark.parametrize("table", [t for t in TABLES if t != "log_cosignatures"])
async def test_a_table_from_an_earlier_backup_is_named(
    evidence: Evidence, tmp_path: Path, table: str
) -> None:
    folder = evidence.copy(tmp_path)
    with sqlite.opened(folder / "diff.db") as file:
        file.execute("ATTACH ? AS backup", (str(evidence.backup / "diff.db"),))
        file.execute(f"DELETE FROM {table}")
        file.execute(f"INSERT INTO {table} SELECT * FROM backup.{table}")
    with pytest.raises(DataCorrupted) as caught:
        await audited(folder)
    assert names(table, caught.value.message), caught.value.message


async def test_an_earlier_backup_of_all_is_found_by_clients_and_by_the_witness(
    evidence: Evidence, tmp_path: Path
) -> None:
    """Nothing on the disk knows better: whole backups are good ones. Others remember."""
    async with opened(evidence.copy(tmp_path)) as (_, log):
        pinned = parse_checkpoint(await log.checkpoint(TENANT))
    folder = Path(shutil.copytree(evidence.backup, tmp_path / "earlier"))
    assert await audited(folder)
    async with opened(folder) as (database, log):
        with pytest.raises(LogVerificationError, match="its end was cut off"):
            await exported(log, pinned)
        asked = LogStore(
            database,
            LOG,
            log.origin(TENANT).rpartition("/")[0],
            load_log_keys(folder / "log.key").signing,
            witnesses=(Witness(evidence.witness.url, str(evidence.witness.verifier)),),
        )
        # it is asked about what it has not cosigned, as far as this backup knows
        await database.write(lambda c: c.exec_driver_sql("DELETE FROM log_cosignatures").close())
        await asked.check()
        await asked.publish_checkpoints()
        assert [await cosigner.ask() for cosigner in asked.cosigners] == [False]


async def exported(log: LogStore, pinned: Checkpoint) -> None:
    lines = [line async for line in log.export(TENANT)]
    verify_export(lines, vkeys=map(VerifierKey.parse, log.vkeys(TENANT)), pinned=pinned)


def unsigned(evidence: Evidence, to: Path) -> Path:
    """A copy as a service leaves it that was killed before it signed its last entries."""
    folder = evidence.copy(to)
    # However many checkpoints there were: how often one is made is the machine's pace.
    late = "WHERE size > (SELECT max(position) - 2 FROM log_entries)"
    with sqlite.opened(folder / "diff.db") as file:
        file.execute(f"DELETE FROM log_cosignatures {late}")
        file.execute(f"DELETE FROM log_checkpoints {late}")
        assert file.execute("SELECT count(*) FROM log_checkpoints").fetchone()[0]
    if (folder / "log.heads").exists():
        shutil.rmtree(folder / "log.heads")
    return folder


def tail_alterations() -> list[Any]:
    """Each column of an entry that no checkpoint covers, and its row: deleted, doubled, swapped."""
    last, before = (f"(SELECT max(position) - {n} FROM log_entries)" for n in (0, 1))
    cases = []
    for column in METADATA.tables["log_entries"].columns:
        for n, statement in enumerate(altered(column)):
            changed = statement.partition(" WHERE ")[0]
            for which, row in (("last", last), ("one", before)):
                # the last one moved on, or another tenant's, is one that was deleted and one added
                case = f"{changed} WHERE position = {row}"
                cases.append(pytest.param(case, id=f"{column.name}-{n}-{which}"))
    columns = [column.name for column in METADATA.tables["log_entries"].columns]
    other = ", ".join("position + 1" if name == "position" else name for name in columns)
    doubled = f"INSERT INTO log_entries SELECT {other} FROM log_entries WHERE position = {last}"
    return [
        *cases,
        pytest.param(f"DELETE FROM log_entries WHERE position = {before}", id="deleted"),
        pytest.param(doubled, id="doubled"),
    ]


@pytest.mark.parametrize("statement", tail_alterations())
async def test_nothing_altered_in_the_unsigned_tail_is_signed(
    evidence: Evidence, tmp_path: Path, statement: str
) -> None:
    """Neither by a service that starts, nor by the operator's check."""
    whole = unsigned(evidence, tmp_path / "whole")
    assert await audited(whole) == [16]
    folder = unsigned(evidence, tmp_path / "altered")
    alter(folder, statement)
    with pytest.raises(LogDiverged, match="entr"):
        async with diff_house(folder):
            raise AssertionError("it serves")
    with pytest.raises(DataCorrupted):
        await audited(folder)
    with sqlite.opened(folder / "diff.db") as file:
        signed = file.execute("SELECT max(size) FROM log_checkpoints").fetchone()[0]
    assert signed < 16


async def test_an_approval_that_nobody_gave_is_not_signed(
    evidence: Evidence, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The attack: by the database alone, right in all that needs no key, and then a restart."""
    folder = unsigned(evidence, tmp_path)
    with sqlite.opened(folder / "diff.db") as file:
        file.row_factory = sqlite3.Row
        stored = file.execute("SELECT * FROM log_entries ORDER BY position").fetchall()
        [real] = [row for row in stored if row["kind"] == "drift.decision"][:1]
        body = json.loads(real["body"]) | {"kind": "approve", "reason": "approved by admin"}
        tree = CompactRange()
        for row in stored:
            tree.push(row["hashes"][:32])
        entry = new_entry(
            tree.size, "drift.decision", datetime.now(UTC), b"s" * 16, canonical_json(body)
        )
        values = dict(stored[-1]) | {
            "position": tree.size,
            "kind": entry.kind,
            "create_time": entry.create_time,
            "salt": entry.salt,
            "body": entry.body,
            "digest": entry.digest,
            "hashes": b"".join(tree.push(entry.leaf_hash)),
        }
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        file.execute(f"INSERT INTO log_entries ({names}) VALUES ({marks})", [*values.values()])
    with pytest.raises(LogDiverged, match="entry 16 was not written there by who signs"):
        async with diff_house(folder):
            raise AssertionError("it serves")
    with pytest.raises(DataCorrupted, match="entry 16 was not written there by who signs"):
        await audited(folder)
    await adopted(folder, capsys)


async def adopted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An operator who has read the entry takes it in: from the command line, and on record."""
    command = ["adopt-log", TENANT, "--service", "diff", "--data", str(folder.parent)]
    assert await asyncio.to_thread(main, command) == 2
    assert "may be forged: add --yes" in capsys.readouterr().err
    assert await asyncio.to_thread(main, [*command, "--yes"]) == 0
    assert "entries 16 to 16 are adopted" in capsys.readouterr().out
    async with opened(folder) as (_, log):
        assert (await log.verify(TENANT)).size == 18
        assert (await log.get_entry(TENANT, 17)).kind == "log.adoption"


@pytest.mark.parametrize("missing", ["log.key", "origin"])
async def test_a_file_that_the_log_rests_on_is_asked_for(
    evidence: Evidence, tmp_path: Path, missing: str
) -> None:
    folder = evidence.copy(tmp_path)
    (folder / missing).rename(tmp_path / missing)
    for _ in range(2):  # nothing was made in its place by the first start
        with pytest.raises(FailedPrecondition, match=f"{folder / missing} is missing.*restore"):
            async with diff_house(folder):
                raise AssertionError("it serves")
    (tmp_path / missing).rename(folder / missing)
    async with diff_house(folder) as house:
        assert await house.drift().ListEvents(pb.ListEventsRequest())


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM log_entries WHERE position >= 15",
        "UPDATE log_entries SET hashes = zeroblob(32) WHERE position = 15",
    ],
)
async def test_such_a_log_is_not_served(evidence: Evidence, tmp_path: Path, statement: str) -> None:
    folder = evidence.copy(tmp_path)
    alter(folder, statement)
    with pytest.raises(LogDiverged, match="Restore the newest backup"):
        async with diff_house(folder):
            raise AssertionError("it serves")


def test_what_is_no_evidence_is_in_the_schema() -> None:
    """Exceptions are of columns that are there; all others are altered above."""
    columns = {f"{t.name}.{c.name}" for t in METADATA.tables.values() for c in t.columns}
    assert set(NO_EVIDENCE_COLUMNS) <= columns
    assert {"schema_version"} | set(METADATA.tables) >= set(NO_EVIDENCE)


async def test_the_operators_check_names_it_and_knows_who_remembers_more(
    evidence: Evidence, tmp_path: Path
) -> None:
    """What `sz-admin check` runs: with a checkpoint that somebody kept, an old backup shows."""
    async with opened(evidence.copy(tmp_path / "now")) as (database, log):
        newest = await log.checkpoint(TENANT)
        lines = [line async for line in check_service(database, evidence.folder, "", [newest])]
        assert [line.partition(":")[0] for line in lines] == [f"tenant {TENANT}"] * 2
    for folder, said in (
        (evidence.backup, "restore a newer backup"),
        (tmp_path, "log.key is missing: restore it"),
    ):
        copy = Path(shutil.copytree(evidence.backup, tmp_path / f"copy of {folder.name}"))
        async with opened(copy) as (database, _):
            with pytest.raises((LogVerificationError, FailedPrecondition), match=said):
                _ = [line async for line in check_service(database, folder, "", [newest])]
