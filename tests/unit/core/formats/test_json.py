"""The formats in JSON that nest: AT-SPI and the older layout; and the own flat one."""

import json
from typing import Any

import pytest

from systemzero_core.errors import InvalidInput, MalformedTree, TruncatedInput
from systemzero_core.formats import Format, own, parse
from systemzero_core.tree import Bounds, Node, Tree
from tests.support.native_captures import only, outlined


def widget(role: str, name: str = "", *children: Any, **more: Any) -> dict[str, Any]:
    states = ["enabled", "sensitive", "showing", "visible"]
    return {"role": role, "name": name, "states": states, "children": list(children), **more}


def atspi(*applications: Any) -> bytes:
    return json.dumps({"captured": "2026-01-01", "applications": list(applications)}).encode()


def test_an_atspi_tree() -> None:
    data = atspi(
        widget(
            "application",
            "calc",
            widget("push button", "=", extents=[1, 2, 30, 40], actions=["press", "click"]),
            widget("text", "", text="12 + 34", value=0.0),
            widget("slider", "Volume", value=0.5),
            toolkit=["GTK", "4.8"],
        )
    )
    parsed = parse(data)

    assert parsed.format is Format.ATSPI
    assert outlined(parsed) == ["application calc", ".push button =", ".text", ".slider Volume"]
    button = only(parsed, "push button")
    assert button.bounds == Bounds(1, 2, 30, 40)
    assert button.attribute("actions") == "click press"
    assert only(parsed, "text").value == "12 + 34"
    assert only(parsed, "slider").value == "0.5"
    assert only(parsed, "application").attribute("toolkit") == "GTK 4.8"


@pytest.mark.parametrize(
    ("role", "given", "states"),
    [
        ("panel", ["sensitive", "showing", "visible"], ()),
        ("panel", ["showing", "visible"], ("disabled",)),
        ("panel", ["sensitive", "visible"], ("offscreen",)),
        ("panel", ["sensitive"], ("hidden",)),
        ("application", [], ()),
        ("check box", ["sensitive", "showing", "visible"], ("unchecked",)),
        ("check box", ["checked", "sensitive", "showing", "visible"], ("checked",)),
        ("switch", ["sensitive", "showing", "visible"], ("unchecked",)),
        ("switch", ["checked", "sensitive", "showing", "visible"], ("checked",)),
        ("table cell", ["checkable", "sensitive", "showing", "visible"], ("unchecked",)),
        ("toggle button", ["sensitive", "showing", "visible"], ("unpressed",)),
        ("toggle button", ["checked", "sensitive", "showing", "visible"], ("pressed",)),
        ("tree item", ["expandable", "sensitive", "showing", "visible"], ("collapsed",)),
        (
            "text",
            ["editable", "multi-line", "enabled", "showing", "visible"],
            ("editable", "multiline"),
        ),
    ],
)
def test_atspi_states(role: str, given: list[str], states: tuple[str, ...]) -> None:
    assert parse(atspi({"role": role, "states": given})).tree.nodes[0].states == states


def test_extents_of_what_is_not_on_the_screen_are_no_bounds() -> None:
    menu = widget("menu", extents=[-2147483648, -2147483648, 1, 1])

    assert parse(atspi(menu)).tree.nodes[0].bounds is None


def test_several_programs_stand_on_one_desktop() -> None:
    parsed = parse(atspi(widget("application", "a"), widget("application", "b")))

    assert outlined(parsed) == ["desktop frame", ".application a", ".application b"]
    assert len(parse(atspi()).tree) == 0


@pytest.mark.parametrize(
    "applications", ["x", [1], [{"name": "no role"}], [{"role": "a", "children": 1}], [None]]
)
def test_atspi_of_another_shape_is_reported(applications: Any) -> None:
    with pytest.raises(InvalidInput):
        parse(json.dumps({"applications": applications}).encode())


OLDER = {
    "root": {
        "role": "window",
        "name": "Login",
        "children": [
            {"role": "button", "name": "OK", "states": {"disabled": True, "focused": False}},
            {"type": "textbox", "label": "User", "value": 3, "bounds": [1, 2, 3, 4], "id": "u"},
            {"role": "group", "states": ["b", "a", "b"], "properties": {"level": 2, "x": []}},
        ],
    }
}


def test_the_older_layout() -> None:
    parsed = parse(json.dumps(OLDER).encode())

    assert parsed.format is Format.TREE
    assert outlined(parsed) == ["window Login", ".button OK", ".textbox User", ".group"]
    assert only(parsed, "button").states == ("disabled",)
    field = only(parsed, "textbox")
    assert (field.value, field.bounds, field.attribute("id")) == ("3", Bounds(1, 2, 3, 4), "u")
    assert only(parsed, "group").states == ("a", "b")
    assert only(parsed, "group").attribute("level") == "2"


@pytest.mark.parametrize(
    ("root", "path"),
    [
        ([], "root"),
        ({"role": 1}, "root.role"),
        ({"role": "a", "children": {}}, "root.children"),
        (
            {"role": "a", "children": [{"role": "b", "children": [3]}]},
            r"root.children\[0\].children",
        ),
        ({"role": "a", "states": [1]}, "root.states"),
    ],
)
def test_the_older_layout_names_what_is_wrong(root: Any, path: str) -> None:
    with pytest.raises(InvalidInput, match=path):
        parse(json.dumps({"root": root}).encode())


def flat(*nodes: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"format": own.NAME, "nodes": list(nodes), **more}).encode()


def test_the_own_layout_is_put_in_order() -> None:
    data = flat(
        {"role": "window"},
        {
            "role": "button",
            "parent": 0,
            "states": ["b", "a", "b"],
            "attributes": [["z", "1"], ["a", "2"]],
            "bounds": [1, 2, 3, 4],
        },
        url="app://x",
        viewport=[3, 4],
    )
    parsed = parse(data)

    assert parsed.tree == Tree(
        [
            Node("window"),
            Node("button", "", "", ("a", "b"), Bounds(1, 2, 3, 4), (("a", "2"), ("z", "1"))),
        ],
        [-1, 0],
    )
    assert (parsed.url, parsed.viewport) == ("app://x", (3, 4))


@pytest.mark.parametrize(
    ("data", "error", "named"),
    [
        (flat({"role": "a"}, {"role": "b"}), MalformedTree, r"nodes\[1\].parent"),
        (flat({"role": "a"}, {"role": "b", "parent": 1}), MalformedTree, r"nodes\[1\].parent"),
        (flat({"role": "a", "bounds": [0, 0, 0, 2**31]}), InvalidInput, r"nodes\[0\].bounds"),
        (flat({"role": "a", "attributes": [["a", ""], ["a", ""]]}), InvalidInput, "attributes"),
        (flat({"role": "a", "colour": "red"}), InvalidInput, "colour"),
        (flat({"name": "a"}), InvalidInput, "role"),
        (b'{"format": "other", "nodes": []}', InvalidInput, "format"),
        (flat({"role": "a"})[:-1], TruncatedInput, "truncated"),
    ],
)
def test_the_own_layout_names_what_is_wrong(
    data: bytes, error: type[Exception], named: str
) -> None:
    with pytest.raises(error, match=named):
        parse(data)
