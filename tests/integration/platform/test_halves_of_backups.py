"""A capture database that was put back to an earlier state than the diff service's."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest

from systemzero.capture.v1 import capture_service_pb2 as pb
from systemzero.capture.v1 import pairing_service_pb2
from systemzero.diff.v1 import drift_service_pb2 as drift_pb
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.diff.v1 import verdict_pb2
from systemzero.tree.v1 import tree_pb2
from systemzero_admin.__main__ import main
from systemzero_capture.store import METADATA, SCHEMA_VERSION, Marks
from tests.support.databases import OpenDatabase
from tests.support.gateway import refused
from tests.support.pair import Pair, pair
from tests.support.stores import document, tree

NAMES = ("Buy", "Help", "About", "Terms", "Cart", "Search")


def drift(*names: str) -> pb.IngestRequest:
    native = document(tree(*names, *NAMES[len(names) :]))
    return pb.IngestRequest(native=native, screen_hint="shop", check=True)


@asynccontextmanager
async def compared(data: Path) -> AsyncIterator[Pair]:
    """Both services, once they have compared their databases."""
    async with pair(data) as served:
        await served.diff_service.pairing.compare()
        yield served


def apart(served: Pair) -> str:
    return served.diff_service.sampler.conditions["diff.captures"]()


async def two_halves(data: Path, kept: Path) -> None:
    """An event of a capture that `kept`, a capture database of before, does not have."""
    async with compared(data) as served:
        source = tree_pb2.TreeSource(native=document(tree(*NAMES)))
        request = template_pb.LearnTemplateRequest(screen_id="shop", captures=[source])
        await served.templates().LearnTemplate(request)
    shutil.copytree(data / "capture", kept)
    async with compared(data) as served:
        answer = await served.captures().Ingest(drift("Sell"))
        assert answer.verdict.kind == verdict_pb2.VERDICT_KIND_DRIFT


def put(folder: Path, data: Path) -> None:
    shutil.rmtree(data / "capture")
    shutil.copytree(folder, data / "capture")


async def test_an_older_capture_database_beside_a_newer_diff_database_judges_nothing(
    tmp_path: Path,
) -> None:
    data, kept, newest = tmp_path / "data", tmp_path / "kept", tmp_path / "newest"
    await two_halves(data, kept)
    shutil.copytree(data / "capture", newest)
    put(kept, data)
    for _ in range(2):  # a restart makes nothing good
        async with compared(data) as served:
            assert "restore the capture service's database (capture.db)" in apart(served)
            with pytest.raises(
                grpc.aio.AioRpcError, match=r"\(capture\.db\) from a backup"
            ) as error:
                await served.captures().Ingest(drift("Send"))
            assert error.value.code() is grpc.StatusCode.DATA_LOSS
            events = await served.drift().ListEvents(drift_pb.ListEventsRequest())
            assert len(events.events) == 1
    put(newest, data)
    async with compared(data) as served:
        assert apart(served) == ""
        await served.captures().Ingest(drift("Send"))


async def test_who_has_no_newer_capture_database_accepts_the_older_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, kept = tmp_path / "data", tmp_path / "kept"
    await two_halves(data, kept)
    put(kept, data)
    command = ["accept-captures", "--data", str(data)]
    assert await asyncio.to_thread(main, command) == 2
    assert "add --yes" in capsys.readouterr().err
    assert await asyncio.to_thread(main, [*command, "--yes"]) == 0
    for _ in range(2):
        async with compared(data) as served:
            assert apart(served) == ""
            await served.captures().Ingest(drift("Send"))


async def test_a_whole_backup_of_before_is_taken_as_it_is(tmp_path: Path) -> None:
    data, before = tmp_path / "data", tmp_path / "before"
    async with compared(data):
        pass
    shutil.copytree(data, before)
    shutil.rmtree(before / "capture")
    async with compared(data):
        pass
    shutil.copytree(data / "capture", before / "capture")  # it is copied last
    async with compared(before) as served:
        assert apart(served) == ""


async def test_a_mark_that_was_forgotten_for_many_later_ones_is_taken_for_known(
    open_database: OpenDatabase,
) -> None:
    database = open_database(METADATA, SCHEMA_VERSION)
    marks = Marks(database, kept=3)
    assert await marks.meet(0, b"", b"a") == 1
    assert await marks.meet(1, b"a", b"b") == 2
    assert await marks.meet(1, b"b", b"c") == 0
    assert await marks.meet(3, b"b", b"c") == 0
    assert await marks.meet(1, b"a", b"c") == 3
    assert await marks.meet(3, b"c", b"d") == 4  # and 1 is forgotten
    assert await marks.meet(1, b"another", b"e") == 5
    assert await marks.meet(4, b"another", b"f") == 0
    await database.close()


@pytest.mark.parametrize(
    ("number", "following"), [(1, b"short"), (-1, bytes(16)), (2**62, bytes(16))]
)
async def test_what_is_no_mark_is_refused(tmp_path: Path, number: int, following: bytes) -> None:
    async with pair(tmp_path) as served:
        request = pairing_service_pb2.PairRequest(number=number, next=following)
        code, *_ = await refused(served.pairing().Pair(request))
        assert code is grpc.StatusCode.INVALID_ARGUMENT


async def test_nobody_but_the_diff_service_leaves_a_mark(tmp_path: Path) -> None:
    async with pair(tmp_path) as served:
        request = pairing_service_pb2.PairRequest(next=bytes(16))
        code, *_ = await refused(served.pairing(issuer="gateway").Pair(request))
        assert code is grpc.StatusCode.PERMISSION_DENIED
