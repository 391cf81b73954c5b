"""What of a tree is looked at."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systemzero_core.match import Feature, Tokens, template_tokens, tokens_of
from systemzero_core.match.texts import fold, words_of
from systemzero_core.template.model import Selector, Template
from systemzero_core.tree import Bounds, Node, Tree
from tests.support.screens import BASKET, BASKET_PARTS, LOGIN
from tests.support.trees import item, tree


def overlap(a: Tokens, b: Tokens, feature: Feature) -> tuple[int, int, int]:
    mine, theirs = a.sets[feature], b.sets[feature]
    return len(mine - theirs), len(mine & theirs), len(theirs - mine)


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("Save", "Save"),
        ("  Save \n as ", "Save as"),
        ("Inbox (12)", "Inbox (#)"),
        ("1,234.50 €", "# €"),
        ("at 12:30", "at #"),
        ("x" * 500, "x" * 160),
    ],
)
def test_names_are_compared_without_blanks_and_numbers(name: str, folded: str) -> None:
    assert fold(name) == folded


@given(st.text(st.characters(max_codepoint=0x2FF), max_size=40))
def test_plain_texts_are_read_as_all_others(text: str) -> None:
    # A Latin letter in front takes the text off the way of plain ASCII.
    assert fold(f"\u00e9 {text}".rstrip()) == f"\u00e9 {fold(text).strip()}".rstrip()
    assert words_of(text) == re.findall(r"[^\W\d_]+", text.casefold())[:12]


def test_tokens_hold_no_duplicates() -> None:
    for feature, held in tokens_of(BASKET).arrays.items():
        assert len(set(held)) == len(held), feature


def test_a_longer_table_is_nearly_the_same_screen() -> None:
    def rows(count: int) -> Tokens:
        return tokens_of(tree(item("table", "", *(item("row", f"Item {i}") for i in range(count)))))

    assert overlap(rows(64), rows(100), Feature.STRUCTURE) == (0, 9, 0)
    assert overlap(rows(64), rows(128), Feature.NAMES) == (0, 8, 1)


def test_a_renamed_control_keeps_the_words_it_keeps() -> None:
    a = tokens_of(tree(item("button", "Open the Help")))
    b = tokens_of(tree(item("link", "Show the help")))
    assert overlap(a, b, Feature.NAMES) == (1, 3, 1)
    assert (
        not {t for t in a.present & b.present if t != hash("document")} - tokens_of(tree()).present
    )


def test_of_a_long_text_the_first_words_count() -> None:
    assert tokens_of(tree(item("text", "word " * 9))).size(Feature.NAMES) == 1 + 4
    letters = " ".join(chr(97 + i) for i in range(20))
    assert tokens_of(tree(item("text", letters))).size(Feature.NAMES) == 1 + 12


def test_order_of_siblings_and_numbers_in_names_do_not_matter() -> None:
    a = tree(item("button", "Pay 10 EUR"), item("link", "Back"))
    b = tree(item("link", "Back"), item("button", "Pay 250 EUR"))
    assert tokens_of(a).sets == tokens_of(b).sets


def test_the_same_roles_in_another_hierarchy_differ_in_structure_alone() -> None:
    a = tokens_of(tree(item("list", "", item("listitem", ""), item("listitem", ""))))
    b = tokens_of(tree(item("list", "", item("listitem", "", item("listitem", "")))))
    assert a.sets[Feature.ROLES] == b.sets[Feature.ROLES]
    assert a.sets[Feature.STRUCTURE] != b.sets[Feature.STRUCTURE]


def test_identifiers_are_ids_and_the_path_of_the_page_without_its_host() -> None:
    def page(url: str, field: str) -> Tokens:
        nodes = [
            Node(role="document", attributes=(("url", url),)),
            Node(role="textbox", attributes=(("id", field),)),
        ]
        return tokens_of(Tree(nodes, [-1, 0]))

    a = page("https://test.example/pay/17?x=1", "amount")
    assert a.sets == page("http://127.0.0.1:8080/pay/99", "amount").sets
    assert overlap(a, page("https://test.example/pay/17", "total"), Feature.IDENTIFIERS)[1] == 1
    assert page("http://[", "amount").size(Feature.IDENTIFIERS) == 1


def test_layout_is_read_when_asked_for_and_scales_with_the_screen() -> None:
    def screen(scale: int) -> Tree:
        nodes = [
            Node(role="document", bounds=Bounds(0, 0, 100 * scale, 80 * scale)),
            Node(role="button", bounds=Bounds(90 * scale, 70 * scale, 5 * scale, 5 * scale)),
        ]
        return Tree(nodes, [-1, 0])

    assert tokens_of(screen(1)).size(Feature.LAYOUT) == 0
    small, large = tokens_of(screen(1), layout=True), tokens_of(screen(3), layout=True)
    assert small.size(Feature.LAYOUT) == 2
    assert small.sets == large.sets


def test_an_empty_tree_has_no_tokens() -> None:
    assert not any(tokens_of(Tree((), ()), layout=True).arrays.values())


def test_a_template_without_required_nodes_requires_its_named_controls_and_landmarks() -> None:
    found = template_tokens(Template(template_id="t", screen_id="s", tree=LOGIN))
    assert found.labels == (
        "heading “Log in”",
        "textbox “User”",
        "textbox “Password”",
        "button “Log in”",
    )


def test_required_nodes_are_found_by_role_and_literal_name() -> None:
    template = Template(
        template_id="t",
        screen_id="s",
        required_nodes=(
            Selector(role="button", name="Pay now"),
            Selector(role="row", name="Pear {number}"),
            Selector(role="table", name="{any}"),
            Selector(role="link", name="Use {{id}}"),
            Selector(name="Any role"),
        ),
    )
    found = template_tokens(template)
    assert found.tokens is None
    assert found.labels == (
        "button “Pay now”",
        "row “Pear #”",
        "table",
        "link “Use {id}”",
        "node “Any role”",
    )
    with_link = tree(item("link", "Use {id}"), item("textbox", "Any role"), *BASKET_PARTS)
    assert set(found.required) <= tokens_of(with_link).present


def test_a_required_node_named_by_its_name_alone_is_found_under_any_role() -> None:
    # as the older layout of templates names them
    required = (Selector(name="Buy"), Selector(name="Sell"))
    template = Template(template_id="t", screen_id="s", required_nodes=required)
    tokens = template_tokens(template)
    tree = Tree([Node("form"), Node("link", name="Buy")], [-1, 0])
    assert len(tokens.required) == 2
    assert len(tokens_of(tree).present.intersection(tokens.required)) == 1
