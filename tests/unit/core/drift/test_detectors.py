from __future__ import annotations

import pytest

from systemzero_core.drift import Finding, Severity
from systemzero_core.drift.detectors.manipulative import inspect
from systemzero_core.tree import Tree
from tests.support.trees import Item, codes, item, judged, template, tree


def seen(before: tuple[Item, ...], after: tuple[Item, ...]) -> set[str]:
    return codes(judged(template(tree(*before)), tree(*after)))


def finding(before: Tree, after: Tree, code: str) -> Finding:
    found = judged(template(before), after).findings
    return next(one for one in found if one.code == code)


TEXT = item("text", "Pear")
PAY = item("button", "Pay")
NEWS = "Send me the newsletter"


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ((PAY,), (), "control_removed"),
        ((PAY,), (item("button", "Pay", states=("disabled",)),), "control_disabled"),
        ((item("form", "Pay", PAY),), (PAY,), "part_removed"),
        ((PAY,), (PAY, item("dialog", "Wait")), "dialog_appeared"),
        ((PAY,), (item("button", "Buy"),), "control_renamed"),
        ((PAY,), (item("button", ""),), "name_lost"),
        ((item("heading", "Cart"),), (item("heading", "Basket"),), "heading_changed"),
        ((item("heading", "Cart"), TEXT), (TEXT,), "heading_removed"),
        (
            (item("link", "Help", attributes=(("url", "/a"),)),),
            (item("link", "Help", attributes=(("url", "/b"),)),),
            "link_target_changed",
        ),
        (
            (item("link", "Help", attributes=(("url", "/a"),)),),
            (item("link", "Help", attributes=(("url", "https://evil.example/a"),)),),
            "link_host_changed",
        ),
    ],
)
def test_layout_and_content(before: tuple[Item, ...], after: tuple[Item, ...], code: str) -> None:
    assert code in seen((*before, TEXT), (*after, TEXT))


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ((item("button", "Decline"),), (), "decline_removed"),
        ((item("link", "Unsubscribe"),), (), "decline_removed"),
        (
            (item("button", "Reject all"),),
            (item("button", "Reject all", states=("disabled",)),),
            "decline_hidden",
        ),
        ((item("button", "Cancel"),), (item("link", "Cancel"),), "decline_demoted"),
        ((item("button", "Cancel"),), (item("text", "Cancel"),), "decline_demoted"),
        ((item("button", "No thanks"),), (item("button", "Maybe later on"),), "decline_renamed"),
        (
            (item("checkbox", NEWS, states=("unchecked",)),),
            (item("checkbox", NEWS, states=("checked",)),),
            "consent_prechecked",
        ),
        ((), (item("checkbox", NEWS, states=("checked",)),), "consent_prechecked"),
        ((item("checkbox", NEWS, states=()),), (item("button", NEWS),), "consent_disguised"),
        ((), (item("button", "No thanks, I like paying more"),), "confirm_shaming"),
        (
            (item("button", "No thanks"),),
            (item("button", "No, I'd rather pay full price"),),
            "confirm_shaming",
        ),
        ((), (item("text", "Only 2 left in stock!"),), "urgency"),
        ((), (item("timer", ""),), "urgency"),
        ((), (item("text", "17 people are looking at this room"),), "urgency"),
        ((), (item("row", "", item("cell", "Service fee"), item("cell", "$4.99")),), "late_fee"),
        ((item("text", "Total $9.99"),), (item("text", "Total $12.49"),), "price_raised"),
        ((item("text", "Total 1.234,50 €"),), (item("text", "Total 1.300,00 €"),), "price_raised"),
    ],
)
def test_manipulation(before: tuple[Item, ...], after: tuple[Item, ...], code: str) -> None:
    rest = (TEXT, item("main", "", PAY, item("heading", "Cart")))
    assert code in seen((*before, *rest), (*after, *rest))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((item("link", "Skip to main content"),), ()),
        ((item("checkbox", NEWS, states=("checked",)),), (item("checkbox", NEWS),)),
        ((), (item("checkbox", NEWS, states=("unchecked",)),)),
        ((), (item("checkbox", "Remember me", states=("checked",)),)),
        ((item("text", "Total $12.49"),), (item("text", "Total $9.99"),)),
        ((), (item("text", "Insurance covers you"),)),
        ((), (item("text", "The hall is left of the door"),)),
        ((item("button", "Cancel"),), (item("group", "", item("button", "Cancel")),)),
        ((item("listitem", "", item("button", "Edit")),), (item("listitem", ""),)),
    ],
)
def test_what_is_no_manipulation(before: tuple[Item, ...], after: tuple[Item, ...]) -> None:
    judgement = judged(template(tree(*before, TEXT)), tree(*after, TEXT))
    assert not [f for f in judgement.findings if f.detector == "manipulative"]


def test_a_finding_cites_its_node() -> None:
    before = tree(item("dialog", "Cookies", item("button", "Accept"), item("button", "Decline")))
    after = tree(item("dialog", "Cookies", item("button", "Accept")))
    found = finding(before, after, "decline_removed")
    assert found.severity is Severity.CRITICAL
    assert [step.name for step in found.path] == ["Shop", "Cookies", "Decline"]
    assert (found.node, found.target) == (3, -1)
    assert found.message == "button “Decline” is gone: a way out was removed"


def test_a_removed_way_out_makes_the_event_critical() -> None:
    lines = [item("text", f"Line {chr(97 + i)}") for i in range(26)]
    before = tree(*lines, item("button", "Cancel subscription"))
    judgement = judged(template(before), tree(*lines))
    assert judgement.similarity > 0.9
    assert judgement.severity is Severity.CRITICAL


def test_buttons_of_rows_are_data() -> None:
    row = item("row", "Pear", item("cell", "", item("button", "Edit pear")))
    judgement = judged(template(tree(row, TEXT)), tree(TEXT))
    assert "control_removed" not in codes(judgement)


def test_what_the_baseline_has_was_approved_with_it() -> None:
    shop = (item("text", "Hurry up!"), item("text", "Only 3 left"))
    assert "urgency" not in seen((*shop, TEXT), (*shop, item("text", "Plum")))


def test_a_tree_can_be_inspected_before_it_is_approved() -> None:
    found = inspect(tree(item("text", "Hurry up!"), item("checkbox", NEWS, states=("checked",))))
    assert [(f.code, f.target) for f in found] == [("urgency", 1), ("consent_prechecked", 2)]
    assert {f.severity for f in found} == {Severity.INFO}


AGREED = "Cancel nothing: by pressing this I agree that the house may charge me the sum of"


@pytest.mark.parametrize(
    ("role", "said"),
    [
        ("button", "is now called"),
        ("heading", "now reads"),
    ],
)
def test_a_finding_shows_where_long_names_differ(role: str, said: str) -> None:
    before, after = (tree(item(role, f"{AGREED} {sum_} euros"), TEXT) for sum_ in ("one", "nine"))
    code = "control_renamed" if role == "button" else "heading_changed"
    assert finding(before, after, code).message == (
        f"{role} “… me the sum of one euros” {said} “… me the sum of nine euros”"
    )


def test_a_way_out_that_is_renamed_late_in_its_name_shows_where() -> None:
    long = "By pressing this button I say that what the house sent me"
    before, after = (tree(item("button", f"{long} {end}"), TEXT) for end in ("I decline", "I want"))
    message = finding(before, after, "decline_renamed").message
    assert "I decline”" in message
    assert "I want”" in message


def test_a_heading_without_words_lost_its_text() -> None:
    message = finding(
        tree(item("heading", "Stock"), TEXT), tree(item("heading", ""), TEXT), "heading_changed"
    ).message
    assert message == "heading “Stock” lost its text"
