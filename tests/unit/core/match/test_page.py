"""Screens of one application share their navigation; what a page says it is tells them apart."""

from __future__ import annotations

import pytest

from systemzero_core.match import TemplateIndex, Thresholds, match, tokens_of
from systemzero_core.match.page import Agreement, Claims
from systemzero_core.template import Template
from systemzero_core.tree import Node, Tree
from tests.support.trees import Item, item, tree

NAVIGATION = ("Home", "Products", "Orders", "Customers", "Reports", "Settings", "Help", "Log out")


def page(address: str, title: str, *parts: Item) -> Tree:
    """A page of an application whose navigation is most of it."""
    links: list[Item] = [item("link", name) for name in NAVIGATION]
    made = tree(*links, *parts)
    root = Node(role="page", name=title, attributes=(("url", address),))
    return Tree((root, *made.nodes[1:]), made.parents)


LIST = page("https://a.test/shop/products", "Products | Shop", item("table", "Products"))
FORM = page(
    "https://a.test/shop/orders/new",
    "New order | Shop",
    *(item("textbox", name) for name in ("Customer", "Street", "Town", "Goods", "Number")),
)


def index_of(**pages: Tree) -> TemplateIndex:
    return TemplateIndex(
        Template(template_id=name, screen_id=name, tree=page) for name, page in pages.items()
    )


def test_a_form_that_was_never_learnt_is_not_taken_for_the_list() -> None:
    answer = match(index_of(list=LIST), tokens_of(FORM))
    assert answer.chosen is None
    assert "the nearest is screen “list”" in answer.explanation
    assert "its address and title are another screen's" in answer.explanation


def test_a_hint_is_followed_all_the_same() -> None:
    answer = match(index_of(list=LIST), tokens_of(FORM), hint="list")
    assert answer.chosen is not None


def test_another_record_under_its_own_address_is_the_same_screen() -> None:
    form: list[Item] = [
        item("textbox", "Name"),
        item("textbox", "Price"),
        item("button", "Save"),
        item("button", "Delete"),
    ]
    kettle = page("https://a.test/shop/products/kettle", "Kettle | Shop", *form)
    teapot = page("https://a.test/shop/products/teapot", "Teapot | Shop", *form)
    answer = match(index_of(detail=kettle), tokens_of(teapot))
    assert answer.chosen is not None


def test_a_page_that_was_rewritten_is_known_by_its_address_and_title() -> None:
    old = page("https://a.test/v1/login", "Log in | Shop", item("textbox", "User"))
    new = tree(
        item("form", ""), item("searchbox", "E-mail"), item("switch", "Stay"), item("image", "logo")
    )
    root = Node(role="page", name="Log in | Shop", attributes=(("url", "https://b.test/login"),))
    rewritten = Tree((root, *new.nodes[1:]), new.parents)
    answer = match(index_of(login=old, other=LIST), tokens_of(rewritten))
    assert answer.chosen is not None
    assert answer.chosen.screen_id == "login"


def test_the_best_fit_of_another_page_does_not_hide_the_next() -> None:
    """Where the template that fits best is contradicted, one that agrees is the answer."""
    parts: list[Item] = [item("button", f"Action {word}") for word in ("one", "two", "three")]
    other = page("https://a.test/orders", "Orders | Shop", *parts)
    own = page("https://a.test/products", "Products | Shop")
    seen = page("https://a.test/products", "Products | Shop", *parts)
    answer = match(index_of(orders=other, products=own), tokens_of(seen))
    assert answer.chosen is not None
    assert answer.chosen.screen_id == "products"


@pytest.mark.parametrize(
    ("a", "b", "agreement"),
    [
        (("/shop/list", "List | Shop"), ("/v2/list", "List | Shop"), Agreement.AGREES),
        (("/a/7", "Kettle | Shop"), ("/a/8", "Teapot | Shop"), Agreement.AGREES),
        (("/", "Shop"), ("/", "Other"), Agreement.UNKNOWN),
        (("/a", "Shop"), ("/b", "Shop"), Agreement.ELSEWHERE),
        (("", "A | Shop"), ("", "B | Shop"), Agreement.UNKNOWN),
        (("/", "Start | Shop"), ("/admin/", "Admin | Shop"), Agreement.CONTRADICTS),
        (("/#/a", "A | Shop"), ("/#/b", "B | Shop"), Agreement.CONTRADICTS),
        (("/a", "A | Shop"), ("/b", "B | Shop"), Agreement.CONTRADICTS),
    ],
)
def test_pages_agree_by_the_end_of_their_address_and_a_part_of_their_title(
    a: tuple[str, str], b: tuple[str, str], agreement: Agreement
) -> None:
    assert claims(*a).agreement(claims(*b)) is agreement
    assert claims(*b).agreement(claims(*a)) is agreement


def claims(path: str, title: str) -> Claims:
    return tokens_of(page(path and f"https://a.test{path}", title)).claims


def test_a_threshold_of_one_page_is_a_share_whatever_the_margins() -> None:
    strict = Thresholds(match=0.9, agreeing_margin=1.0)
    assert strict.of(Agreement.CONTRADICTS) == 1.0
    assert strict.of(Agreement.AGREES) == 0.0
