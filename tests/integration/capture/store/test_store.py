"""The capture store's promises, over every database."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from systemzero_base.internal.identity import Principal
from systemzero_capture.admin.check import check_service
from systemzero_capture.model import NOBODY, ContentFacts, ErasureRequest, Sighting, StoredCapture
from systemzero_capture.peers.notes import NoteMacs
from systemzero_capture.store import CaptureStore, SqlCaptureStore
from systemzero_core.errors import Conflict, DomainError, FailedPrecondition, NotFound
from systemzero_storage.database import Database
from systemzero_storage.tree_body import compress, decompress
from tests.support.patience import UNHURRIED
from tests.support.stores import NOW, known, plain, sighting, tree

PLAIN = sighting()


@pytest.fixture
def store(database: Database) -> CaptureStore:
    return SqlCaptureStore(database)


async def add(
    store: CaptureStore,
    number: int,
    *names: str,
    tenant: str = "acme",
    said: Sighting = PLAIN,
    content: ContentFacts | None = None,
    verdict: bytes = b"",
) -> StoredCapture:
    """Add the capture `cap_<number>` of `tree(*names)`, with its body."""
    stored = await store.add(
        tenant,
        f"cap_{number}",
        NOW + number,
        content or known(*names),
        said,
        body=compress(tree(*names)),
        verdict=verdict,
    )
    assert stored is not None
    return stored


async def test_what_was_added_is_read_back_whole(store: CaptureStore) -> None:
    said = sighting("req_1", b"digest", app="shop", screen_hint="order", session_id="s")
    content = known("Buy", incomplete="a spinner turns")
    added = await add(store, 1, "Buy", said=said, content=content, verdict=b"verdict")
    assert await store.get("acme", "cap_1") == added
    kept = sighting(app="shop", screen_hint="order", session_id="s")
    assert (added.known, added.sighting, added.verdict) == (content, kept, b"verdict")
    assert decompress(await store.body("acme", "cap_1")) == tree("Buy")


async def test_equal_trees_are_one_body(store: CaptureStore) -> None:
    await add(store, 1, "Buy")
    # no body is given, nor missed: it is there already
    again = await store.add("acme", "cap_2", NOW, known("Buy"), PLAIN, body=None)
    assert again is not None
    assert await store.body("acme", "cap_2") == await store.body("acme", "cap_1")


async def test_without_a_stored_body_nothing_is_stored(store: CaptureStore) -> None:
    assert await store.add("acme", "cap_1", NOW, known("Buy"), PLAIN, body=None) is None
    with pytest.raises(NotFound):
        await store.get("acme", "cap_1")


async def test_a_repeated_request_gives_the_first_row(store: CaptureStore) -> None:
    said = sighting("req", b"one")
    first = await add(store, 1, "Buy", said=said, verdict=b"v")
    assert await add(store, 2, "Buy", said=said) == first
    assert await store.find_request("acme", said) == first
    assert [c.capture_id for c in await store.after("acme", 0, 10)] == ["cap_1"]


async def test_a_request_id_of_another_request_conflicts(store: CaptureStore) -> None:
    await add(store, 1, "Buy", said=sighting("req", b"one"))
    other = sighting("req", b"two")
    with pytest.raises(Conflict):
        await add(store, 2, "Sell", said=other)
    with pytest.raises(Conflict):
        await store.find_request("acme", other)
    assert await store.known("acme", known("Sell").signatures.full) is None


async def test_concurrent_repeats_store_one_row(store: CaptureStore) -> None:
    said = sighting("req", b"one")
    rows = await asyncio.gather(*(add(store, n, "Buy", said=said) for n in range(20)))
    assert len({row.capture_id for row in rows}) == 1
    assert len(await store.after("acme", 0, 100)) == 1


async def test_the_first_verdict_stays(store: CaptureStore) -> None:
    capture = await add(store, 1, "Buy")
    assert (await store.set_verdict("acme", capture, b"first")).verdict == b"first"
    assert (await store.set_verdict("acme", capture, b"second")).verdict == b"first"
    assert (await store.get("acme", "cap_1")).verdict == b"first"


async def test_concurrent_verdicts_are_one(store: CaptureStore) -> None:
    capture = await add(store, 1, "Buy")
    calls = (store.set_verdict("acme", capture, b"%d" % n) for n in range(8))
    done = await asyncio.gather(*calls)
    judged = await store.get("acme", "cap_1")
    assert {each.verdict for each in done} == {judged.verdict}


async def test_captures_that_are_alike_keep_each_its_own_verdict(
    store: CaptureStore, database: Database
) -> None:
    content = known("Buy", incomplete="a spinner turns")
    said = sighting(app="shop", screen_hint="order", session_id="s")
    captures = [await add(store, n, "Buy", said=said, content=content) for n in range(6)]
    verdicts = [b"same", b"one", b"same", b"two", b"", b"same"]
    for capture, verdict in zip(captures, verdicts, strict=True):
        if verdict:
            await store.set_verdict("acme", capture, verdict)
    stored = await store.after("acme", 0, 10)
    assert [capture.verdict for capture in stored] == verdicts
    assert {(capture.known, capture.sighting) for capture in stored} == {(content, said)}
    kinds = "SELECT count(*) FROM kinds"
    assert await database.read(lambda c: c.exec_driver_sql(kinds).scalar()) == 4
    assert await add(store, 7, "Buy", said=said, content=content, verdict=b"one")
    assert await database.read(lambda c: c.exec_driver_sql(kinds).scalar()) == 4
    # each is found again by what the rows say
    assert [line async for line in check_service(database, Path(), "", [])]


@pytest.mark.parametrize("judged", [True, False], ids=["judged", "not judged"])
async def test_no_verdict_comes_back_to_what_was_erased_meanwhile(
    store: CaptureStore, database: Database, judged: bool
) -> None:
    capture = await add(store, 1, "Buy", verdict=b"with texts" if judged else b"")
    await store.erase("acme", "cap_1", NOW, plain)
    kept = b"plain" if judged else b""
    done = await store.set_verdict("acme", capture, b"with texts")
    assert done.verdict == (kept or b"with texts")
    assert (await store.get("acme", "cap_1")).verdict == kept
    kinds = "SELECT count(*) FROM kinds"
    assert await database.read(lambda c: c.exec_driver_sql(kinds).scalar()) == 1


async def test_a_shared_body_stays_until_the_last_capture_is_erased(store: CaptureStore) -> None:
    digest = known("Buy").signatures.full
    await add(store, 1, "Buy")
    await add(store, 2, "Buy")
    erased = await store.erase("acme", "cap_1", NOW, plain)
    assert (erased.erase_time, erased.known) == (NOW, known("Buy"))
    with pytest.raises(FailedPrecondition):
        await store.body("acme", "cap_1")
    assert decompress(await store.body("acme", "cap_2")) == tree("Buy")
    assert await store.known("acme", digest) is not None
    await store.erase("acme", "cap_2", NOW, plain)
    assert await store.known("acme", digest) is None
    assert await store.add("acme", "cap_3", NOW, known("Buy"), PLAIN, body=None) is None


async def test_the_note_of_an_erasure_says_who_asked_and_shows_that_it_was_the_service(
    store: CaptureStore,
) -> None:
    macs, others = NoteMacs(bytes(32)), NoteMacs(bytes(31) + b"1")
    for number in (1, 2, 3):
        await add(store, number, "Buy")
        asked = macs.asked(Principal("acme", "key_7"), f"cap_{number}", NOW + number)
        await store.erase("acme", f"cap_{number}", NOW + number, plain, asked)
    notes = await store.unfinished_erasures()
    assert [(note.capture_id, note.asked.principal_id) for note in notes] == [
        (f"cap_{number}", "key_7") for number in (1, 2, 3)
    ]
    assert await store.unfinished_erasures(2) == notes[2:]
    assert all(macs.holds(note) and not others.holds(note) for note in notes)
    for wrong in (
        {"tenant": "other"},
        {"capture_id": "cap_2"},
        {"create_time": NOW},
        {"asked": ErasureRequest("key_8", notes[0].asked.mac)},
        {"asked": NOBODY},
    ):
        assert not macs.holds(msgspec.structs.replace(notes[0], **wrong))
    await store.erase("acme", "cap_1", NOW, plain)  # noted anew, by nobody
    assert macs.holds((await store.unfinished_erasures())[1])
    assert not macs.holds((await store.unfinished_erasures())[0])
    for number in (1, 2, 3):
        await store.finish_erasure("acme", f"cap_{number}")
    assert await store.unfinished_erasures() == []


async def test_an_erased_body_comes_back_with_a_new_capture_alone(store: CaptureStore) -> None:
    await add(store, 1, "Buy")
    await store.erase("acme", "cap_1", NOW, plain)
    await add(store, 2, "Buy")
    assert decompress(await store.body("acme", "cap_2")) == tree("Buy")
    with pytest.raises(FailedPrecondition):
        await store.body("acme", "cap_1")
    # erasing what is erased changes nothing: neither its time nor the other's body
    assert (await store.erase("acme", "cap_1", NOW + 5, plain)).erase_time == NOW
    assert decompress(await store.body("acme", "cap_2")) == tree("Buy")


async def test_the_bytes_of_an_erased_body_are_gone(
    store: CaptureStore, database: Database
) -> None:
    await add(store, 1, "Buy")
    await store.erase("acme", "cap_1", NOW, plain)
    left = await database.read(
        lambda c: c.exec_driver_sql("SELECT count(*) FROM trees WHERE body IS NOT NULL").scalar()
    )
    assert left == 0


async def test_a_digest_stands_only_for_what_was_seen_complete(store: CaptureStore) -> None:
    digest = known("Buy").signatures.full
    await add(store, 1, "Buy", content=known("Buy", incomplete="a spinner turns"))
    assert await store.known("acme", digest) is None
    await add(store, 2, "Buy")
    assert await store.known("acme", digest) == known("Buy")


def _as_of_the_same_place(capture_id: str) -> StoredCapture:
    return StoredCapture(
        capture_id=capture_id, position=1, create_time=NOW, known=known("Buy"), sighting=PLAIN
    )


Walk = Callable[[CaptureStore, str], Awaitable[object]]
WALKS: dict[str, Walk] = {
    "get": lambda s, i: s.get("other", i),
    "body": lambda s, i: s.body("other", i),
    "erase": lambda s, i: s.erase("other", i, NOW, plain),
    "set_verdict": lambda s, i: s.set_verdict("other", _as_of_the_same_place(i), b"v"),
}


@pytest.mark.parametrize("name", WALKS)
async def test_another_tenants_capture_is_no_capture(store: CaptureStore, name: str) -> None:
    mine = await add(store, 1, "Buy")
    theirs = await add(store, 2, "Buy", tenant="other")
    answers: list[DomainError] = []
    for capture_id in ("cap_1", "cap_9"):
        with pytest.raises(NotFound) as caught:
            await WALKS[name](store, capture_id)
        answers.append(caught.value)
    assert answers[0].message.replace("cap_1", "cap_9") == answers[1].message
    assert await store.get("acme", "cap_1") == mine
    assert await store.get("other", "cap_2") == theirs


async def test_nothing_of_another_tenant_is_seen(store: CaptureStore) -> None:
    said = sighting("req", b"one", app="shop", session_id="s")
    await add(store, 1, "Buy", said=said)
    everything = {"before": None, "app": "", "session_id": ""}
    assert await store.newest("other", 10, **everything) == []  # type: ignore[arg-type]
    assert await store.after("other", 0, 10) == []
    assert await store.last_position("other") == 0
    assert await store.known("other", known("Buy").signatures.full) is None
    assert await store.find_request("other", said) is None
    assert await store.add("other", "cap_2", NOW, known("Buy"), PLAIN, body=None) is None
    # the same request id is another tenant's own
    await add(store, 3, "Sell", tenant="other", said=sighting("req", b"two"))
    await store.erase("other", "cap_3", NOW, plain)
    assert await store.body("acme", "cap_1")


_TENANTS = itertools.count()


@settings(max_examples=15, suppress_health_check=UNHURRIED)
@given(
    rows=st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy")), max_size=12),
    size=st.integers(1, 5),
    app=st.sampled_from(["", "a", "b"]),
    session=st.sampled_from(["", "x", "y"]),
)
async def test_pages_equal_the_listing(
    store: CaptureStore, rows: list[tuple[str, str]], size: int, app: str, session: str
) -> None:
    tenant = f"t{next(_TENANTS)}"
    for n, (its_app, its_session) in enumerate(rows):
        said = sighting(app=its_app, session_id=its_session)
        await add(store, n, "Buy", tenant=tenant, said=said)
        await add(store, n, "Buy", tenant=f"{tenant} too", said=said)
    paged: list[StoredCapture] = []
    before = None
    while page := await store.newest(tenant, size, before=before, app=app, session_id=session):
        paged += page
        before = page[-1].position
    wanted = [
        f"cap_{n}" for n, row in enumerate(rows) if app in ("", row[0]) and session in ("", row[1])
    ]
    assert [capture.capture_id for capture in paged] == wanted[::-1]


async def test_a_follower_loses_and_repeats_nothing_while_captures_come_in(
    store: CaptureStore,
) -> None:
    async def writes(worker: int) -> None:
        for n in range(15):
            await add(store, worker * 100 + n, f"button {n % 4}")

    writers = asyncio.gather(*(writes(worker) for worker in range(4)))
    seen: list[str] = []
    position = 0
    while len(seen) < 60:
        for capture in await store.after("acme", position, 7):
            assert capture.position > position
            position = capture.position
            seen.append(capture.capture_id)
    await writers
    assert len(set(seen)) == 60
    assert await store.last_position("acme") == position
