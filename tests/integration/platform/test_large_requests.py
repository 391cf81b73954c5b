"""Requests with large trees: a service leaves the trees unread, for whoever is to read them.

So what is wrong with a tree is told by the name of its field, and ends no stream.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from google.protobuf.message import Message

from systemzero.capture.v1 import capture_service_pb2
from systemzero.diff.v1 import diff_service_pb2, template_pb2, template_service_pb2
from systemzero.tree.v1 import tree_pb2
from systemzero_wire.trees import MAX_FRAMES
from tests.support.gateway import refused
from tests.support.services import House, capture_house, diff_house

_LARGE, _SMALL = 100_000, 10


def tree(size: int) -> tree_pb2.Tree:
    """A tree of one node with a long name."""
    return tree_pb2.Tree(nodes=[tree_pb2.Node(parent=-1, role="main", name="o" * size)])


def broken(request: Message, of: tree_pb2.Tree) -> bytes:
    """`request`, in which the tree's first node has more bytes than there are."""
    sound = of.SerializeToString()
    return request.SerializeToString().replace(sound, b"\x0a\xff\xff\xff\x7f" + sound[5:])


@asynccontextmanager
async def served(path: str, data: Path) -> AsyncIterator[House]:
    """The service that has the method."""
    houses = capture_house if ".capture." in path else diff_house
    async with houses(data) as house:
        yield house


async def fields_refused(house: House, path: str, request: bytes) -> list[str]:
    """The fields for which the service refuses a request."""
    call = house.channel.unary_unary(path, None, None)
    code, _, details = await refused(call(request, metadata=house.identity()))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    return [violation.field for violation in details["BadRequest"].field_violations]


def requests(of: tree_pb2.Tree) -> list[tuple[str, Message, str]]:
    """Methods, requests with the tree, and the field that it is in."""
    source = tree_pb2.TreeSource(tree=of)
    diff, templates = "/systemzero.diff.v1.DiffService", "/systemzero.diff.v1.TemplateService"
    template = template_pb2.Template(screen_id="orders", tree=of)
    return [
        (f"{diff}/Diff", diff_service_pb2.DiffRequest(a=source), "a"),
        (f"{diff}/Match", diff_service_pb2.MatchRequest(tree=source), "tree"),
        (f"{diff}/Check", diff_service_pb2.CheckRequest(tree=source), "tree"),
        (
            f"{templates}/LearnTemplate",
            template_service_pb2.LearnTemplateRequest(screen_id="orders", captures=[source]),
            "captures[0]",
        ),
        (
            f"{templates}/CreateTemplate",
            template_service_pb2.CreateTemplateRequest(template=template),
            "template",
        ),
        (
            "/systemzero.capture.v1.CaptureService/Ingest",
            capture_service_pb2.IngestRequest(tree=of),
            "tree",
        ),
    ]


@pytest.mark.parametrize("size", [_SMALL, _LARGE])
@pytest.mark.parametrize("case", range(6))
async def test_bytes_that_are_no_tree_are_refused_by_the_name_of_their_field(
    tmp_path: Path, size: int, case: int
) -> None:
    path, request, field = requests(tree(size))[case]
    if path.endswith("/Diff"):
        request.MergeFrom(diff_service_pb2.DiffRequest(b=tree_pb2.TreeSource(tree=tree(1))))
    async with served(path, tmp_path) as house:
        assert await fields_refused(house, path, broken(request, tree(size))) == [field]


async def test_a_capture_that_is_no_tree_does_not_end_its_stream(tmp_path: Path) -> None:
    kind = capture_service_pb2.IngestStreamRequest
    good = kind(ingest=capture_service_pb2.IngestRequest(tree=tree(_SMALL))).SerializeToString()
    bad = kind(ingest=capture_service_pb2.IngestRequest(tree=tree(_LARGE)))
    async with capture_house(tmp_path) as house:
        call = house.channel.stream_stream(
            "/systemzero.capture.v1.CaptureService/IngestStream",
            None,
            response_deserializer=capture_service_pb2.IngestStreamResponse.FromString,
        )
        sent = iter([good, broken(bad, tree(_LARGE)), good])
        answers = [each async for each in call(sent, metadata=house.identity())]
    assert [each.HasField("failure") for each in answers] == [False, True, False]


async def test_a_tree_that_is_given_twice_is_refused(tmp_path: Path) -> None:
    path, request, _ = requests(tree(_LARGE))[0]
    once = request.SerializeToString()
    async with diff_house(tmp_path) as house:
        assert await fields_refused(house, path, once + once) == ["a.tree"]


async def test_a_retry_with_the_same_tree_is_known_by_its_request_id(tmp_path: Path) -> None:
    request = capture_service_pb2.IngestRequest(request_id="one", tree=tree(_LARGE))
    request.capture_time.FromSeconds(1_000)
    async with capture_house(tmp_path) as house:
        first = await house.captures().Ingest(request)
        assert await house.captures().Ingest(request) == first


async def test_very_many_parts_of_a_request_are_refused_before_any_is_read(
    tmp_path: Path,
) -> None:
    learn = b"\x1a\x00" * 500_000
    check = b"\x42\x00" * 500_000
    native = tree_pb2.NativeCapture(data=b"{}", frames=[b""] * (MAX_FRAMES + 1))
    ingest = capture_service_pb2.IngestRequest(native=native).SerializeToString()
    diff = diff_service_pb2.DiffRequest(a=tree_pb2.TreeSource(native=native)).SerializeToString()
    async with diff_house(tmp_path / "diff") as house:
        named = template_service_pb2.LearnTemplateRequest(screen_id="a").SerializeToString()
        path = "/systemzero.diff.v1.TemplateService/LearnTemplate"
        assert await fields_refused(house, path, named + learn) == ["captures"]
        path = "/systemzero.diff.v1.DiffService/Check"
        assert await fields_refused(house, path, check) == ["incompleteness"]
        path = "/systemzero.diff.v1.DiffService/Diff"
        assert await fields_refused(house, path, diff) == ["a.native.frames"]
    async with capture_house(tmp_path / "capture") as house:
        path = "/systemzero.capture.v1.CaptureService/Ingest"
        assert await fields_refused(house, path, ingest) == ["native.frames"]
