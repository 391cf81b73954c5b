"""One number and what it is made of."""

from __future__ import annotations

import pytest
from hypothesis import given

from systemzero_core.errors import InvalidInput
from systemzero_core.match import (
    Feature,
    Weights,
    explain_score,
    score,
    template_tokens,
    tokens_of,
)
from systemzero_core.template.model import Selector, Template
from systemzero_core.tree import Tree
from tests.support.screens import BASKET, LOGIN
from tests.support.strategies import ALIKE_NODES, trees
from tests.support.trees import Item, item, tree

TREES = trees(ALIKE_NODES, min_nodes=1, max_nodes=14)


def fit(capture: Tree, baseline: Tree | None, **more: object) -> float:
    template = Template(template_id="t", screen_id="s", tree=baseline, **more)  # type: ignore[arg-type]
    return score(tokens_of(capture), template_tokens(template))


@given(TREES)
def test_the_baseline_itself_scores_1(baseline: Tree) -> None:
    assert fit(baseline, baseline) == pytest.approx(1.0)


@given(TREES, TREES)
def test_the_parts_add_up_to_the_score(capture: Tree, baseline: Tree) -> None:
    template = template_tokens(Template(template_id="t", screen_id="s", tree=baseline))
    parts = explain_score(tokens_of(capture), template)
    assert sum(part.weight for part in parts) == pytest.approx(1.0)
    assert sum(part.score * part.weight for part in parts) == pytest.approx(
        score(tokens_of(capture), template)
    )
    assert all(0.0 <= part.score <= 1.0 for part in parts)


def test_a_page_with_everything_required_and_as_much_again_is_no_perfect_match() -> None:
    more: list[Item] = [item("button", f"Other {chr(97 + i)}") for i in range(8)]
    twice = tree(
        item(
            "main",
            "",
            item("heading", "Log in"),
            item("textbox", "User"),
            item("textbox", "Password"),
        ),
        item("button", "Log in"),
        *more,
    )
    parts = explain_score(
        tokens_of(twice), template_tokens(Template(template_id="t", screen_id="s", tree=LOGIN))
    )
    by_name = {part.name: part for part in parts}
    assert by_name["required_nodes"].score == 1.0
    assert by_name["names"].score < 0.5
    assert fit(twice, LOGIN) < 0.8
    assert fit(LOGIN, twice) < 0.8


def test_losing_more_of_the_baseline_never_scores_better() -> None:
    fields: list[Item] = [item("textbox", f"Field {chr(97 + i)}") for i in range(6)]
    baseline = tree(item("form", "Order", *fields))
    scores = [fit(tree(item("form", "Order", *fields[:n])), baseline) for n in range(7)]
    assert scores == sorted(scores)
    assert len(set(scores)) == 7


def test_what_is_missing_is_named() -> None:
    template = template_tokens(Template(template_id="t", screen_id="s", tree=BASKET))
    part = explain_score(tokens_of(LOGIN), template)[0]
    assert part.name == Feature.REQUIRED_NODES
    assert part.detail == (
        "0 of 5 required nodes found; missing: "
        "navigation “Menu”, link “Home”, link “Basket” and 2 more"
    )


def test_what_is_whole_and_what_has_no_baseline_says_so() -> None:
    whole = template_tokens(Template(template_id="t", screen_id="s", tree=LOGIN))
    assert explain_score(tokens_of(LOGIN), whole)[0].detail == "4 of 4 required nodes found"
    required = (Selector(role="button", name="Log in"),)
    bare = template_tokens(Template(template_id="t", screen_id="s", required_nodes=required))
    details = {part.detail for part in explain_score(tokens_of(LOGIN), bare)[1:]}
    assert details == {"the template has no baseline tree: half of what its required nodes score"}


def test_a_template_without_a_baseline_counts_by_its_required_nodes_and_less_than_one_with() -> (
    None
):
    required = (Selector(role="button", name="Pay now"), Selector(role="table", name="Goods"))
    bare = fit(BASKET, None, required_nodes=required)
    assert 0.45 < bare < fit(BASKET, BASKET, required_nodes=required)
    assert fit(LOGIN, None, required_nodes=required) == 0.0
    assert fit(BASKET, None) == 0.0


def test_a_feature_neither_side_has_is_left_out() -> None:
    template = template_tokens(Template(template_id="t", screen_id="s", tree=LOGIN))
    names = [part.name for part in explain_score(tokens_of(LOGIN), template)]
    assert names == ["required_nodes", "structure", "roles", "names"]


@pytest.mark.parametrize("wrong", [{"roles": -1.0}, {"names": float("nan")}, {"layout": 1e9}])
def test_weights_that_are_none_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidInput, match=f"weights.{next(iter(wrong))}"):
        Weights(**wrong)


def test_weights_of_zero_alone_are_refused() -> None:
    with pytest.raises(InvalidInput, match="above 0"):
        Weights(required_nodes=0, structure=0, roles=0, names=0, identifiers=0, page=0)
