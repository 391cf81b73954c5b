"""Screens that are one page are told apart by the tab chosen, and by what stands over it."""

from __future__ import annotations

from systemzero_core.match import MatchAnswer, TemplateIndex, match, tokens_of
from systemzero_core.template import Template
from systemzero_core.tree import Bounds, Tree
from tests.support.laid_pages import page, panel
from tests.support.trees import Item, item


def answer(capture: Tree, learnt: dict[str, Tree], hint: str = "") -> MatchAnswer:
    index = TemplateIndex(
        Template(template_id=name, screen_id=name, tree=one) for name, one in learnt.items()
    )
    return match(index, tokens_of(capture), hint=hint)


def chosen(capture: Tree, **learnt: Tree) -> str:
    found = answer(capture, learnt).chosen
    return "" if found is None else found.screen_id


def tabs(selected: str) -> Item:
    return item(
        "tablist",
        "",
        *(
            item("tab", name, states=("selected",) if name == selected else ())
            for name in ("Table", "Form")
        ),
    )


def controls(*names: str) -> list[Item]:
    return [item("textbox", name) for name in names]


ASKING = page(panel("dialog", "Delete"))
FORM = ("Customer", "Street", "Town", "Goods", "Number")


def test_a_page_is_not_the_screen_of_a_dialog_that_is_closed() -> None:
    found = answer(page(), {"asking": ASKING})
    assert found.chosen is None
    assert "the page of screen “asking”, without what stands over it there" in found.explanation


def test_it_is_where_the_client_says_so() -> None:
    found = answer(page(), {"asking": ASKING}, "asking")
    assert found.chosen is not None


def test_a_hint_is_not_refuted_by_a_state_that_this_is_not() -> None:
    more = [item(role, f"{role} {at}") for role in ("switch", "slider", "link") for at in "abcdefg"]
    loading = page(*controls(*FORM), *more)
    found = answer(page(), {"loading": loading, "asking": ASKING}, "loading")
    assert found.chosen is not None
    assert found.chosen.screen_id == "loading"
    assert not found.hint_rejected


def test_a_page_without_its_dialog_is_no_third_screen_that_fits_less_well() -> None:
    more = [item(role, f"{role} {at}") for role in ("switch", "slider", "link") for at in "abcdefg"]
    third = page(*controls(*FORM), *more)
    assert chosen(page(), third=third) == "third"
    assert chosen(page(), third=third, asking=ASKING) == ""


def test_another_dialog_over_the_page_is_another_screen() -> None:
    box = Bounds(300, 150, 400, 400)
    words = ("Export as a file", "Spreadsheet with all columns", "Plain text", "Start export")
    export = item("dialog", "Export", *(item("button", word) for word in words), bounds=box)
    assert chosen(page(export), asking=ASKING) == ""
    assert chosen(page(export), asking=ASKING, exporting=page(export)) == "exporting"


def test_a_dialog_over_a_known_page_leaves_it_that_page() -> None:
    assert chosen(ASKING, orders=page()) == "orders"


def test_a_dialog_whose_words_changed_in_part_is_that_screen() -> None:
    again = page(panel("dialog", "Remove", Bounds(320, 160, 400, 400)))
    assert chosen(again, asking=ASKING) == "asking"


def test_a_spinner_over_the_page_makes_no_other_screen() -> None:
    spinning = page(item("dialog", "", item("text", "Loading orders")))
    assert chosen(page(), orders=spinning) == "orders"


def test_another_tab_of_a_page_is_another_screen() -> None:
    table = page(tabs("Table"), item("table", "Sales"), *controls("Search"))
    form = page(tabs("Form"), *controls(*FORM))
    assert chosen(form, table=table) == ""
    assert chosen(table, form=form) == ""
    assert chosen(form, table=table, form=form) == "form"


def test_another_address_with_the_same_title_is_another_screen() -> None:
    orders = page(*controls(*FORM), title="Shop")
    other = page(*controls("User", "Password"), title="Shop", address="https://a.test/users")
    assert chosen(other, orders=orders) == ""


def test_screens_that_fit_about_as_well_are_told() -> None:
    found = answer(page(), {"one": page(*controls("A one")), "two": page(*controls("A two"))})
    assert found.chosen is not None
    assert "about as near is “two”" in found.explanation
