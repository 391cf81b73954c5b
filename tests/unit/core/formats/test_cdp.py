import json
from typing import Any

import pytest

from systemzero_core.errors import InvalidInput, MalformedTree, TruncatedInput
from systemzero_core.formats import Format, parse
from systemzero_core.tree import Bounds, Tree
from tests.support.native_captures import ax, cdp, only, outlined

ROOT = ax("1", "RootWebArea", "Shop", ["2", "5"], properties={"url": "http://shop.test/"})


def test_children_stand_in_the_order_of_their_ids_not_of_the_array() -> None:
    data = cdp(
        ax("1", "RootWebArea", "Shop", ["2", "3"]),
        ax("3", "button", "second", parent="1"),
        ax("2", "button", "first", parent="1"),
    )

    assert outlined(parse(data)) == ["RootWebArea Shop", ".button first", ".button second"]


def test_children_need_not_name_their_parent() -> None:
    data = cdp(
        ax("1", "RootWebArea", "Shop", ["2", "3"]),
        ax("2", "link", "a", ["4"]),
        ax("3", "button", "b"),
        ax("4", "StaticText", "a"),
    )

    assert outlined(parse(data)) == ["RootWebArea Shop", ".link a", "..StaticText a", ".button b"]


def test_ignored_nodes_are_spliced_out_in_place_and_line_wraps_left_out() -> None:
    data = cdp(
        ax("1", "RootWebArea", "", ["2", "7"]),
        ax("2", "none", "", ["3", "4"], parent="1") | {"ignored": True},
        ax("3", "link", "one", ["5"], parent="2"),
        ax("4", "link", "two", parent="2"),
        ax("5", "StaticText", "one", ["6"], parent="3"),
        ax("6", "InlineTextBox", "on", parent="5"),
        ax("7", "link", "three", parent="1"),
    )

    assert outlined(parse(data)) == [
        "RootWebArea",
        ".link one",
        "..StaticText one",
        ".link two",
        ".link three",
    ]


def test_the_root_stays_even_when_it_is_ignored() -> None:
    data = cdp(
        ax("1", "none", "", ["2", "3"]) | {"ignored": True},
        ax("2", "link", "a", parent="1"),
        ax("3", "link", "b", parent="1"),
    )

    assert outlined(parse(data)) == ["none", ".link a", ".link b"]


@pytest.mark.parametrize(
    ("properties", "states", "attributes"),
    [
        ({"checked": "true"}, ("checked",), {}),
        ({"checked": "false"}, ("unchecked",), {}),
        ({"checked": "mixed"}, ("mixed",), {}),
        ({"pressed": "false"}, ("unpressed",), {}),
        ({"expanded": True}, ("expanded",), {}),
        ({"expanded": False}, ("collapsed",), {}),
        ({"selected": False, "disabled": True}, ("disabled",), {}),
        ({"busy": 1}, ("busy",), {}),
        ({"required": True, "readonly": False}, ("required",), {}),
        ({"invalid": "false"}, (), {}),
        ({"invalid": "spelling"}, ("invalid",), {"invalid": "spelling"}),
        ({"editable": "plaintext", "settable": True}, ("editable",), {}),
        ({"editable": "richtext"}, ("editable",), {"editable": "richtext"}),
        ({"level": 2, "hasPopup": "menu"}, (), {"level": "2", "haspopup": "menu"}),
        ({"valuemin": 0, "valuemax": 99.5}, (), {"valuemin": "0", "valuemax": "99.5"}),
        ({"live": "off", "atomic": False}, (), {}),
        ({"live": "polite", "atomic": True}, (), {"live": "polite", "atomic": "true"}),
        ({"controls": "panel:r0:1", "labelledby": None, "relevant": "text"}, (), {}),
        ({"unheard-of": 1, "newer": False, "newest": None}, (), {"unheard-of": "1"}),
    ],
)
def test_properties_become_states_and_attributes(
    properties: dict[str, Any], states: tuple[str, ...], attributes: dict[str, str]
) -> None:
    node = parse(cdp(ax("1", "thing", properties=properties))).tree.nodes[0]

    assert node.states == states
    assert dict(node.attributes) == attributes


def test_value_description_and_address_are_kept() -> None:
    data = cdp(
        ROOT,
        ax("2", "slider", "Volume", parent="1", value={"type": "number", "value": 7}),
        ax("5", "link", "Help", parent="1", description={"value": "opens a window"}),
    )

    parsed = parse(data)

    assert parsed.url == "http://shop.test/"
    assert parsed.format is Format.CDP
    assert only(parsed, "slider").value == "7"
    assert only(parsed, "link").attribute("description") == "opens a window"


def test_dom_data_gives_boxes_and_attributes() -> None:
    data = cdp(
        ROOT,
        ax("2", "textbox", "Name", parent="1", backendDOMNodeId=40),
        ax("5", "link", "Off", parent="1", backendDOMNodeId=41),
    )
    dom = {
        "40": {
            "tag": "INPUT",
            "attrs": {"id": "name", "class": "big", "type": "text", "data-testid": "n"},
            "box": [8, 107.9, 304, 84.2],
        },
        "41": {"tag": "A"},
    }

    parsed = parse(data, dom=json.dumps(dom).encode())

    field = only(parsed, "textbox")
    assert field.bounds == Bounds(8, 108, 304, 84)
    assert dict(field.attributes) == {
        "tag": "input",
        "id": "name",
        "type": "text",
        "data-testid": "n",
    }
    assert only(parsed, "link").bounds is None


def test_what_the_accessibility_tree_says_goes_before_the_dom() -> None:
    field = ax("1", "combobox", properties={"autocomplete": "list"}, backendDOMNodeId=4)
    dom = json.dumps({"4": {"tag": "INPUT", "attrs": {"autocomplete": "off", "name": "q"}}})

    attributes = dict(parse(cdp(field), dom=dom.encode()).tree.nodes[0].attributes)

    assert attributes == {"autocomplete": "list", "name": "q", "tag": "input"}


def test_a_message_and_a_bare_list_are_read_too() -> None:
    node = ax("1", "RootWebArea", "Shop")
    wanted = parse(cdp(node)).tree

    assert parse(json.dumps([node]).encode()).tree == wanted
    assert parse(json.dumps({"id": 7, "result": {"nodes": [node]}}).encode()).tree == wanted


def test_no_nodes_are_an_empty_tree_not_an_error() -> None:
    assert parse(b'{"nodes": []}').tree == Tree((), ())


def test_an_identical_repetition_of_a_node_is_the_same_node() -> None:
    child = ax("2", "link", "a", parent="1")

    assert len(parse(cdp(ax("1", "RootWebArea", "", ["2"]), child, child)).tree) == 2


def test_two_different_nodes_of_one_id_are_reported() -> None:
    first, second = ax("2", "link", "a", parent="1"), ax("2", "link", "b", parent="1")

    with pytest.raises(MalformedTree, match="node '2': two different nodes"):
        parse(cdp(ax("1", "RootWebArea", "", ["2"]), first, second))


@pytest.mark.parametrize(
    ("nodes", "named"),
    [
        ([ax("1", "RootWebArea", "", ["2", "9"]), ax("2", "a", parent="1")], "9"),
        ([ax("1", "RootWebArea", "", ["1"])], "1"),
        ([ax("1", "a", "", ["2"], parent="2"), ax("2", "b", "", ["1"], parent="1")], "1"),
        (
            [
                ax("1", "RootWebArea", "", ["2", "3"]),
                ax("2", "a", "", ["4"], parent="1"),
                ax("3", "b", "", ["4"], parent="1"),
                ax("4", "c", parent="2"),
            ],
            "4",
        ),
        ([ax("1", "RootWebArea", "", ["2", "2"]), ax("2", "a", parent="1")], "2"),
        ([ax("1", "RootWebArea"), ax("2", "a", parent="1")], "2"),
        ([ax("1", "RootWebArea"), ax("2", "button")], "2"),
        (
            [
                ax("1", "RootWebArea"),
                ax("2", "a", "", ["3"], parent="3"),
                ax("3", "b", "", ["2"], parent="2"),
            ],
            "2",
        ),
    ],
    ids=[
        "dangling",
        "own child",
        "cycle without a root",
        "two owners",
        "twice under one",
        "not listed by its parent",
        "second root",
        "cycle aside",
    ],
)
def test_what_is_no_tree_is_reported_with_the_node(nodes: list[dict[str, Any]], named: str) -> None:
    with pytest.raises(MalformedTree, match=f"node '{named}'"):
        parse(cdp(*nodes))


def test_a_wrong_type_names_its_field() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(b'{"nodes": [{"nodeId": "1", "role": {"value": 3}}]}')

    assert caught.value.violations[0].field == "nodes[0].role.value"


def test_a_cut_off_capture_is_told_apart() -> None:
    data = cdp(ROOT, ax("2", "a", parent="1"), ax("5", "b", parent="1"))

    for length in range(30, len(data) - 1, 7):
        with pytest.raises(TruncatedInput, match="truncated"):
            parse(data[:length])
