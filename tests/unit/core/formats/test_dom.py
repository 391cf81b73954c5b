"""DOM data that is not what it says."""

import json

import pytest

from systemzero_core.errors import InvalidInput
from systemzero_core.formats import parse
from tests.support.native_captures import ax, cdp

PAGE = cdp(ax("1", "RootWebArea", backendDOMNodeId=5))


@pytest.mark.parametrize(
    "change",
    [
        {"nodes": {"nodeName": [9], "backendNodeId": [5], "attributes": [[]]}},
        {"nodes": {"nodeName": [0], "backendNodeId": [5], "attributes": [[0]]}},
        {"nodes": {"nodeName": [], "backendNodeId": [5], "attributes": [[]]}},
        {"layout": {"nodeIndex": [0, 1], "bounds": [[0, 0, 1, 1]]}},
        {"layout": {"nodeIndex": [0], "bounds": [[0]]}},
    ],
)
def test_indices_that_lead_nowhere_are_reported(change: dict[str, object]) -> None:
    document = {
        "nodes": {"nodeName": [0], "backendNodeId": [5], "attributes": [[]]},
        "layout": {"nodeIndex": [0], "bounds": [[0, 0, 1, 1]]},
    }
    good = json.dumps({"documents": [document], "strings": ["HTML"]}).encode()
    bad = json.dumps({"documents": [document | change], "strings": ["HTML"]}).encode()

    assert parse(PAGE, dom=good).tree.nodes[0].attribute("tag") == "html"
    with pytest.raises(InvalidInput, match="documents"):
        parse(PAGE, dom=bad)


def test_a_string_that_is_not_there_is_empty() -> None:
    """CDP writes -1 where it has no string; that is not the last one of the table."""
    nodes = {"nodeName": [-1], "backendNodeId": [5], "attributes": [[0, -1]]}
    snapshot = {"documents": [{"nodes": nodes, "layout": {}}], "strings": ["id", "wrong"]}

    node = parse(PAGE, dom=json.dumps(snapshot).encode()).tree.nodes[0]

    assert node.attributes == ()


def test_a_message_around_the_snapshot_is_fine() -> None:
    dom = json.dumps({"id": 3, "result": {"documents": [], "strings": []}}).encode()

    assert len(parse(PAGE, dom=dom).tree) == 1


def test_other_formats_take_no_dom() -> None:
    with pytest.raises(InvalidInput, match="only CDP"):
        parse(b'- link "x"', dom=b"{}")


@pytest.mark.parametrize("box", [[0, 0, 1e300, 1], [-(2**40), 0, 1, 1]])
def test_a_box_beyond_any_screen_is_no_box(box: list[float]) -> None:
    dom = json.dumps({"5": {"tag": "P", "box": box}}).encode()

    assert parse(PAGE, dom=dom).tree.nodes[0].bounds is None
