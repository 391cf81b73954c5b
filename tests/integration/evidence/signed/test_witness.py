"""Witnesses: what they cosign is kept and served, and a second history is found out by them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from systemzero_client.pins import PinStore
from systemzero_client.verify import LogVerifier
from systemzero_client.witnesses import Witnesses
from systemzero_core.errors import DataCorrupted, InvalidInput, Unavailable
from systemzero_core.tlog import LogVerificationError, cosignatures_of, parse_checkpoint
from systemzero_evidence.log import LogStore, Witness
from systemzero_evidence.signed import http
from systemzero_evidence.signed.witnesses import cosigning
from systemzero_storage.database import SqliteDatabase, open_sqlite
from tests.support.logs import METADATA, ORIGIN, TENANT, client_of, grow, log_on
from tests.support.loops import some_loops
from tests.support.patience import PATIENCE
from tests.support.witness import TIME, FakeWitness, Reply, serving_witness


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    opened = open_sqlite(tmp_path / "log.db", METADATA, 1)
    yield opened
    await opened.close()


@pytest.fixture
def witness(database: SqliteDatabase) -> Iterator[FakeWitness]:
    with serving_witness(FakeWitness()) as served:
        served.trust(log_on(database).vkeys(TENANT)[0])
        yield served


def known(*witnesses: FakeWitness) -> tuple[Witness, ...]:
    return tuple(Witness(each.url, str(each.verifier)) for each in witnesses)


def required(*witnesses: FakeWitness, quorum: int = 0) -> Witnesses:
    return Witnesses.parse([str(each.verifier) for each in witnesses], quorum)


async def asked(log: LogStore) -> list[bool]:
    """Publish what there is, and ask each witness once; which of them took it."""
    await log.publish_checkpoints()
    return [await cosigner.ask() for cosigner in log.cosigners]


def sizes(notes: list[str]) -> list[int]:
    return [parse_checkpoint(note).size for note in notes]


async def test_checkpoints_are_cosigned_and_the_newest_is_served(
    database: SqliteDatabase, witness: FakeWitness
) -> None:
    log = log_on(database, witnesses=known(witness))
    assert await log.cosigned_checkpoints(TENANT) == []
    for count in (3, 5):
        await grow(database, log, count)
        assert await asked(log) == [True]
    [note] = await log.cosigned_checkpoints(TENANT)
    assert parse_checkpoint(note).size == 8
    assert cosignatures_of(note, [witness.verifier]) == [(witness.verifier, TIME)]
    assert [body.split(b"\n")[0] for body in witness.requests] == [b"old 0", b"old 3"]


async def test_a_task_has_what_is_published_cosigned(
    database: SqliteDatabase, witness: FakeWitness
) -> None:
    log = log_on(database, witnesses=known(witness))
    [loop] = cosigning(some_loops(), log.cosigners)
    loop.start()
    await grow(database, log, 3)
    await log.publish_checkpoints()
    async with asyncio.timeout(PATIENCE):
        while not await log.cosigned_checkpoints(TENANT):
            pass
    await loop.stop()


async def test_what_is_cosigned_already_is_not_submitted_again(
    database: SqliteDatabase, witness: FakeWitness
) -> None:
    log = log_on(database, witnesses=known(witness))
    await grow(database, log, 3)
    await asked(log)
    again = log_on(database, witnesses=known(witness))
    await again.check()
    assert await asked(again) == [True]
    assert len(witness.requests) == 1


async def test_a_witness_that_knows_more_than_is_stored_here_is_asked_from_there(
    database: SqliteDatabase, witness: FakeWitness
) -> None:
    log = log_on(database, witnesses=known(witness))
    await grow(database, log, 3)
    witness.seen[ORIGIN] = parse_checkpoint(await log.checkpoint(TENANT))
    await grow(database, log, 4)
    assert await asked(log) == [True]
    assert sizes(await log.cosigned_checkpoints(TENANT)) == [7]
    assert [body.split(b"\n")[0] for body in witness.requests] == [b"old 0", b"old 3"]


async def test_a_process_that_another_was_faster_than_is_not_told_of_a_cut_log(
    database: SqliteDatabase, witness: FakeWitness
) -> None:
    """The witness cosigns what another process published, before what was under way to it."""
    log, other = (log_on(database, witnesses=known(witness)) for _ in range(2))
    loop = asyncio.get_running_loop()
    waiting: list[bytes] = []

    async def overtake() -> None:
        await grow(database, other, 2)
        assert await asked(other) == [True]

    def late(body: bytes) -> Reply:
        if not waiting:
            waiting.append(body)
            asyncio.run_coroutine_threadsafe(overtake(), loop).result(PATIENCE)
        return witness.add_checkpoint(body)

    witness.answer = late
    await grow(database, log, 3)
    with capture_logs() as logs:
        assert await asked(log) == [True]
    assert [line for line in logs if line["event"].startswith("log.witness")] == []
    assert log.cosigners[0].refused == ""
    assert sizes(await log.cosigned_checkpoints(TENANT)) == [5]


async def test_processes_that_ask_a_witness_at_once_are_all_content(
    database: SqliteDatabase, witness: FakeWitness
) -> None:
    logs = [log_on(database, witnesses=known(witness)) for _ in range(4)]

    async def serve(log: LogStore) -> None:
        for _ in range(10):
            await grow(database, log, 1)
            await asked(log)
            assert log.cosigners[0].refused == ""

    await asyncio.gather(*map(serve, logs))
    while not all([(await asked(log))[0] for log in logs]):
        pass
    assert sizes(await logs[0].cosigned_checkpoints(TENANT)) == [40]


async def test_a_witness_that_has_seen_more_says_that_the_log_was_cut(
    database: SqliteDatabase, witness: FakeWitness
) -> None:
    log = log_on(database, witnesses=known(witness))
    await grow(database, log, 3)
    seen = parse_checkpoint(await log.checkpoint(TENANT))
    witness.seen[ORIGIN] = seen._replace(size=9)
    with capture_logs() as logs:
        assert await asked(log) == [False]
    [line] = [line for line in logs if line["event"] == "log.witness.refused"]
    assert line["log_level"] == "error"
    assert "has cosigned 9 entries, the log has 3" in line["why"]
    assert await log.cosigned_checkpoints(TENANT) == []


@pytest.mark.parametrize(("forged", "count"), [(3, 3), (3, 5)])
async def test_a_witness_cosigns_no_second_history(
    database: SqliteDatabase, witness: FakeWitness, tmp_path: Path, forged: int, count: int
) -> None:
    """The first history is cosigned; a second, well signed one of the same log is not."""
    log = log_on(database, witnesses=known(witness))
    await grow(database, log, 3)
    await asked(log)
    other = open_sqlite(tmp_path / "other.db", METADATA, 1)
    split = log_on(other, witnesses=known(witness))
    await grow(other, split, count, "forged")
    with capture_logs() as logs:
        assert await asked(split) == [False]
    assert "or there are two of it" in str(logs)
    async with client_of(split) as client:
        verifier = LogVerifier(
            client, store=PinStore(tmp_path / "pins"), witnesses=required(witness)
        )
        with pytest.raises(LogVerificationError, match="0 of the 1 witnesses"):
            await verifier.everything()
    await other.close()


@pytest.mark.parametrize(
    "reply",
    [
        Reply(500),
        Reply(404),
        Reply(302),
        Reply(200),
        Reply(200, "— witness.example/w1 AAAA\n"),
        Reply(200, "nonsense\n"),
        Reply(200, "no line feed"),
        Reply(409, "many\n"),
        Reply(409, "0\n"),
        Reply(409),
    ],
    ids=repr,
)
async def test_what_is_no_cosignature_is_not_kept(
    database: SqliteDatabase, witness: FakeWitness, reply: Reply
) -> None:
    log = log_on(database, witnesses=known(witness))
    await grow(database, log, 3)
    witness.answer = lambda _body: reply
    assert await asked(log) == [False]
    assert await log.cosigned_checkpoints(TENANT) == []
    witness.answer = witness.add_checkpoint  # it recovers, and what was not cosigned waited
    assert await asked(log) == [True]
    assert sizes(await log.cosigned_checkpoints(TENANT)) == [3]


async def test_a_line_of_another_key_is_passed_over(
    database: SqliteDatabase, witness: FakeWitness
) -> None:
    log = log_on(database, witnesses=known(witness))
    await grow(database, log, 3)
    stranger = FakeWitness("witness.example/w1")

    def both(body: bytes) -> Reply:
        reply = witness.add_checkpoint(body)
        note = body.decode().partition("\n\n")[2]
        return reply._replace(body=stranger.line(note) + reply.body)

    witness.answer = both
    assert await asked(log) == [True]
    [note] = await log.cosigned_checkpoints(TENANT)
    assert cosignatures_of(note, [stranger.verifier]) == []


async def test_a_client_requires_some_of_several_witnesses(
    database: SqliteDatabase, witness: FakeWitness, tmp_path: Path
) -> None:
    """One of three is down for good, one since the third entry."""
    down = FakeWitness("witness.example/down")
    with serving_witness(FakeWitness("witness.example/w2")) as late:
        late.trust(log_on(database).vkeys(TENANT)[0])
        down.url = late.url + "/nowhere"
        log = log_on(database, witnesses=known(witness, late, down))
        await grow(database, log, 3)
        assert await asked(log) == [True, True, False]
        late.answer = lambda _body: Reply(503)
        await grow(database, log, 4)
        assert await asked(log) == [True, False, False]
    assert sizes(await log.cosigned_checkpoints(TENANT)) == [3, 7]
    async with client_of(log) as client:

        async def seen_by(quorum: int) -> int:
            verifier = LogVerifier(
                client,
                store=PinStore(tmp_path / "pins"),
                witnesses=required(witness, late, down, quorum=quorum),
            )
            await verifier.everything()
            assert verifier.witnessed is not None
            return verifier.witnessed.size

        assert await seen_by(1) == 7
        assert await seen_by(2) == 3
        with pytest.raises(LogVerificationError, match="2 of the 3 witnesses"):
            await seen_by(3)


async def test_a_witness_who_saw_another_history_is_heard(
    database: SqliteDatabase, witness: FakeWitness, tmp_path: Path
) -> None:
    """The server shows a cosignature that it got for the history it hides."""
    log = log_on(database, witnesses=known(witness))
    await grow(database, log, 3)
    await asked(log)
    [cosigned] = await log.cosigned_checkpoints(TENANT)
    other = open_sqlite(tmp_path / "other.db", METADATA, 1)
    split = log_on(other)
    await grow(other, split, 6, "forged")

    async def stolen(tenant: str) -> list[str]:
        return [cosigned]

    split.cosigned_checkpoints = stolen  # type: ignore[method-assign]
    async with client_of(split) as client:
        verifier = LogVerifier(
            client, store=PinStore(tmp_path / "pins"), witnesses=required(witness)
        )
        with pytest.raises(LogVerificationError, match="history was rewritten"):
            await verifier.everything()
    await other.close()


async def test_a_checkpoint_that_was_cosigned_and_is_gone_is_missed(
    database: SqliteDatabase, witness: FakeWitness
) -> None:
    log = log_on(database, witnesses=known(witness))
    await grow(database, log, 3)
    await asked(log)
    await database.write(lambda c: c.exec_driver_sql("DELETE FROM log_checkpoints").close())
    with pytest.raises(DataCorrupted, match="3 entries, which was cosigned, is gone"):
        await log.cosigned_checkpoints(TENANT)


def test_a_witness_is_configured_well(database: SqliteDatabase) -> None:
    good = FakeWitness().verifier
    log_key = log_on(database).vkeys(TENANT)[0]
    for url, key in (("ftp://w", str(good)), ("http://w", log_key), ("http://w", "x")):
        with pytest.raises(InvalidInput):
            log_on(database, witnesses=(Witness(url, key),))
    for keys, quorum in (([str(good)] * 2, 1), ([str(good)], 2), ([log_key], 1)):
        with pytest.raises(InvalidInput):
            Witnesses.parse(keys, quorum)


class Ended(asyncio.Event):
    close = asyncio.Event.set


@pytest.mark.parametrize("ending", ["too late", "cancelled"])
async def test_a_witness_that_answers_byte_by_byte_is_given_up(
    monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    if ending == "too late":
        monkeypatch.setattr(http, "_TIMEOUT", 0.5)
    drips = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError), closing(ended):
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while await reader.read(65_536):
                break
            while True:
                writer.write(b"x")
                await writer.drain()
                drips.set()
                await asyncio.sleep(0.05)

    ended = Ended()
    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        asked = asyncio.create_task(http.post(f"http://127.0.0.1:{port}/log", b"x"))
        if ending == "cancelled":
            await asyncio.wait_for(drips.wait(), PATIENCE)
            asked.cancel()
        with pytest.raises((Unavailable, asyncio.CancelledError)):
            await asked
        await asyncio.wait_for(ended.wait(), PATIENCE)
    finally:
        server.close()
