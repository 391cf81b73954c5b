"""Large work of the services is done in lanes: the same answers, nobody waits for a neighbour."""

from __future__ import annotations

import asyncio
import itertools
import sys
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import grpc
import msgspec
import pytest

from systemzero.capture.v1 import capture_service_pb2
from systemzero.diff.v1 import diff_service_pb2 as pb
from systemzero.diff.v1 import template_pb2, template_service_pb2, verdict_pb2
from systemzero.tree.v1 import tree_pb2
from systemzero_base import pages
from systemzero_base.lanes import dispatch
from systemzero_base.lanes.dispatch import Lanes
from systemzero_base.lanes.settings import LaneSettings
from systemzero_base.telemetry.stages import SMALL_BYTES
from systemzero_core.formats import own
from systemzero_core.tree import Node, Tree
from systemzero_diff.verdicts import judging
from systemzero_diff.work.judging import is_small
from tests.support import heavy, lane_work
from tests.support.loops import some_loops
from tests.support.metrics import sample
from tests.support.services import House, capture_house, diff_house
from tests.support.stores import template

LARGE = 2_000
LANE_SECONDS = "systemzero_lanes_cpu_seconds_total"


def page(*, changed: int = -1, count: int = LARGE) -> tree_pb2.TreeSource:
    """A page of many buttons, one of them renamed."""
    names = [f"Order the {number}th" for number in range(count)]
    if changed >= 0:
        names[changed] = "Cancel all"
    nodes = [Node("main"), *(Node("button", name) for name in names)]
    data = own.encode(Tree(nodes, (-1, *[0] * count)))
    native = tree_pb2.NativeCapture(format=tree_pb2.FORMAT_TREE, data=data)
    return tree_pb2.TreeSource(native=native)


@asynccontextmanager
async def busy_lanes(*, cpu_seconds: float = 60.0) -> AsyncIterator[Lanes]:
    """Lanes of which a loud tenant has all that it may, with more work waiting."""
    modules = ("systemzero_diff.work.compare", "tests.support.lane_work")
    settings = LaneSettings(count=2, cpu_seconds=cpu_seconds, patience=0.0)
    lanes = Lanes(settings, some_loops(), modules)
    lanes.start()
    begun: asyncio.Queue[bytes] = asyncio.Queue()

    async def answer(question: bytes) -> bytes:
        begun.put_nowait(question)
        return b""

    loud = [
        asyncio.create_task(lanes.run("loud", lane_work.spin, answer=answer)) for _ in range(20)
    ]
    await begun.get()
    await begun.get()
    try:
        yield lanes
    finally:
        await lanes.stop()
        await asyncio.wait(loud)
        for task in loud:
            task.exception()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with diff_house(tmp_path) as served:
        yield served


async def test_a_large_diff_is_the_one_that_a_small_one_would_be(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = pb.DiffRequest(a=page(), b=page(changed=7))
    in_lane = await house.diff().Diff(request)
    monkeypatch.setattr(dispatch, "SMALL_BYTES", 1 << 40)
    assert in_lane == await house.diff().Diff(request)
    assert "Cancel all" in in_lane.script.edits[0].sentence


async def test_an_error_in_a_large_document_names_its_place(house: House) -> None:
    broken = page()
    broken.native.data = broken.native.data[:-30] + b'"!' + broken.native.data[-28:]
    with pytest.raises(grpc.aio.AioRpcError, match=r"b\.native: ") as caught:
        await house.diff().Diff(pb.DiffRequest(a=page(), b=broken))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("changed", [-1, 7])
async def test_a_large_verdict_is_the_one_that_a_small_one_would_be(
    house: House, monkeypatch: pytest.MonkeyPatch, changed: int
) -> None:
    learn = template_service_pb2.LearnTemplateRequest(screen_id="orders", captures=[page()])
    await house.templates().LearnTemplate(learn)
    request = pb.CheckRequest(tree=page(changed=changed), screen_hint="orders")
    if changed < 0:  # equal to the baseline, but for what is no drift
        request.tree.native.data = request.tree.native.data.replace(b"main", b"region", 1)
    in_lane = await house.diff().Check(request)
    again = await house.diff().Check(request)  # known by now: nothing is judged
    other = pb.CheckRequest(tree=request.tree, screen_hint="orders", app="shop")
    monkeypatch.setattr(judging, "SMALL_BYTES", 1 << 40)
    monkeypatch.setattr(judging, "is_small", lambda *_: True)
    at_once = await house.diff().Check(other)
    assert in_lane.verdict.kind == verdict_pb2.VERDICT_KIND_DRIFT
    for answer in (in_lane, again, at_once):
        answer.verdict.ClearField("event_id")
        answer.verdict.ClearField("log_index")
    assert in_lane == again == at_once


async def test_a_large_screen_that_nobody_knows_is_unknown(house: House) -> None:
    answer = await house.diff().Check(pb.CheckRequest(tree=page()))
    assert answer.verdict.kind == verdict_pb2.VERDICT_KIND_UNKNOWN_SCREEN
    matched = await house.diff().Match(pb.MatchRequest(tree=page()))
    assert not matched.matched


async def test_what_a_tree_is_matched_by_is_the_same_in_every_process(house: House) -> None:
    learn = template_service_pb2.LearnTemplateRequest(screen_id="orders", captures=[page()])
    await house.templates().LearnTemplate(learn)
    found = await house.diff().Match(pb.MatchRequest(tree=page(changed=7)))
    assert found.matches[0].screen_id == "orders"
    assert found.matches[0].score > 0.9


async def test_a_small_tree_before_many_rules_is_judged_in_a_lane(house: House) -> None:
    selector = template_pb2.NodeSelector(role="button", name="Never the {number}th")
    rules = [
        template_pb2.PolicyRule(select=selector, level=template_pb2.MATCH_LEVEL_LAYOUT)
        for _ in range(400)
    ]
    learn = template_service_pb2.LearnTemplateRequest(screen_id="few", captures=[page(count=300)])
    learnt = (await house.templates().LearnTemplate(learn)).template
    learnt.policy.rules.extend(rules)
    update = template_service_pb2.UpdateTemplateRequest(template=learnt)
    update.update_mask.paths.append("policy")
    await house.templates().UpdateTemplate(update)
    tree = page(count=300, changed=3)
    assert len(tree.native.data) < SMALL_BYTES
    before = sample(LANE_SECONDS)
    answer = await house.diff().Check(pb.CheckRequest(tree=tree, screen_hint="few"))
    assert answer.verdict.kind == verdict_pb2.VERDICT_KIND_DRIFT
    assert sample(LANE_SECONDS) > before


@contextmanager
def calls_here() -> Iterator[Callable[[], int]]:
    """How many functions of Python this thread, which has the event loop, has called."""
    count = itertools.count()
    sys.setprofile(lambda _frame, event, _argument: next(count) if event == "call" else None)
    try:
        yield lambda: next(count)
    finally:
        sys.setprofile(None)


async def taken_and_told(house: House, screen: str, rules: int) -> int:
    """How many functions the event loop calls where a template is imported, listed, changed."""
    templates = house.templates()
    yaml = heavy.many_rules(screen, rules, under=16, nodes=40, depth=20)
    with calls_here() as calls:
        import_it = template_service_pb2.ImportTemplateRequest(yaml=yaml)
        imported = (await templates.ImportTemplate(import_it)).template
        listed = await templates.ListTemplates(template_service_pb2.ListTemplatesRequest())
        change = template_service_pb2.UpdateTemplateRequest(template=imported)
        change.update_mask.paths.append("policy")
        changed = (await templates.UpdateTemplate(change)).template
        count = calls()
    get = template_service_pb2.GetTemplateRequest(template_id=imported.template_id, version=1)
    got = (await templates.GetTemplate(get)).template
    got.ClearField("tree")
    assert imported == got
    got.ClearField("signatures")  # which a list leaves out
    assert listed.templates[-1] == got
    assert changed.policy == imported.policy
    assert len(imported.policy.rules) == rules
    return count


async def test_a_template_of_many_rules_is_taken_and_told_in_lanes(house: House) -> None:
    """Each selector takes a dozen calls, and of a tenant's templates there may be millions."""
    few, many = 20, 500
    await taken_and_told(house, "a", few)  # what is done once is done
    usual = await taken_and_told(house, "b", few)
    assert await taken_and_told(house, "c", many) < usual + (many - few) * 17


async def test_pages_of_large_templates_are_all_of_them_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGE_BYTES", 500_000)
    templates, token, screens = house.templates(), "", []
    for number in range(5):
        yaml = heavy.many_rules(f"rules {number}", 400, under=16, nodes=40, depth=20)
        await templates.ImportTemplate(template_service_pb2.ImportTemplateRequest(yaml=yaml))
    while True:
        asked = template_service_pb2.ListTemplatesRequest(page_token=token)
        page = await templates.ListTemplates(asked)
        assert all(len(each.policy.rules) == 400 for each in page.templates)
        screens.append([each.screen_id for each in page.templates])
        if not (token := page.next_page_token):
            break
    assert len(screens) > 1
    assert list(itertools.chain(*screens)) == [f"rules {number}" for number in range(5)]


async def test_large_work_does_not_wait_behind_a_loud_tenants(tmp_path: Path) -> None:
    async with busy_lanes() as lanes, diff_house(tmp_path, lanes=lanes) as house:
        answer = await house.diff("quiet").Diff(pb.DiffRequest(a=page(), b=page(changed=7)))
        assert len(answer.script.edits) == 1
        small = pb.DiffRequest(a=page(count=9), b=page(count=9))
        assert (await house.diff("quiet").Diff(small)).comparison.equal


async def test_large_work_that_takes_too_long_is_refused_with_a_reason(tmp_path: Path) -> None:
    lanes = Lanes(LaneSettings(count=1, cpu_seconds=0.001), some_loops())
    lanes.start()
    async with diff_house(tmp_path, lanes=lanes) as house:
        with pytest.raises(grpc.aio.AioRpcError, match="processor time") as caught:
            await house.diff().Diff(pb.DiffRequest(a=page(), b=page(changed=7)))
    await lanes.stop()
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_large_capture_is_the_one_that_a_small_one_would_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with capture_house(tmp_path) as house:
        native = capture_service_pb2.IngestRequest(native=page().native, check=True)
        in_lane = await house.captures().Ingest(native)
        get = capture_service_pb2.GetCaptureRequest(
            capture_id=in_lane.capture.capture_id, include_tree=True
        )
        got = (await house.captures().GetCapture(get)).capture
        tree = capture_service_pb2.IngestRequest(tree=got.tree)
        again = await house.captures().Ingest(tree)
        assert again.capture.signatures == in_lane.capture.signatures
        monkeypatch.setattr("systemzero_capture.intake.decoding.SMALL_BYTES", 1 << 40)
        monkeypatch.setattr(dispatch, "SMALL_BYTES", 1 << 40)
        at_once = await house.captures("other").Ingest(native)
        assert at_once.capture.signatures == in_lane.capture.signatures
        assert at_once.verdict.kind == in_lane.verdict.kind
        get.capture_id = at_once.capture.capture_id
        assert (await house.captures("other").GetCapture(get)).capture.tree == got.tree
        assert len(got.tree.nodes) == LARGE + 1


def chain(words: str, count: int = 1_000) -> Tree:
    """A tree of so many nodes, each in the one before it, called by one word after the other."""
    names = [words[zlib.crc32(f"{words}{i}".encode()) % len(words)] for i in range(count)]
    return Tree([Node("group", name) for name in names], tuple(range(-1, count - 1)))


def test_what_is_small_is_judged_by_what_differs_as_well() -> None:
    known = chain("abc")
    made = msgspec.structs.replace(template("order", "Buy"), tree=known)
    renamed = Tree((Node("group", "today"), *known.nodes[1:]), known.parents)
    longer = Tree((*known.nodes, Node("button", "Buy")), (*known.parents, 999))
    for tree in (known, renamed, longer, Tree(known.nodes[:990], known.parents[:990])):
        assert is_small(made, tree)
    for tree in (chain("xyz"), Tree(known.nodes[::-1], known.parents), chain("abc", 500)):
        assert not is_small(made, tree)
    assert not is_small(made, chain("abc", 50_000))


async def test_what_is_small_to_read_and_much_to_compare_is_done_in_a_lane(house: House) -> None:
    def source(words: str) -> tree_pb2.TreeSource:
        data = own.encode(chain(words))
        assert len(data) < SMALL_BYTES
        native = tree_pb2.NativeCapture(format=tree_pb2.FORMAT_TREE, data=data)
        return tree_pb2.TreeSource(native=native)

    learn = template_service_pb2.LearnTemplateRequest(screen_id="deep", captures=[source("abc")])
    await house.templates().LearnTemplate(learn)
    few = [page(count=80), page(count=80, changed=3)]
    check = pb.CheckRequest(tree=source("cba"), screen_hint="deep")
    again = template_service_pb2.LearnTemplateRequest(screen_id="few", captures=few)
    for method, request in (
        (house.diff().Check, check),
        (house.diff().Diff, pb.DiffRequest(a=few[0], b=few[1])),
        (house.templates().LearnTemplate, again),
    ):
        before = sample(LANE_SECONDS)
        await method(request)
        assert sample(LANE_SECONDS) > before
