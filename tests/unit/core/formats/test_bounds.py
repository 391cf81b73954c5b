"""Hostile sizes and shapes: every one has an answer, and quickly."""

import json

import pytest

from systemzero_core.errors import (
    InvalidInput,
    MalformedTree,
    TooLarge,
    TruncatedInput,
)
from systemzero_core.formats import Format, own, parse
from systemzero_core.tree import MAX_NODES, Node, Tree
from tests.support.native_captures import ax, cdp

DEEP = 10_000


def deep_cdp(depth: int) -> bytes:
    nodes = [
        ax(str(i), "generic", "", [str(i + 1)] if i + 1 < depth else [], parent=str(i - 1))
        for i in range(depth)
    ]
    return cdp(*nodes)


def nested(before: str, depth: int, after: str, end: str = "") -> bytes:
    return (before * depth + end + after * depth).encode()


DEEP_TREES = {
    "cdp": deep_cdp(DEEP),
    "android": b"<hierarchy>" + nested('<node class="V">', DEEP - 1, "</node>") + b"</hierarchy>",
    "ios": nested("<XCUIElementTypeOther>", DEEP, "</XCUIElementTypeOther>"),
    "windows": nested('<Pane AutomationId="">', DEEP, "</Pane>"),
    "atspi": b'{"applications":[' + nested('{"role":"panel","children":[', DEEP, "]}") + b"]}",
    "older": b'{"v":1,"root":' + nested('{"role":"group","children":[', DEEP, "]}") + b"}",
    "own": own.encode(Tree([Node("group")] * DEEP, range(-1, DEEP - 1))),
}


@pytest.mark.parametrize("data", DEEP_TREES.values(), ids=DEEP_TREES)
def test_a_tree_ten_thousand_deep_is_an_answer(data: bytes) -> None:
    tree = parse(data).tree

    assert len(tree) == DEEP
    assert max(tree.depths) == DEEP - 1


def test_a_snapshot_is_as_deep_as_its_indentation() -> None:
    depth = 2_000
    text = "\n".join(f"{' ' * i}- group{':' * (i + 1 < depth)}" for i in range(depth))

    assert max(parse(text.encode()).tree.depths) == depth


@pytest.mark.parametrize("name", ["atspi", "older"])
def test_deep_json_is_checked_as_well_as_shallow(name: str) -> None:
    data = DEEP_TREES[name]

    for length in (len(data) // 3, len(data) - DEEP, len(data) - 1):
        with pytest.raises(TruncatedInput):
            parse(data[:length])
    for broken in (data + b"x", data.replace(b'"children":[', b'"children",[', 1)):
        with pytest.raises(InvalidInput):
            parse(broken, format=Format.ATSPI if name == "atspi" else Format.TREE)


@pytest.mark.parametrize(
    "value",
    [
        b'"a\\u00e9\\ud83d\\ude00\\n"',
        b'[1, -2.5e3, true, false, null, {}, [ ] , {"a" : 1}]',
        b"0",
    ],
)
def test_the_deep_reader_reads_as_the_fast_one_does(value: bytes) -> None:
    """Beside something deep, any value gives what it gives alone."""
    deep = nested("[", DEEP, "]")
    shallow = b'{"applications":[{"role":"a","x":1,"name":"n","value":' + value + b',"y":'

    assert parse(shallow + deep + b"}]}").tree == parse(shallow + b"[]}]}").tree


@pytest.mark.parametrize(
    "value",
    [b"01", b"+1", b"tru", b"nul]", b'"\\x"', b"[1,]", b"{1:2}", b"[1 2]"],
)
def test_the_deep_reader_refuses_what_the_fast_one_does(value: bytes) -> None:
    deep = nested("[", DEEP, "]")
    for beside in (b"0", deep):
        with pytest.raises(InvalidInput):
            parse(b'{"applications":[{"role":"a","y":' + beside + b',"value":' + value + b"}]}  ")


@pytest.mark.parametrize("beside", [b"0", nested("[", DEEP, "]")], ids=["shallow", "deep"])
def test_a_number_with_too_many_digits_is_an_error(beside: bytes) -> None:
    with pytest.raises(InvalidInput):
        parse(b'{"root":{"role":"a","y":' + beside + b',"value":' + b"1" * 5_000 + b"}}")


@pytest.mark.parametrize("data", [nested("[", DEEP, "]"), nested('{"a":', DEEP, "}", "1")])
@pytest.mark.parametrize("format_", Format)
def test_nesting_without_a_tree_is_an_error(data: bytes, format_: Format) -> None:
    with pytest.raises(InvalidInput):
        parse(data, format=format_)


def test_cdp_nested_where_nothing_nests_is_malformed() -> None:
    sources = nested("[", DEEP, "]")
    with pytest.raises(MalformedTree, match="deeper"):
        parse(b'{"nodes":[{"nodeId":"1","sources":' + sources + b"}]}")


TOO_MANY = {
    "cdp": b'{"nodes":[' + b'{"nodeId":""},' * MAX_NODES + b'{"nodeId":""}]}',
    "own": b'{"format":"systemzero.tree","nodes":['
    + b'{"role":""},' * MAX_NODES
    + b'{"role":""}]}',
    "android": b"<hierarchy>" + b"<node/>" * MAX_NODES + b"</hierarchy>",
    "aria": b"- a\n" * (MAX_NODES + 1),
    "atspi": b'{"applications":[' + b'{"role":""},' * MAX_NODES + b'{"role":""}]}',
    "older": b'{"root":{"role":"","children":[' + b'{"role":""},' * MAX_NODES + b'{"role":""}]}}',
}


@pytest.mark.parametrize("data", TOO_MANY.values(), ids=TOO_MANY)
def test_one_node_too_many_is_too_large(data: bytes) -> None:
    with pytest.raises(TooLarge) as caught:
        parse(data)

    assert caught.value.metadata["limit"] == str(MAX_NODES)


def test_nesting_beyond_any_tree_is_too_large() -> None:
    with pytest.raises(TooLarge, match="deeper"):
        parse(b'{"root":' + b"[" * 500_000)


def test_the_bytes_of_all_parts_are_bounded_together() -> None:
    page = cdp(ax("1", "RootWebArea"))
    with pytest.raises(TooLarge, match="5000000"):
        parse(page, dom=b" " * 3_000_000, frames=[b" " * 2_000_000])
    with pytest.raises(TooLarge) as caught:
        parse(page, max_bytes=10)
    assert caught.value.metadata == {"limit": "10", "actual": str(len(page))}


def test_an_alias_bomb_is_refused() -> None:
    bomb = "- a: &a [x, x]\n- b: &b [*a, *a]\n- c: [*b, *b]\n"
    with pytest.raises(InvalidInput):
        parse(bomb.encode(), format=Format.ARIA)


def test_thousands_of_frames_are_joined_in_one_pass() -> None:
    """Owners are found by look-up: four thousand squared comparisons would take minutes."""
    many = 4_000
    owners = [ax(f"i{n}", "Iframe", parent="1") for n in range(many)]
    roots = [ax(f"r{n}", "RootWebArea") for n in range(many)]
    data = json.dumps(
        {"nodes": [ax("1", "RootWebArea", "", [o["nodeId"] for o in owners]), *owners, *roots]}
    )

    parsed = parse(data.encode())

    assert len(parsed.tree) == 2 * many + 1
    assert parsed.gaps == ()
