"""What stands in the database between its append and a checkpoint, altered as its administrator
could: without the log's key, while the service runs or between two of its runs.

The signer finds it, names the place, and signs nothing of that log; other tenants' go on.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, update

from systemzero_core.errors import DataCorrupted, FailedPrecondition
from systemzero_core.tlog import parse_checkpoint
from systemzero_evidence.log import (
    LogDiverged,
    LogFiles,
    LogStore,
    begin_rotation,
    finish_rotation,
    make_log_files,
    open_log,
    open_log_to_check,
)
from systemzero_storage.database import Database, SqliteDatabase, TenantConnection
from tests.support.databases import OpenDatabase
from tests.support.logs import (
    KEY,
    METADATA,
    NAME,
    NOW,
    TABLES,
    TENANT,
    append,
    forged,
    hurt,
    log_on,
    rows,
)

OTHER = "t2"
E = TABLES.entries.c


@pytest.fixture
async def database(open_database: OpenDatabase) -> AsyncIterator[Database]:
    opened = open_database(METADATA, 1)
    yield opened
    await opened.close()


def at(position: int, tenant: str = TENANT) -> Any:
    return (E.tenant == tenant) & (E.position == position)


async def refused(log: LogStore, tenant: str = TENANT) -> str:
    """What is said where a log is not signed; by whoever runs, or starts."""
    with pytest.raises(LogDiverged) as caught:
        await log.checkpoint(tenant)
    with pytest.raises(LogDiverged):
        await log.publish_checkpoints()
    assert log.diverged
    return caught.value.message


async def refused_at_start(database: Database) -> str:
    restarted = log_on(database)
    with pytest.raises(LogDiverged) as caught:
        await restarted.check()
    await refused(log_on(database))
    return caught.value.message


@pytest.mark.parametrize("mac", ["none", "of the entry before", "of another key"])
async def test_a_forged_decision_is_never_signed(database: Database, mac: str) -> None:
    """Appended to the unsigned tail, right in all but the MAC: the attack itself."""
    log = log_on(database)
    await append(database, log, 3)
    await log.publish_checkpoints()
    await append(database, log, 2)
    stored = await rows(database)
    macs = {"none": b"", "of the entry before": stored[-1]["mac"], "of another key": b"m" * 32}
    row = forged(stored, {"decision": "approved by admin"}, macs[mac])
    await hurt(database, insert(TABLES.entries).values(row))
    assert "entry 5 was not written there by who signs" in await refused(log)
    assert "entry 5 was not written there by who signs" in await refused_at_start(database)
    await append(database, log, 2)  # what follows it makes it no better
    assert "entry 5 " in await refused_at_start(database)
    await append(database, log, 1, OTHER)
    assert parse_checkpoint(await log.checkpoint(OTHER)).size == 1


async def test_a_log_of_forgeries_alone_is_not_signed(database: Database) -> None:
    await hurt(database, insert(TABLES.entries).values(forged([], {"a": 1}, b"")))
    assert "entry 0 was not written there" in await refused_at_start(database)


async def test_a_forged_erasure_erases_nothing_in_secret(database: Database) -> None:
    """A body that is gone needs a record of it, and that a MAC."""
    log = log_on(database)
    await append(database, log, 3)
    await log.publish_checkpoints()
    row = forged(await rows(database), {"entries": [1]}, b"") | {"kind": "log.erasure"}
    gone = update(TABLES.entries).where(at(1)).values(body=None, salt=None)
    await hurt(database, gone, insert(TABLES.entries).values(row))
    assert "entry 3 " in await refused(log_on(database))


async def test_an_entry_of_another_tenant_is_no_entry_here(database: Database) -> None:
    log = log_on(database)
    for tenant in (TENANT, OTHER):
        await append(database, log, 2, tenant)
    mine, others = await rows(database), await rows(database, OTHER)
    for tenant in (TENANT, OTHER):
        await hurt(database, delete(TABLES.entries).where(E.tenant == tenant))
    await hurt(
        database,
        insert(TABLES.entries).values([row | {"tenant": OTHER} for row in mine]),
        insert(TABLES.entries).values([row | {"tenant": TENANT} for row in others]),
    )
    assert "entry 0 " in await refused_at_start(database)
    assert "entry 0 " in await refused(log_on(database), OTHER)


async def test_an_entry_of_another_origin_is_no_entry_here(database: Database) -> None:
    elsewhere = LogStore(database, TABLES, "other.example/log", [KEY])
    await append(database, elsewhere, 2)
    assert "entry 0 was not written there" in await refused_at_start(database)


async def test_a_tail_of_before_is_not_put_together_with_one_of_now(database: Database) -> None:
    """Each entry has a MAC of its place; the chain has it of what came before it as well."""
    first = log_on(database)
    await append(database, first, 4, word="then")
    then = await rows(database)
    await hurt(database, delete(TABLES.entries).where(E.position >= 1))
    await append(database, log_on(database), 3, word="now")
    await hurt(
        database,
        delete(TABLES.entries).where(at(3)),
        insert(TABLES.entries).values(forged(await rows(database), {"x": 1}, then[3]["mac"])),
    )
    assert "entry 3 " in await refused_at_start(database)


@pytest.mark.parametrize("which", [(4,), (3, 4), (2, 3, 4), (3,)])
async def test_a_committed_entry_that_is_gone_is_missed(
    database: Database, which: tuple[int, ...]
) -> None:
    """The last one, too, of which the database has no trace: who appended it remembers."""
    log = log_on(database)
    await append(database, log, 2)
    await log.publish_checkpoints()
    await append(database, log, 3)
    await hurt(database, delete(TABLES.entries).where(E.position.in_(which)))
    assert f"entry {which[0]}" in await refused(log)


async def test_a_committed_entry_that_another_took_the_place_of_is_missed(
    database: Database,
) -> None:
    """The service itself appends anew where the last entries were deleted."""
    log = log_on(database)
    await append(database, log, 2)
    await log.publish_checkpoints()
    await append(database, log, 3)
    await hurt(database, delete(TABLES.entries).where(E.position >= 3))
    await append(database, log, 4, word="more")
    assert "entry 3 is not the one that was committed there" in await refused(log)


async def test_what_was_rolled_back_is_not_missed(database: Database) -> None:
    log = log_on(database)

    def job(fails: bool) -> Callable[[TenantConnection], None]:
        def run(own: TenantConnection) -> None:
            log.append(own, "drift.event", {}, NOW)
            if fails:
                raise LookupError

        return run

    jobs = [database.of(TENANT).write(job(n % 3 == 0)) for n in range(30)]
    await asyncio.gather(*jobs, return_exceptions=True)
    assert parse_checkpoint(await log.checkpoint(TENANT)).size == 20
    await append(database, log, 2)
    assert await log.publish_checkpoints() == 1


async def test_a_database_put_back_under_a_running_service_is_missed(database: Database) -> None:
    log = log_on(database)
    await append(database, log, 2)
    await log.publish_checkpoints()
    await append(database, log, 3)
    await log.publish_checkpoints()
    size = TABLES.checkpoints.c.size
    back = (
        delete(TABLES.entries).where(E.position >= 2),
        delete(TABLES.checkpoints).where(size > 2),
    )
    await hurt(database, *back)
    assert "a checkpoint was published for 5" in await refused(log)
    await append(database, log, 4, word="other")
    assert "its first 5 entries" in await refused(log)


STEPS = 2_500


async def test_a_long_tail_is_signed_in_steps(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that no transaction is held up by what nobody signed for long."""
    monkeypatch.setattr("systemzero_evidence.signed.checkpoints.STEP", 1000)
    log = log_on(database)
    await append(database, log, STEPS)
    restarted = log_on(database)
    await restarted.check()
    assert parse_checkpoint(await restarted.checkpoint(TENANT)).size == STEPS
    assert (await restarted.verify(TENANT)).size == STEPS


COLUMNS = [c.name for c in TABLES.entries.columns if c.name != "tenant"]


def other(value: Any, by: int) -> Any:
    """Another value of the same kind."""
    if value is None or isinstance(value, int):
        return (value or 0) + 100 + by
    if isinstance(value, bytes):
        at = by % len(value)
        return value[:at] + bytes([value[at] ^ (1 + by % 255)]) + value[at + 1 :]
    return f"{value[:-1]}{by}x"


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
async def test_no_alteration_of_a_tail_is_signed(database: Database, data: st.DataObject) -> None:
    """Whatever is altered, in any row since the last checkpoint, by whoever has no key."""
    await database.write(lambda c: c.execute(delete(TABLES.entries)).close())
    await database.write(lambda c: c.execute(delete(TABLES.checkpoints)).close())
    signed = data.draw(st.integers(0, 5), "signed")
    unsigned = data.draw(st.integers(1, 9), "unsigned")
    log = log_on(database)
    await append(database, log, signed)
    await log.publish_checkpoints()
    await append(database, log, unsigned)
    place = data.draw(st.integers(signed, signed + unsigned - 1), "place")
    how = data.draw(st.sampled_from([*COLUMNS, "gone", "twice", "swapped"]), "how")
    [row] = [row for row in await rows(database) if row["position"] == place]
    by = data.draw(st.integers(0, 300), "by")
    if how == "gone":
        await hurt(database, delete(TABLES.entries).where(at(place)))
    elif how == "twice":
        end = signed + unsigned
        await hurt(database, insert(TABLES.entries).values(row | {"position": end}))
    elif how == "swapped":
        if unsigned == 1:
            return
        second = signed + (place - signed + 1) % unsigned
        for a, b in ((place, 99), (second, place), (99, second)):
            await hurt(database, update(TABLES.entries).where(at(a)).values(position=b))
    else:
        await hurt(
            database, update(TABLES.entries).where(at(place)).values({how: other(row[how], by)})
        )
    await refused(log)
    if how != "gone" and not (how == "position" and place == signed + unsigned - 1):
        await refused_at_start(database)


# --- files beside the key


class House:
    """A service's data folder and database, of which each may be put back by itself."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.files = LogFiles(folder / "log.key", folder / "origin")
        self.database = database

    async def started(self, origin: str = "") -> LogStore:
        log = open_log(self.database, TABLES, self.files, origin)
        await log.check()
        return log


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    return House(tmp_path / "diff", database)


@pytest.mark.parametrize("missing", ["key", "origin"])
@pytest.mark.parametrize("signed", [True, False])
async def test_a_missing_file_of_a_log_that_was_begun_is_asked_for(
    house: House, missing: str, signed: bool
) -> None:
    log = await house.started()
    await append(house.database, log, 2)
    if signed:
        await log.publish_checkpoints()
    path: Path = getattr(house.files, missing)
    kept = path.with_name("kept")
    path.rename(kept)  # noqa: ASYNC240
    for _ in range(2):  # a second start finds nothing that the first one made
        with pytest.raises(FailedPrecondition, match=f"{path} is missing.*restore the file"):
            await house.started()
    with pytest.raises(FailedPrecondition, match=f"{path} is missing: restore it"):
        open_log_to_check(house.database, TABLES, house.files)
    kept.rename(path)
    log = await house.started()
    assert parse_checkpoint(await log.checkpoint(TENANT)).size == 2


async def test_a_key_or_origin_of_another_log_is_told_apart(house: House) -> None:
    log = await house.started()
    await append(house.database, log, 2)
    await log.publish_checkpoints()
    key, origin, _ = house.files
    shutil.copy(key, key.with_name("kept"))
    key.unlink()
    origin_text = origin.read_text()
    origin.unlink()
    make_log_files(LogFiles(key.with_name("made.key"), key.with_name("made.origin")))
    key.with_name("made.key").rename(key)
    origin.write_text(origin_text)
    with pytest.raises(LogDiverged, match="put back the one that was there"):
        await house.started()
    key.with_name("kept").rename(key)
    origin.write_text("elsewhere.example")
    with pytest.raises(LogDiverged, match="put back the file with the origin, or configure it"):
        await house.started()
    origin.write_text(origin_text)
    await house.started()


async def test_keys_are_not_made_in_the_place_of_one_that_is_gone(house: House) -> None:
    make_log_files(house.files)
    house.files.key.unlink()
    with pytest.raises(FailedPrecondition, match="put the key back, or remove origin"):
        make_log_files(house.files)
    assert not house.files.key.exists()


async def test_a_database_put_back_between_two_runs_is_found_by_the_folder(house: House) -> None:
    log = await house.started()
    await append(house.database, log, 2)
    await log.publish_checkpoints()
    await append(house.database, log, 3)
    await log.publish_checkpoints()
    size = TABLES.checkpoints.c.size
    await hurt(
        house.database,
        delete(TABLES.entries).where(E.position >= 2),
        delete(TABLES.checkpoints).where(size > 2),
    )
    head = house.files.heads / TENANT
    with pytest.raises(LogDiverged, match=f"{head} has it"):
        await house.started()
    with pytest.raises(LogDiverged, match=f"{head} has it"):
        await open_log_to_check(house.database, TABLES, house.files).verify(TENANT)
    await hurt(house.database, delete(TABLES.entries), delete(TABLES.checkpoints))
    with pytest.raises(LogDiverged, match="it has 0 entries"):
        await house.started()
    head.unlink()  # who means it says so
    await house.started()


@pytest.mark.parametrize("text", ["", "x", "elsewhere.example/t1\n5\nAAAA\n\n"])
async def test_a_file_that_says_nothing_stops_nothing(house: House, text: str) -> None:
    log = await house.started()
    await append(house.database, log, 2)
    await log.publish_checkpoints()
    (house.files.heads / TENANT).write_text(text)
    log = await house.started()
    await append(house.database, log, 1)
    await log.publish_checkpoints()
    assert parse_checkpoint((house.files.heads / TENANT).read_text()).size == 3


async def test_a_folder_that_cannot_be_written_stops_nothing(house: House) -> None:
    log = await house.started()
    house.files.heads.write_text("in its place")
    await append(house.database, log, 1)
    assert await log.publish_checkpoints() == 1
    await house.started()


async def test_replicas_go_on_through_a_rotation(house: House) -> None:
    """Each is restarted by itself: what one appended, another signs, whichever keys it knows."""
    await house.started()
    replicas = [await house.started(), await house.started()]

    async def both() -> None:
        for here, there in (replicas, replicas[::-1]):
            await append(house.database, here, 2)
            await there.checkpoint(TENANT)

    key = house.files.key
    for step in (partial(begin_rotation, key, NAME), partial(finish_rotation, key)):
        step()
        for n in (0, 1):
            await append(house.database, replicas[n], 1)
            replicas[n] = await house.started()
            await both()


async def test_another_key_finds_nothing_right(database: Database) -> None:
    await append(database, log_on(database), 2)
    stranger = LogStore(database, TABLES, NAME, [Ed25519PrivateKey.generate()])
    with pytest.raises(LogDiverged, match="entry 0 was not written there"):
        await stranger.check()


async def test_a_file_is_one_tenants(house: House) -> None:
    """A tenant's file in the place of another's is of no log of that name."""
    log = await house.started()
    for tenant in (TENANT, OTHER):
        await append(house.database, log, 2, tenant)
    await log.publish_checkpoints()
    shutil.copy(house.files.heads / OTHER, house.files.heads / TENANT)
    await house.started()
    assert not isinstance(house.database, SqliteDatabase) or (house.files.heads / OTHER).exists()


async def test_an_operator_adopts_what_others_wrote_on_record(database: Database) -> None:
    log = log_on(database)
    await append(database, log, 2)
    await log.publish_checkpoints()
    await append(database, log, 1)
    for n in (3, 4):
        row = forged(await rows(database), {"n": n}, b"")
        await hurt(database, insert(TABLES.entries).values(row))
    await append(database, log, 1)
    assert "entry 3 " in await refused_at_start(database)
    assert await log_on(database).adopt(TENANT, NOW) == (3, 4)
    restarted = log_on(database)
    await restarted.check()
    entry = (await restarted.list_entries(TENANT, 6))[0]
    assert (entry.kind, entry.body) == ("log.adoption", b'{"first":3,"last":4}')
    assert (await restarted.verify(TENANT)).size == 7
    assert await restarted.adopt(TENANT, NOW) is None


async def test_what_contradicts_itself_is_not_adopted(database: Database) -> None:
    await append(database, log_on(database), 3)
    await hurt(database, update(TABLES.entries).where(at(1)).values(body=b"{}"))
    with pytest.raises(DataCorrupted, match="entry 1 was altered"):
        await log_on(database).adopt(TENANT, NOW)
