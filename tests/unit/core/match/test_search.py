"""From ranked templates to an answer: thresholds, hints, explanations."""

from __future__ import annotations

from typing import Any

import pytest

from systemzero_core.errors import InvalidInput
from systemzero_core.match import (
    MatchAnswer,
    TemplateIndex,
    Thresholds,
    Weights,
    identify,
    match,
    tokens_of,
)
from systemzero_core.template.model import Template
from systemzero_core.tree import Bounds, Node, Tree
from tests.support.screens import BASKET, LOGIN
from tests.support.trees import item, tree

INDEX = TemplateIndex(
    [
        Template(template_id="t-login", screen_id="login", tree=LOGIN, version=3),
        Template(template_id="t-basket", screen_id="basket", tree=BASKET, full_signature="ab"),
    ]
)
CHANGED = tree(
    item("main", "", item("heading", "Welcome"), item("textbox", "User"), item("textbox", "Code")),
    item("banner", "Examples", item("link", "Start")),
)
STRANGER = tree(item("grid", "Board", item("gridcell", "a"), item("gridcell", "b")))


def ask(capture: Tree, hint: str = "", signature: str = "") -> MatchAnswer:
    return match(INDEX, tokens_of(capture), hint=hint, full_signature=signature)


def chosen(answer: MatchAnswer) -> str | None:
    return answer.chosen.screen_id if answer.chosen else None


def test_the_best_template_is_chosen_and_says_why() -> None:
    answer = ask(LOGIN)
    assert chosen(answer) == "login"
    assert answer.chosen is not None
    assert (answer.chosen.template_id, answer.chosen.version) == ("t-login", 3)
    assert not answer.chosen.exact
    assert answer.hint_rejected == ""
    assert answer.explanation == (
        "screen “login” scores 1.00 (required nodes 1.00, structure 1.00, roles 1.00, names 1.00)"
    )


def test_an_equal_digest_is_the_answer_whatever_the_hint() -> None:
    answer = ask(BASKET, hint="login", signature="ab")
    assert chosen(answer) == "basket"
    assert answer.results[0].exact
    assert answer.explanation == "screen “basket”: the capture equals its baseline"
    assert [(f.score, f.weight) for f in answer.results[0].features] == [(1.0, 1.0)]
    assert [f.detail for f in answer.results[0].features] == ["the capture equals the baseline"]
    assert answer.hint_rejected == "the capture equals the baseline of screen “basket”"
    assert ask(BASKET, hint="t-basket", signature="ab").hint_rejected == ""


def test_of_templates_with_equal_digests_the_hinted_one_is_chosen() -> None:
    twins = [
        Template(template_id=name, screen_id=f"screen {name}", tree=LOGIN, full_signature="cd")
        for name in ("a", "b")
    ]
    index = TemplateIndex(twins)
    for hint, expected in (("", "a"), ("screen b", "b"), ("b", "b"), ("elsewhere", "a")):
        answer = match(index, tokens_of(LOGIN), full_signature="cd", hint=hint)
        assert answer.chosen is not None
        assert answer.chosen.template_id == expected
        assert [result.template_id for result in answer.results] == ["a", "b"]


def test_of_several_templates_of_the_hinted_screen_the_best_is_taken() -> None:
    index = TemplateIndex(
        [
            Template(template_id="a", screen_id="login", tree=STRANGER),
            Template(template_id="b", screen_id="login", tree=LOGIN),
            Template(template_id="c", screen_id="login", tree=BASKET),
        ]
    )
    answer = match(index, tokens_of(CHANGED), hint="login")
    assert answer.chosen is not None
    assert answer.chosen.template_id == "b"


def test_an_unknown_screen_is_told_the_threshold_the_best_and_what_was_missing() -> None:
    answer = ask(CHANGED)
    assert answer.chosen is None
    assert (
        "no template reaches the threshold 0.45; the nearest is screen “login”"
        in answer.explanation
    )
    assert "missing: heading “Log in”" in answer.explanation


def test_of_an_unknown_screen_the_two_features_that_cost_most_are_told_the_worse_first() -> None:
    answer = ask(CHANGED)
    best = answer.results[0]
    lost = {f.name.replace("_", " "): (1 - f.score) * f.weight for f in best.features}
    told = answer.explanation.partition("Most was lost to ")[2].split("; ")
    named = [part.partition(":")[0] for part in told if part.partition(":")[0] in lost]
    assert named == sorted(lost, key=lambda name: -lost[name])[:2]


def test_a_screen_that_shares_nothing_has_no_results() -> None:
    answer = ask(STRANGER)
    assert answer.results == ()
    assert answer.explanation == "no template has anything in common with this capture"


def test_a_hint_lets_a_much_changed_screen_in() -> None:
    answer = ask(CHANGED, hint="login")
    assert chosen(answer) == "login"
    assert answer.explanation.startswith("hinted screen “login” scores 0.")
    assert answer.hint_rejected == ""


def test_a_wrong_hint_does_not_force_a_match() -> None:
    answer = ask(LOGIN, hint="basket")
    assert chosen(answer) == "login"
    assert "screen “basket” scores 0." in answer.hint_rejected
    assert ask(STRANGER, hint="basket").chosen is None


def test_another_screen_that_fits_better_beats_a_hint_that_is_good_enough() -> None:
    thresholds = Thresholds(hinted=0.0)
    answer = match(INDEX, tokens_of(LOGIN), hint="basket", thresholds=thresholds)
    assert chosen(answer) == "login"
    assert answer.hint_rejected.endswith("but “login” 1.00")
    lenient = Thresholds(hinted=0.0, hint_margin=1.0)
    answer = match(INDEX, tokens_of(LOGIN), hint="basket", thresholds=lenient)
    assert chosen(answer) == "basket"


def test_of_two_that_fit_equally_the_hinted_one_is_taken_without_any_margin() -> None:
    twins = TemplateIndex([Template(template_id=i, screen_id=i, tree=LOGIN) for i in ("a", "b")])
    answer = match(twins, tokens_of(LOGIN), hint="b", thresholds=Thresholds(hint_margin=0.0))
    assert chosen(answer) == "b"
    assert answer.hint_rejected == ""


@pytest.mark.parametrize("hint", ["", "login", "basket", "checkout"])
@pytest.mark.parametrize("capture", [LOGIN, BASKET, CHANGED, STRANGER, Tree((), ())])
def test_who_asks_for_the_screen_alone_gets_the_one_that_a_whole_search_chooses(
    capture: Tree, hint: str
) -> None:
    tokens = tokens_of(capture)
    for margin in (0.0, 0.05, 1.0):
        for signature in ("", "ab"):
            asked: dict[str, Any] = {
                "hint": hint,
                "full_signature": signature,
                "thresholds": Thresholds(hint_margin=margin),
            }
            whole, alone = match(INDEX, tokens, **asked), identify(INDEX, tokens, **asked)
            assert alone.chosen == whole.chosen
            assert alone.explanation == whole.explanation
            assert alone.hint_rejected == whole.hint_rejected
            assert whole.chosen or alone.results[:1] == whole.results[:1]


def test_of_many_with_the_captures_own_digest_the_hinted_one_is_taken() -> None:
    twins = [Template(template_id=i, screen_id=i, full_signature="cd") for i in "abcdefg"]
    answer = identify(TemplateIndex(twins), tokens_of(LOGIN), hint="g", full_signature="cd")
    assert chosen(answer) == "g"


def test_a_hint_of_no_known_screen_is_rejected_and_the_rest_goes_on() -> None:
    answer = ask(LOGIN, hint="checkout")
    assert chosen(answer) == "login"
    assert answer.hint_rejected == "no template is of screen “checkout”"


def test_an_empty_index_and_an_empty_capture() -> None:
    assert match(TemplateIndex(), tokens_of(LOGIN)).chosen is None
    assert ask(Tree((), ())).results == ()


@pytest.mark.parametrize("wrong", [{"match": 1.5}, {"hint_margin": -0.1}, {"hinted": 0.9}])
def test_thresholds_that_are_none_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidInput, match=f"thresholds.{next(iter(wrong))}: must"):
        Thresholds(**wrong)


def test_a_hinted_screen_may_be_held_to_the_same_threshold_as_others() -> None:
    same = Thresholds(match=0.5, hinted=0.5)
    assert (same.match, same.hinted) == (0.5, 0.5)


def test_layout_counts_where_the_weights_say_so() -> None:
    def screen(x: int) -> Tree:
        bounds = (Bounds(0, 0, 900, 900), Bounds(x, 10, 300, 300))
        nodes = [Node(role, "Here", bounds=box) for role, box in zip("ab", bounds, strict=True)]
        return Tree(nodes, [-1, 0])

    index = TemplateIndex(
        [Template(template_id="t", screen_id="s", tree=screen(0))], Weights(layout=50.0)
    )
    near, far = (match(index, index.tokens_of(screen(x))).results[0].score for x in (0, 600))
    assert near == pytest.approx(1.0)
    assert far < 0.9
