"""Several processes' worth of diff service over one database: a session has one path."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from systemzero.diff.v1 import diff_service_pb2 as pb
from systemzero_storage.database import DatabaseSettings
from tests.integration.diff.verdicts.test_sessions import page
from tests.support.checks import DRIFT, UNCHANGED, check, put, source
from tests.support.postgres import Server, migrated
from tests.support.services import House, diff_house

Workers = tuple[House, House]
TRANSITIONS = {"home": ("cart",), "cart": ("home", "pay"), "pay": ("done",), "help": ()}
DRIFTED = page("pay", "Now with a text")


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, DatabaseSettings]]:
    """Keys and database of all processes; each test has sessions of its own."""
    folder = tmp_path_factory.mktemp("diff")
    if request.param == "sqlite":
        yield folder, DatabaseSettings()
        return
    server: Server = request.getfixturevalue("postgres").fresh()
    yield folder, DatabaseSettings(url_file=migrated(server, folder), pool=4)
    server.drop()


@pytest.fixture
async def workers(shared: tuple[Path, DatabaseSettings]) -> AsyncIterator[Workers]:
    folder, database = shared
    async with diff_house(folder, database=database) as one:
        for name, following in TRANSITIONS.items():
            await put(one, name, page(name), valid_transitions=following)
        # the second one starts when the templates are there: they are not what this is about
        async with diff_house(folder, database=database) as other:
            yield one, other


async def walk(session: str, *steps: tuple[House, str]) -> list[list[str]]:
    """The codes found at each step of one session."""
    codes = []
    for house, name in steps:
        verdict = await check(house, page(name), name, session_id=session)
        assert verdict.kind == UNCHANGED
        codes.append([finding.code for finding in verdict.findings])
    return codes


async def test_a_path_through_several_processes_is_one(workers: Workers) -> None:
    one, other = workers
    # one process for itself would have seen home, home, pay
    path = ((one, "home"), (other, "cart"), (one, "home"), (other, "cart"), (one, "pay"))
    assert await walk("a", *path) == [[]] * 5
    assert await walk("a", (other, "home")) == [["invalid_transition"]]
    assert await walk("a", (one, "home")) == [[]]


async def test_a_loop_is_told_once_by_whichever_process_sees_it(workers: Workers) -> None:
    one, other = workers
    steps = [(one, "home"), (other, "cart"), (other, "home"), (one, "cart")] * 3
    codes = await walk("b", *steps)
    assert [at for at, found in enumerate(codes) if found] == [5]
    assert codes[5] == ["loop"]


async def test_drift_is_recorded_with_what_another_process_saw_before(workers: Workers) -> None:
    one, other = workers
    await walk("c", (one, "home"))
    request = pb.CheckRequest(
        tree=source(DRIFTED), screen_hint="pay", session_id="c", request_id="req_1"
    )
    first = (await other.diff().Check(request)).verdict
    assert first.kind == DRIFT
    assert next(finding.code for finding in first.findings) == "invalid_transition"
    # a repeat is the same event, and no visit: the path did not go on
    assert (await one.diff().Check(request)).verdict == first
    assert await walk("c", (one, "pay")) == [[]]


async def test_visits_at_once_are_none_lost_and_none_told_twice(workers: Workers) -> None:
    """Whatever their order: no step from one of these screens to another is allowed."""
    screens = {name: page(name) for name in ("home", "pay", "help")}

    async def visit(house: House, name: str, session: str) -> list[str]:
        verdict = await check(house, screens[name], name, session_id=session)
        return [finding.code for finding in verdict.findings]

    for number in range(10):
        session = f"session {number}"
        both = zip(workers, ("home", "pay"), strict=True)
        found = await asyncio.gather(*(visit(house, name, session) for house, name in both))
        assert sorted(found) == [[], ["invalid_transition"]]  # the second saw the first
        same = await asyncio.gather(*(visit(house, "help", session) for house in workers))
        assert sorted(same) == [[], ["invalid_transition"]]  # one visit
