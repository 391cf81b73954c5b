"""The recording code against a real Chromium, and its recordings against the parser."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from scripts.recording.browser import CHROMIUM, Recording, open_browser, open_page, record
from scripts.recording.server import Site, serve
from systemzero_core.completeness import Reason, assess
from systemzero_core.formats import GapKind, Parsed, parse
from systemzero_core.normalize import normalize
from systemzero_core.tree import Bounds, Node, Tree

pytestmark = pytest.mark.skipif(not os.access(CHROMIUM, os.X_OK), reason="Chromium is missing")

HOST, OUTSIDE = "desk.test", "outside.test"
PAGE = """<!doctype html><html lang="en"><title>Desk</title>
<style>body { margin: 0 } button, iframe { position: absolute; box-sizing: border-box; border: 0 }
button { left: 100px; top: 50px; width: 120px; height: 30px }
iframe { left: 300px; top: 200px; width: 400px; height: 200px }</style>
<h1>Desk</h1><button aria-expanded="false">Scan</button><p id="reached">asking</p>
<iframe title="Scale" src="/scale"></iframe>
<script>
fetch("http://outside.test/desk", { mode: "no-cors" }).then(
  () => { reached.textContent = "reached outside" },
  () => { reached.textContent = "kept inside" },
);
</script>"""
FRAME = """<!doctype html><html lang="en"><title>Scale</title>
<style>body { margin: 0 } button { position: absolute; left: 10px; top: 20px; width: 80px }</style>
<button>Weigh</button>"""


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serve(
        pages={"/desk": PAGE, "/scale": FRAME, "/slow": PAGE.replace("/scale", "/held")}
    ) as it:
        it.held.add("/held")
        yield it


@pytest.fixture(scope="module")
def browser(site: Site) -> Iterator[Browser]:
    with open_browser({HOST: site.port, OUTSIDE: site.port}) as started:
        yield started


def recorded(browser: Browser, path: str) -> Recording:
    with open_page(browser, [HOST]) as page:
        page.goto(f"http://{HOST}{path}", wait_until="commit")
        page.get_by_text("kept inside").or_(page.get_by_text("reached outside")).wait_for()
        return record(page)


@pytest.fixture(scope="module")
def desk(browser: Browser) -> Recording:
    return recorded(browser, "/desk")


def read(recording: Recording) -> Parsed:
    return parse(recording.ax, dom=recording.dom, frames=recording.frames)


def the(tree: Tree, role: str, name: str) -> tuple[int, Node]:
    (found,) = [(i, n) for i, n in enumerate(tree.nodes) if (n.role, n.name) == (role, name)]
    return found


def test_boxes_are_joined_to_their_nodes(desk: Recording) -> None:
    _, scan = the(read(desk).tree, "button", "Scan")
    assert scan.bounds == Bounds(100, 50, 120, 30)
    assert "collapsed" in scan.states


def test_a_frame_stands_below_its_element_and_in_its_place(desk: Recording) -> None:
    parsed = read(desk)
    at, weigh = the(parsed.tree, "button", "Weigh")
    assert parsed.gaps == ()
    assert "Scale" in {parsed.tree.nodes[i].name for i in parsed.tree.ancestors(at)}
    assert weigh.bounds is not None
    assert weigh.bounds[:3] == (310, 220, 80)


def test_a_frame_left_out_is_told(desk: Recording) -> None:
    (gap,) = parse(desk.ax, dom=desk.dom).gaps
    assert gap.kind is GapKind.FRAME
    assert "Scale" in gap.detail


def test_the_whole_snapshot_and_the_compact_one_join_alike(desk: Recording) -> None:
    whole = parse(desk.ax, dom=desk.snapshot, frames=desk.frames)
    assert whole.tree == read(desk).tree
    assert len(desk.snapshot) > len(desk.dom)


def test_two_recordings_differ_in_bytes_and_not_in_normal_form(
    browser: Browser, desk: Recording
) -> None:
    again = recorded(browser, "/desk")
    assert again.ax != desk.ax
    assert normalize(read(again).tree) == normalize(read(desk).tree)


def test_nothing_but_the_named_hosts_is_reached(desk: Recording) -> None:
    assert "kept inside" in desk.aria


def test_what_was_recorded_is_described(desk: Recording) -> None:
    assert desk.meta["url"] == f"http://{HOST}/desk"
    assert desk.meta["viewport"] == [1280, 800]
    assert desk.meta["frames"] == 1
    assert desk.meta["browser"].startswith("Chromium ")


def test_a_page_that_waits_for_a_frame_is_recorded_as_incomplete(browser: Browser) -> None:
    parsed = read(recorded(browser, "/slow"))
    reasons = {each.reason for each in assess(normalize(parsed.tree), parsed.gaps)}
    assert reasons == {Reason.MISSING_FRAME}
