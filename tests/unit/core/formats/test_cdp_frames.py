"""Child frames: joined under the Iframe that owns them, or reported as missing."""

import json
from typing import Any

import pytest

from systemzero_core.errors import InvalidInput
from systemzero_core.formats import GapKind, Parsed, parse
from systemzero_core.tree import Bounds
from tests.support.native_captures import ax, cdp, outlined


def page(*iframes: tuple[int, str]) -> bytes:
    """A page with Iframe nodes of these backend ids and names."""
    return cdp(
        ax(
            "1",
            "RootWebArea",
            "Page",
            [str(b) for b, _ in iframes],
            properties={"url": "http://a.test/x/"},
        ),
        *(ax(str(b), "Iframe", name, parent="1", backendDOMNodeId=b) for b, name in iframes),
    )


def frame(name: str, url: str = "", frame_id: str = "", **more: Any) -> bytes:
    """A frame whose ids are those of the page once more, as they are across processes."""
    root = ax("1", "RootWebArea", name, ["2"], properties={"url": url}, frameId=frame_id)
    return cdp(root, ax("2", "button", f"in {name}", parent="1", backendDOMNodeId=90), **more)


def details(parsed: Parsed) -> list[str]:
    assert all(gap.kind is GapKind.FRAME for gap in parsed.gaps)
    return [gap.detail for gap in parsed.gaps]


def test_as_many_frames_as_empty_iframes_are_joined_in_order() -> None:
    parsed = parse(page((10, "ads"), (11, "chat")), frames=[frame("A"), frame("B")])

    assert outlined(parsed) == [
        "RootWebArea Page",
        ".Iframe ads",
        "..RootWebArea A",
        "...button in A",
        ".Iframe chat",
        "..RootWebArea B",
        "...button in B",
    ]
    assert parsed.gaps == ()


def test_a_frame_without_content_is_a_gap() -> None:
    parsed = parse(page((10, "ads")))

    assert details(parsed) == ["the content of the frame 'ads' (node '10') is missing"]


@pytest.mark.parametrize(("box", "gaps"), [([0, 0, 0, 0], 0), ([5, 5, 5, 5], 0), ([5, 5, 9, 9], 1)])
def test_a_frame_without_area_lacks_nothing(box: list[int], gaps: int) -> None:
    dom = json.dumps({"10": {"tag": "IFRAME", "box": box}}).encode()

    assert len(parse(page((10, "tracker")), dom=dom).gaps) == gaps


def test_a_frame_that_came_without_nodes_is_a_gap_and_one_without_a_list_an_error() -> None:
    assert len(parse(page((10, "ads")), frames=[b'{"nodes": []}']).gaps) == 1
    with pytest.raises(InvalidInput, match=r"frames\[0\].nodes"):
        parse(page((10, "ads")), frames=[b"{}"])


def test_no_frame_is_put_anywhere_on_a_guess() -> None:
    parsed = parse(page((10, "ads"), (11, "chat")), frames=[frame("A", "http://b.test/")])

    assert len(parsed.tree) == 3
    assert details(parsed) == [
        "the content of the frame 'ads' (node '10') is missing",
        "the content of the frame 'chat' (node '11') is missing",
        "the frame 'http://b.test/' has no known owner",
    ]


def test_an_address_tells_the_owner() -> None:
    dom = {
        "10": {"tag": "IFRAME", "attrs": {"src": "http://ads.test/"}},
        "11": {"tag": "IFRAME", "attrs": {"src": "../chat.html"}},
    }
    parsed = parse(
        page((10, "ads"), (11, "chat")),
        dom=json.dumps(dom).encode(),
        frames=[frame("B", "http://a.test/chat.html")],
    )

    assert outlined(parsed)[2:] == [".Iframe chat", "..RootWebArea B", "...button in B"]
    assert details(parsed) == ["the content of the frame 'ads' (node '10') is missing"]


def test_an_address_that_is_none_tells_nothing() -> None:
    dom = {"10": {"tag": "IFRAME", "attrs": {"src": "http://[bad"}}, "11": {"tag": "IFRAME"}}

    parsed = parse(page((10, "a"), (11, "b")), dom=json.dumps(dom).encode(), frames=[frame("A")])

    assert len(parsed.gaps) == 3


def test_the_recorder_may_tell_the_owner() -> None:
    parsed = parse(page((10, "ads"), (11, "chat")), frames=[frame("B", ownerBackendNodeId=11)])

    assert outlined(parsed)[2:] == [".Iframe chat", "..RootWebArea B", "...button in B"]


def test_frames_in_frames_are_joined() -> None:
    outer = cdp(
        ax("1", "RootWebArea", "outer", ["2"]),
        ax("2", "Iframe", "inner", parent="1", backendDOMNodeId=20),
        ownerBackendNodeId=10,
    )
    parsed = parse(page((10, "o")), frames=[outer, frame("B", ownerBackendNodeId=20)])

    assert outlined(parsed)[-1] == ".....button in B"
    assert parsed.gaps == ()


def test_the_order_of_iframes_is_that_of_the_document_not_of_the_array() -> None:
    """Chromium writes the array level by level."""
    nodes = [
        ax("1", "RootWebArea", "", ["2", "4"]),
        ax("4", "Iframe", "second", parent="1"),
        ax("2", "group", "", ["3"], parent="1"),
        ax("3", "Iframe", "first", parent="2"),
    ]
    parsed = parse(cdp(*nodes), frames=[frame("A"), frame("B")])

    assert outlined(parsed)[2:5] == ["..Iframe first", "...RootWebArea A", "....button in A"]


def test_with_frames_in_frames_the_order_tells_nothing() -> None:
    outer = cdp(ax("1", "RootWebArea", "outer", ["2"]), ax("2", "Iframe", "inner", parent="1"))

    parsed = parse(page((10, "a"), (11, "b")), frames=[outer, frame("A"), frame("B")])

    assert len(parsed.tree) == 3
    assert len(parsed.gaps) == 5


def test_an_id_of_two_processes_tells_no_owner() -> None:
    outer = cdp(
        ax("1", "RootWebArea", "outer", ["2"]),
        ax("2", "Iframe", "", parent="1", backendDOMNodeId=10),
        ownerBackendNodeId=11,
    )
    parsed = parse(
        page((10, "a"), (11, "b")),
        frames=[outer, frame("A", ownerBackendNodeId=10), frame("B", ownerBackendNodeId=10)],
    )

    assert "RootWebArea outer" in "".join(outlined(parsed))
    assert "button" not in "".join(outlined(parsed))


def test_a_frame_that_owns_itself_is_reported_not_followed() -> None:
    loop = cdp(
        ax("1", "RootWebArea", "loop", ["2"]),
        ax("2", "Iframe", "self", parent="1", backendDOMNodeId=20),
        ownerBackendNodeId=20,
    )
    parsed = parse(page((10, "o")), frames=[loop])

    assert len(parsed.tree) == 2
    assert len(parsed.gaps) == 2


def test_all_frames_in_one_list_are_joined() -> None:
    nodes = [
        ax("1", "RootWebArea", "Page", ["2"]),
        ax("2", "Iframe", "", parent="1"),
        ax("8", "RootWebArea", "Frame", ["9"]),
        ax("9", "button", "b", parent="8"),
    ]

    assert outlined(parse(cdp(*nodes)))[1:] == [".Iframe", "..RootWebArea Frame", "...button b"]


def test_boxes_of_a_frame_start_where_the_frame_stands() -> None:
    dom = {
        "10": {"tag": "IFRAME", "box": [100, 50, 300, 80]},
        "90": {"tag": "B", "box": [1, 2, 3, 4]},
    }

    parsed = parse(page((10, "o")), dom=json.dumps(dom).encode(), frames=[frame("A")])

    assert parsed.tree.nodes[-1].bounds == Bounds(101, 52, 3, 4)


def snapshot() -> bytes:
    """DOMSnapshot.captureSnapshot of a page with one scrolled frame."""
    strings = ["IFRAME", "id", "f1", "BUTTON", "FRAME-B", "PAGE", "#document"]
    return json.dumps(
        {
            "documents": [
                {
                    "frameId": 5,
                    "nodes": {
                        "nodeName": [6, 0],
                        "backendNodeId": [1, 11],
                        "attributes": [[], [1, 2]],
                        "contentDocumentIndex": {"index": [1], "value": [1]},
                    },
                    "layout": {"nodeIndex": [1], "bounds": [[100, 50, 300, 80]]},
                },
                {
                    "frameId": 4,
                    "scrollOffsetY": 20,
                    "nodes": {"nodeName": [3], "backendNodeId": [90], "attributes": [[]]},
                    "layout": {"nodeIndex": [0], "bounds": [[1, 22, 3, 4]]},
                },
            ],
            "strings": strings,
        }
    ).encode()


def test_a_dom_snapshot_gives_boxes_attributes_and_owners() -> None:
    parsed = parse(
        page((10, "ads"), (11, "chat")), dom=snapshot(), frames=[frame("B", frame_id="FRAME-B")]
    )

    assert outlined(parsed)[2:] == [".Iframe chat", "..RootWebArea B", "...button in B"]
    chat, button = parsed.tree.nodes[2], parsed.tree.nodes[4]
    assert chat.attribute("id") == "f1"
    assert chat.bounds == Bounds(100, 50, 300, 80)
    assert button.bounds == Bounds(101, 52, 3, 4)
    assert button.attribute("tag") == "button"
