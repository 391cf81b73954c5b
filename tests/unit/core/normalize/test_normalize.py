"""The normal form: its laws on any tree, and what a user would notice on small ones."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from systemzero_core.errors import InvalidInput
from systemzero_core.normalize import DEFAULT_FILTERS, Filter, FilterSet, explain, normalize
from systemzero_core.signature import sign
from systemzero_core.tree import Bounds, Node, Tree
from tests.support.strategies import ANY_NODES, trees

FILTER_SETS = st.sets(st.sampled_from(sorted(Filter))).map(FilterSet.of)


def tree(*lines: tuple[int, Node]) -> Tree:
    """A tree from (depth, node) lines."""
    parents, path = [], [-1]
    for i, (depth, _) in enumerate(lines):
        del path[depth + 1 :]
        parents.append(path[-1])
        path.append(i)
    return Tree.checked([node for _, node in lines], parents)


def told(found: Tree) -> list[str]:
    """Role and name of each node, indented."""
    return [
        "  " * depth + f"{node.role} {node.name}".strip()
        for node, depth in zip(found.nodes, found.depths, strict=True)
    ]


@given(trees(ANY_NODES, max_nodes=14), FILTER_SETS | st.just(DEFAULT_FILTERS))
@settings(max_examples=500)
def test_a_tree_in_normal_form_stays_as_it_is(given_tree: Tree, filters: FilterSet) -> None:
    once = normalize(given_tree, filters)
    again = explain(once, filters)
    assert again.tree == once
    assert again.removed == ()


@given(trees(ANY_NODES, max_nodes=14), FILTER_SETS)
def test_the_normal_form_is_a_tree_with_the_same_root_and_its_parts_sorted(
    given_tree: Tree, filters: FilterSet
) -> None:
    found = normalize(given_tree, filters)
    Tree.checked(found.nodes, found.parents)
    sign(found)  # whatever strings came in
    assert bool(found) == bool(given_tree)
    for node in found.nodes:
        assert list(node.states) == sorted(set(node.states))
        names = [name for name, _ in node.attributes]
        assert names == sorted(set(names))


@given(trees(ANY_NODES, max_nodes=14), FILTER_SETS)
def test_every_node_left_out_is_explained(given_tree: Tree, filters: FilterSet) -> None:
    found = explain(given_tree, filters)
    assert found.tree == normalize(given_tree, filters)
    assert {removal.filter for removal in found.removed} <= filters.enabled
    taken = sum(
        given_tree.ends[removal.node] - removal.node
        if removal.filter in ("spinner", "scrollbar", "list-marker", "line-break", "system-bar")
        else 1
        for removal in found.removed
    )
    assert len(given_tree) - len(found.tree) <= taken
    assert len({removal.node for removal in found.removed}) == len(found.removed)


def test_a_browsers_page_reads_like_its_aria_snapshot() -> None:
    page = tree(
        (
            0,
            Node(
                "RootWebArea", "Shop", attributes=(("url", "http://127.0.0.1:8901/shop?again=1"),)
            ),
        ),
        (1, Node("generic")),
        (2, Node("heading", "Our  offers", attributes=(("level", "1"),))),
        (3, Node("StaticText", "Our offers")),
        (4, Node("InlineTextBox", "Our offers")),
        (2, Node("list")),
        (3, Node("listitem")),
        (4, Node("ListMarker", "• ")),
        (4, Node("link", "Tea and cake", states=("focusable", "focused"))),
        (5, Node("StaticText", "Tea ")),
        (5, Node("strong")),
        (6, Node("StaticText", "and cake")),
        (2, Node("progressbar", "Loading")),
    )
    found = normalize(page)
    assert told(found) == [
        "document Shop",
        "  heading Our offers",
        "  list",
        "    listitem",
        "      link Tea and cake",
        "        text Tea",
        "        strong",
        "          text and cake",
    ]
    assert found.nodes[0].platform_role == "RootWebArea"
    assert found.nodes[0].attributes == (("url", "/shop"),)
    assert found.nodes[4].states == ("focusable",)


def test_pieces_that_together_repeat_the_name_go_and_others_stay() -> None:
    button = Node("button", "Add to basket")
    pieces = [(2, Node("text", "Add ")), (2, Node("text", "to basket"))]
    assert told(normalize(tree((0, Node("main")), (1, button), *pieces))) == [
        "main",
        "  button Add to basket",
    ]
    price = (2, Node("text", "3.50"))
    assert len(normalize(tree((0, Node("main")), (1, button), *pieces, price))) == 5


def test_a_text_that_holds_something_else_stays_and_one_within_it_goes_first() -> None:
    button, text = Node("button", "Buy"), Node("text", "Buy")
    nested = tree((0, Node("main")), (1, button), (2, text), (3, text), (4, text))
    assert told(normalize(nested)) == ["main", "  button Buy"]
    holding = tree((0, Node("main")), (1, button), (2, text), (3, Node("img", "Cart")))
    assert told(normalize(holding)) == [
        "main",
        "  button Buy",
        "    text Buy",
        "      img Cart",
    ]


def test_a_region_named_like_its_only_text_keeps_the_text() -> None:
    region = tree((0, Node("main")), (1, Node("region", "News")), (2, Node("text", "News")))
    assert told(normalize(region)) == ["main", "  region News", "    text News"]


def test_what_a_field_holds_is_said_once() -> None:
    field = tree(
        (0, Node("main")),
        (1, Node("textbox", "Search", value="tea")),
        (2, Node("generic", states=("editable",))),
        (3, Node("StaticText", "tea", states=("editable",))),
    )
    assert told(normalize(field)) == ["main", "  textbox Search"]


def test_a_visible_child_of_a_hidden_parent_stays() -> None:
    found = explain(
        tree(
            (0, Node("main")),
            (1, Node("group", "Away", states=("hidden",))),
            (2, Node("button", "Here")),
        )
    )
    assert told(found.tree) == ["main", "  button Here"]
    assert found.removed == ((Filter.HIDDEN, 1, "group", "Away"),)


def test_a_flat_node_goes_only_when_nothing_is_left_in_it() -> None:
    flat = Bounds(4, 4, 0, 20)
    found = normalize(
        tree(
            (0, Node("main")),
            (1, Node("group", bounds=flat)),
            (2, Node("img", bounds=flat)),
            (1, Node("group", bounds=flat)),
            (2, Node("checkbox", "In stock", bounds=flat)),
        )
    )
    assert told(found) == ["main", "  group", "    checkbox In stock"]


def test_boxes_that_no_screen_has_are_none_and_others_whole() -> None:
    found = normalize(
        tree(
            (0, Node("main", bounds=Bounds(-2147483648, -2147483648, 638, 356))),
            (1, Node("img", bounds=Bounds(1.5, 2.4, 9.5, -0.4))),  # type: ignore[arg-type]
            (1, Node("img", bounds=Bounds(1.5, 2.4, 9.5, 0.6))),  # type: ignore[arg-type]
        )
    )
    assert [node.bounds for node in found.nodes] == [None, None, Bounds(2, 2, 10, 1)]


def test_a_filter_that_is_off_leaves_its_nodes() -> None:
    page = tree((0, Node("main")), (1, Node("progressbar", "Loading")), (1, Node("generic")))
    assert len(normalize(page)) == 1
    assert told(normalize(page, DEFAULT_FILTERS.without("spinner"))) == [
        "main",
        "  progressbar Loading",
    ]
    assert len(normalize(page, FilterSet.of([]))) == 3


def test_an_unknown_filter_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match=r"'spiner' is no filter.*spinner"):
        FilterSet.of(["spiner"])


def test_a_determinate_progress_bar_is_content() -> None:
    page = tree((0, Node("main")), (1, Node("progressbar", "Upload", value="40")))
    assert len(normalize(page)) == 2


def test_a_deep_tree_and_a_wide_one_are_answers() -> None:
    depth = 10_000
    deep = Tree([Node("group", str(i)) for i in range(depth)], range(-1, depth - 1))
    assert len(normalize(deep)) == depth
    wrapped = Tree(
        [Node("main"), *[Node("generic")] * depth, Node("button", "x")], range(-1, depth + 1)
    )
    assert told(normalize(wrapped)) == ["main", "  button x"]
    wide = Tree([Node("link", "x"), *[Node("text", "x")] * depth], [-1, *[0] * depth])
    assert len(normalize(wide)) == 1


def test_an_empty_tree_stays_empty_and_the_root_stays_whatever_it_is() -> None:
    assert len(normalize(Tree((), ()))) == 0
    assert told(normalize(tree((0, Node("scrollbar", states=("hidden",)))))) == ["scrollbar"]
