"""Rotation of a log's key: by its files, at the server, and as clients follow it."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from systemzero_admin.__main__ import main
from systemzero_client.offline import verify_bundle_file, verify_export_file
from systemzero_client.pins import PinStore
from systemzero_client.verify import LogVerifier
from systemzero_core.errors import DataCorrupted, FailedPrecondition
from systemzero_core.tlog import (
    LogVerificationError,
    VerifierKey,
    split_note,
    verify_checkpoint,
    verify_rotation,
)
from systemzero_evidence.log import (
    LogDiverged,
    LogKeys,
    begin_rotation,
    finish_rotation,
    load_log_keys,
)
from systemzero_storage.database import SqliteDatabase, open_sqlite
from tests.support.logs import METADATA, NAME, ORIGIN, TENANT, client_of, grow, log_on


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    opened = open_sqlite(tmp_path / "log.db", METADATA, 1)
    yield opened
    await opened.close()


@pytest.fixture
def key(tmp_path: Path) -> Path:
    load_log_keys(tmp_path / "keys" / "log.key")
    return tmp_path / "keys" / "log.key"


def raw(keys: LogKeys) -> list[bytes]:
    return [each.private_bytes_raw() for each in keys.signing]


def test_both_keys_sign_between_the_two_steps(key: Path) -> None:
    [old] = raw(load_log_keys(key))
    begin_rotation(key, NAME)
    first, new = raw(load_log_keys(key))
    assert (first == old, new == old) == (True, False)
    finish_rotation(key)
    assert raw(load_log_keys(key)) == [new]
    begin_rotation(key, NAME)
    assert raw(load_log_keys(key))[0] == new
    assert len(load_log_keys(key).rotations) == 2
    assert {stat.S_IMODE(file.stat().st_mode) for file in key.parent.iterdir()} == {0o600}


def test_steps_out_of_order_are_refused_and_change_nothing(key: Path) -> None:
    with pytest.raises(FailedPrecondition, match="no rotation is under way"):
        finish_rotation(key)
    begin_rotation(key, NAME)
    before = load_log_keys(key)
    with pytest.raises(FailedPrecondition, match="a rotation is under way"):
        begin_rotation(key, NAME)
    assert raw(load_log_keys(key)) == raw(before)
    with pytest.raises(FailedPrecondition, match="there is no key"):
        begin_rotation(key.with_name("other.key"), NAME)


def test_a_rotation_that_a_crash_cut_short_is_begun_again(key: Path) -> None:
    begin_rotation(key, NAME)
    key.with_suffix(".rotations").unlink()  # the second file is what was not written yet
    assert len(load_log_keys(key).signing) == 1
    with pytest.raises(FailedPrecondition, match="not begun whole"):
        finish_rotation(key)
    begin_rotation(key, NAME)
    assert len(load_log_keys(key).signing) == 2


@pytest.mark.parametrize("content", [b"", b"[1]", b'["x"]', b"{}"])
def test_damaged_statements_are_refused(key: Path, content: bytes) -> None:
    key.with_suffix(".rotations").write_bytes(content)
    with pytest.raises(DataCorrupted, match=r"log\.rotations is damaged"):
        load_log_keys(key)


def test_the_command_rotates_and_says_what_is_next(
    key: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(step: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["sz-admin", "log-key", step, "--key", str(key)])
        status = main()
        return status, "".join(capsys.readouterr())

    assert "no origin stands beside" in run("begin")[1]
    (key.parent / "origin").write_text(NAME)
    began, again, finished = run("begin"), run("begin"), run("finish")
    assert [began[0], again[0], finished[0]] == [0, 2, 0]
    assert "restart the service" in began[1]
    assert "under way" in again[1]
    [note] = load_log_keys(key).rotations
    assert verify_rotation(note).new.name == NAME


async def test_old_checkpoints_verify_and_the_newest_is_signed_by_the_keys_that_sign(
    database: SqliteDatabase, key: Path
) -> None:
    log = log_on(database, load_log_keys(key))
    await grow(database, log, 3)
    old_note, old_key = await log.checkpoint(TENANT), VerifierKey.parse(log.vkeys(TENANT)[0])
    begin_rotation(key, NAME)
    log = log_on(database, load_log_keys(key))
    await log.check()
    both = await log.checkpoint(TENANT)  # the log did not grow: the same checkpoint, signed anew
    assert both.startswith(old_note)
    assert len(split_note(both)[1]) == 2
    finish_rotation(key)
    log = log_on(database, load_log_keys(key))
    await log.check()
    await grow(database, log, 2)
    new_note, new_key = await log.checkpoint(TENANT), VerifierKey.parse(log.vkeys(TENANT)[0])
    assert verify_checkpoint(both, [old_key]) == verify_checkpoint(both, [new_key])
    assert verify_checkpoint(new_note, [new_key]).size == 5
    with pytest.raises(LogVerificationError):
        verify_checkpoint(new_note, [old_key])
    await log.verify(TENANT)


async def test_a_key_that_no_statement_introduces_is_refused(
    database: SqliteDatabase, key: Path
) -> None:
    log = log_on(database, load_log_keys(key))
    await grow(database, log, 3)
    await log.publish_checkpoints()
    begin_rotation(key, NAME)
    finish_rotation(key)
    unexplained = LogKeys(load_log_keys(key).signing)
    with pytest.raises(LogDiverged, match="not one that its key signed"):
        await log_on(database, unexplained).check()


async def test_a_client_follows_though_it_was_away_for_two_rotations(
    database: SqliteDatabase, key: Path, tmp_path: Path
) -> None:
    store = PinStore(tmp_path / "pins")
    bundle, export = tmp_path / "old.json", tmp_path / "old.jsonl"
    log = log_on(database, load_log_keys(key))
    await grow(database, log, 3)
    first = log.vkeys(TENANT)[0]
    async with client_of(log) as client:
        verifier = LogVerifier(client, store=store)
        await verifier.everything()
        assert verifier.rotated == ""
        bundle.write_bytes((await verifier.entry(1))[1])
        export.write_bytes(b"".join([chunk async for chunk in client.log.export()]))
        target = client.transport.target
    for _ in range(2):
        begin_rotation(key, NAME)
        finish_rotation(key)
    log = log_on(database, load_log_keys(key))
    await grow(database, log, 2)
    async with client_of(log) as client:
        [pin] = store.of_target(target)
        store.put(type(pin)(client.transport.target, pin.origin, pin.vkey, pin.note))
        verifier = LogVerifier(client, store=store)
        assert (await verifier.everything()).checkpoint.size == 5
        assert (verifier.rotated, verifier.first_use) == (log.vkeys(TENANT)[0], "")
        assert (await verifier.entry(4))[0].checkpoint.size == 5
        [pin] = store.of_target(client.transport.target)
        assert (pin.vkey, pin.former[0]) == (log.vkeys(TENANT)[0], first)
        given = LogVerifier(client, store=PinStore(tmp_path / "none"), key=first)
        assert (await given.everything()).checkpoint.size == 5
    assert verify_bundle_file(bundle, store=store).entry.index == 1
    with export.open("rb") as file:  # of three entries, five are pinned
        with pytest.raises(LogVerificationError, match="it ends before entry 3 of 5"):
            verify_export_file(file, store=store)
        file.seek(0)
        assert verify_export_file(file, store=PinStore(tmp_path / "other"), key=first)


async def test_a_retired_key_signs_no_newest_checkpoint(
    database: SqliteDatabase, key: Path, tmp_path: Path
) -> None:
    """Who steals a retired key cannot go on with the log for clients that followed."""
    stolen = load_log_keys(key)
    store = PinStore(tmp_path / "pins")
    begin_rotation(key, NAME)
    finish_rotation(key)
    log = log_on(database, load_log_keys(key))
    await grow(database, log, 3)
    async with client_of(log) as client:
        await LogVerifier(client, store=store, key=log.vkeys(TENANT)[0]).everything()
        [pin] = store.all()
    thief = log_on(database, LogKeys(stolen.signing, load_log_keys(key).rotations))
    for table in ("log_checkpoints", "log_entries"):  # of whose MACs the retired key knows nothing
        await database.write(lambda c, t=table: c.exec_driver_sql(f"DELETE FROM {t}").close())  # type: ignore[misc]  # noqa: S608 - of the two
    await grow(database, thief, 4)
    async with client_of(thief) as client:
        store.put(type(pin)(client.transport.target, ORIGIN, pin.vkey, pin.note, pin.former))
        with pytest.raises(LogVerificationError, match="no trusted key signed it"):
            await LogVerifier(client, store=store).everything()
