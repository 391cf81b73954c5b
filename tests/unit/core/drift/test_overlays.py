"""A known screen with something over it is that screen, and what is over it is told apart."""

from __future__ import annotations

from systemzero_core.drift import Judgement, Verdict, render_judgement
from systemzero_core.tree import Bounds, Node, Tree
from tests.support.laid_pages import bar, page, panel, rows
from tests.support.trees import item, judged, template, tree


def over(judgement: Judgement) -> list[str]:
    return [overlay.sentence for overlay in judgement.overlays]


def test_a_dialog_over_an_unchanged_screen() -> None:
    found = judged(template(page()), page(panel("dialog", "Delete")))
    assert found.verdict is Verdict.DRIFT
    assert found.beneath is Verdict.UNCHANGED
    assert over(found) == ["dialog “Delete” (5 nodes)"]
    said = render_judgement(found)
    assert "over it: dialog “Delete” (5 nodes); the screen by itself: unchanged" in said


def test_a_panel_without_a_role_is_called_by_its_heading() -> None:
    found = judged(template(page()), page(item("generic", "", panel())))
    assert over(found) == ["panel “Delete this order?” (5 nodes)"]
    assert found.beneath is Verdict.UNCHANGED


def test_a_menu_that_opens() -> None:
    menu = panel("list", "", Bounds(700, 40, 300, 400))
    found = judged(template(tree(bar(), *rows(6))), tree(bar(menu), *rows(6)))
    assert over(found) == ["menu “Delete this order?” (5 nodes)"]
    assert found.beneath is Verdict.UNCHANGED


def test_a_message_that_came() -> None:
    message = item("alert", "", item("text", "Saved"))
    found = judged(template(page()), page(message))
    assert over(found) == ["message “Saved” (2 nodes)"]
    assert found.beneath is Verdict.UNCHANGED


def test_a_change_of_the_screen_below_a_dialog_is_the_screens() -> None:
    learnt = page(item("button", "Approve"))
    found = judged(template(learnt), page(item("button", "Pay"), panel("dialog", "Delete")))
    assert found.beneath is Verdict.DRIFT
    assert over(found) == ["dialog “Delete” (5 nodes)"]


def test_what_a_dialog_takes_from_the_screen_is_the_screens_change() -> None:
    found = judged(template(page(panel())), page(item("dialog", "Delete", *panel().children)))
    assert found.beneath is not Verdict.UNCHANGED


def test_what_was_learnt_with_the_screen_is_no_overlay_of_it() -> None:
    learnt = page(panel("dialog", "Delete"))
    found = judged(template(learnt), page(panel("dialog", "Delete"), item("link", "More")))
    assert found.overlays == ()
    assert found.beneath is None


def test_what_is_added_beside_others_is_a_change_of_the_screen() -> None:
    found = judged(template(page()), page(panel(box=Bounds(0, 700, 1000, 90))))
    assert found.verdict is Verdict.DRIFT
    assert found.overlays == ()


def test_a_dialog_that_hides_all_else_leaves_the_screen_undecided() -> None:
    dialog = tree(panel("dialog", "Delete"))
    alone = Tree((Node("document", "Shop"), *dialog.nodes[1:]), dialog.parents)
    found = judged(template(page(title="Shop")), alone)
    assert found.verdict is Verdict.DRIFT
    assert found.beneath is Verdict.INCONCLUSIVE
