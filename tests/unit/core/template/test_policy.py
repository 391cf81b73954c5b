from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systemzero_core.diff import diff
from systemzero_core.drift import Verdict, judge
from systemzero_core.template import (
    CompiledPolicy,
    Finder,
    MatchLevel,
    Order,
    Policy,
    PolicyView,
    Rows,
    Rule,
    Scope,
    Selector,
    Template,
)
from systemzero_core.template.model import DEFAULT_BOX_TOLERANCE
from systemzero_core.tree import Bounds, Node, Tree
from tests.support.strategies import ROLES, trees
from tests.support.trees import Item, item, judged, sentences, swapped, template, tree

PANEL = Selector(role="complementary")


def side(*children: Item, **fields: object) -> Item:
    return item("complementary", "Ads", *children, **fields)


def test_a_selector_needs_every_part_it_gives() -> None:
    one = tree(
        item("form", "Pay", item("button", "OK", attributes=(("id", "a"),))),
        item("form", "Ask", item("button", "OK"), item("button", "No")),
    )
    finder = Finder(one)

    def found(selector: Selector) -> list[int]:
        return list(finder.find(selector))

    assert found(Selector(role="button", name="OK")) == [2, 4]
    assert found(Selector(name="N{any}")) == [5]
    assert found(Selector(attributes={"id": "{any}"})) == [2]
    form = Selector(role="form", name="Ask")
    assert found(Selector(role="button", under=(form,))) == [4, 5]
    assert found(Selector(role="button", under=(form,), nth=2)) == [5]
    assert found(Selector(role="button", under=(Selector(role="form"),), nth=1)) == [2, 4]
    assert found(Selector(role="button", nth=3)) == [5]


def test_what_is_ignored_is_no_drift_whatever_it_does() -> None:
    rule = Rule(PANEL, level=MatchLevel.IGNORE)
    one = template(tree(item("main", "", item("text", "Pear")), side(item("link", "Buy"))), rule)
    other = tree(
        item("main", "", item("text", "Pear")),
        side(item("link", "Sell"), item("img", "Car"), item("button", "No thanks, I hate cars")),
    )
    judgement = judged(one, other)
    assert judgement.verdict is Verdict.UNCHANGED
    assert not judgement.edits
    assert not judgement.findings
    assert judgement.similarity == 1.0


def test_a_nearer_rule_holds_and_the_later_of_two() -> None:
    ignored = Rule(PANEL, level=MatchLevel.IGNORE)
    kept = Rule(Selector(role="button"), level=MatchLevel.STRICT)
    one = tree(side(item("button", "Stop"), item("link", "Car")))
    view = PolicyView(CompiledPolicy(Policy(rules=(kept, ignored))), one)
    assert [view.at(i).level for i in range(4)] == [
        MatchLevel.STRICT,
        MatchLevel.IGNORE,
        MatchLevel.STRICT,
        MatchLevel.IGNORE,
    ]
    twice = (ignored, Rule(PANEL, level=MatchLevel.LAYOUT))
    assert PolicyView(CompiledPolicy(Policy(rules=twice)), one).at(1).level is MatchLevel.LAYOUT


def test_a_rule_for_a_node_leaves_its_subtree_alone() -> None:
    rule = Rule(PANEL, scope=Scope.NODE, level=MatchLevel.IGNORE)
    view = PolicyView(CompiledPolicy(Policy(rules=(rule,))), tree(side(item("link", "Car"))))
    assert view.at(1).level is MatchLevel.IGNORE
    assert view.at(2).level is MatchLevel.STRICT


def test_layout_lets_texts_vary_and_not_roles() -> None:
    rule = Rule(Selector(role="main"), level=MatchLevel.LAYOUT)
    one = template(tree(item("main", "", item("text", "Pear"), item("link", "Buy"))), rule)
    other = item("text", "Apple", states=("selected",))
    assert not judged(one, tree(item("main", "", other, item("link", "Sell")))).edits
    fewer = judged(one, tree(item("main", "", item("text", "Pear"))))
    assert sentences(fewer) == ["link “Buy” removed from main"]


def test_content_lets_places_and_wrappers_vary_and_not_texts() -> None:
    rule = Rule(Selector(role="document"), level=MatchLevel.CONTENT)
    one = template(tree(item("main", "", item("text", "Pear"), item("text", "Plum"))), rule)
    moved = tree(item("group", "", item("text", "Plum")), item("main", "", item("text", "Pear")))
    assert not judged(one, moved).edits
    renamed = tree(item("main", "", item("text", "Pear"), item("text", "Fig")))
    assert len(judged(one, renamed).edits) == 1


def test_a_wildcard_shows_only_when_its_type_is_violated() -> None:
    pattern = "took {duration}"
    rule = Rule(Selector(role="text", name=pattern), name=pattern)
    one = template(tree(item("main", "", item("text", "took 3 ms"), item("text", "Pear"))), rule)
    good = tree(item("main", "", item("text", "took 2 min"), item("text", "Pear")))
    assert judged(one, good).verdict is Verdict.UNCHANGED
    bad = tree(item("main", "", item("text", "took ages"), item("text", "Pear")))
    assert judged(one, bad).verdict is Verdict.DRIFT


def test_values_attributes_and_states_have_wildcards_too() -> None:
    field = Node("textbox", "Age", value="3", states=("invalid",), attributes=(("url", "/a/1"),))
    rule = Rule(
        Selector(role="textbox"),
        value="{count}",
        attributes={"url": "/a/{count}", "states": "{any}"},
    )
    one = template(Tree((Node("document"), field), (-1, 0)), rule)
    other = Node("textbox", "Age", value="42", states=(), attributes=(("url", "/a/9"),))
    assert not judged(one, Tree((Node("document"), other), (-1, 0))).edits
    worse = Node("textbox", "Age", value="old", attributes=(("url", "/b"),))
    (edit,) = judged(one, Tree((Node("document"), worse), (-1, 0))).edits
    assert [change.field for change in edit.edit.changes] == ["value", "attributes.url"]


def test_an_optional_node_comes_and_goes_with_all_below_it() -> None:
    rule = Rule(Selector(role="alert"), optional=True)
    bare = tree(item("main", "", item("text", "Pear")))
    full = tree(item("alert", "Sale", item("text", "20 %")), item("main", "", item("text", "Pear")))
    assert not judged(template(bare, rule), full).edits
    assert not judged(template(full, rule), bare).edits


def test_an_optional_wrapper_comes_and_goes_alone() -> None:
    rule = Rule(Selector(role="group"), scope=Scope.NODE, optional=True)
    one = template(tree(item("text", "Pear")), rule)
    assert not judged(one, tree(item("group", "", item("text", "Pear")))).edits
    more = judged(one, tree(item("text", "Pear"), item("group", "", item("button", "Pay"))))
    assert [edit.edit.path[-1].role for edit in more.edits] == ["button"]


def rows(*names: str) -> Tree:
    cells = [item("row", name, item("link", name)) for name in names]
    return tree(item("table", "Orders", *cells))


ROW_RULE = Rule(
    Selector(role="row", under=(Selector(role="table", name="Orders"),)),
    level=MatchLevel.LAYOUT,
    rows=Rows(1, 3),
)


def test_rows_come_and_go_within_their_bounds() -> None:
    one = template(rows("a", "b"), ROW_RULE)
    assert not judged(one, rows("b", "c", "d")).edits
    assert not judged(one, rows("z")).edits


@pytest.mark.parametrize("names", [(), ("a", "b", "c", "d")])
def test_too_few_or_too_many_rows_are_drift(names: tuple[str, ...]) -> None:
    judgement = judged(template(rows("a", "b"), ROW_RULE), rows(*names))
    assert judgement.verdict is Verdict.DRIFT
    assert "row_count" in {finding.code for finding in judgement.findings}


def test_a_row_with_another_kind_of_control_is_drift() -> None:
    baseline = rows("a", "b")
    worse = tree(
        item(
            "table",
            "Orders",
            item("row", "a", item("link", "a")),
            item("row", "b", item("link", "b")),
            item("row", "Ad", item("button", "Buy")),
        )
    )
    assert judged(template(baseline, ROW_RULE), worse).verdict is Verdict.DRIFT


def test_order_counts_unless_the_policy_says_not() -> None:
    names = ("Home", "Cart", "Help", "Jobs")
    nav = item("navigation", "", *(item("link", name) for name in names))
    turned = item("navigation", "", *(item("link", n) for n in ("Jobs", "Home", "Cart", "Help")))
    strict = template(tree(nav))
    loose = template(tree(nav), Rule(Selector(role="navigation"), order=Order.UNORDERED))
    assert judged(strict, tree(turned)).verdict is Verdict.DRIFT
    assert judged(loose, tree(turned)).verdict is Verdict.UNCHANGED


def boxed(*boxes: Bounds) -> Tree:
    nodes = [Node("document", bounds=Bounds(0, 0, 800, 600)), Node("main", bounds=boxes[0])]
    nodes += [Node("link", f"l{i}", bounds=box) for i, box in enumerate(boxes[1:])]
    return Tree(nodes, (-1, 0, *[1] * (len(boxes) - 1)))


BOXES = boxed(Bounds(0, 0, 400, 400), Bounds(10, 10, 50, 20), Bounds(10, 40, 50, 20))


def shifted(by: int, *, main: int = 0) -> Tree:
    return boxed(
        Bounds(0, main, 400, 400), Bounds(10, 10 + by, 50, 20), Bounds(10, 40 + by, 50, 20)
    )


def test_a_box_may_be_off_by_the_tolerance() -> None:
    one = template(BOXES)
    assert not judged(one, shifted(DEFAULT_BOX_TOLERANCE)).edits
    assert judged(one, shifted(DEFAULT_BOX_TOLERANCE + 1)).edits
    loose = template(BOXES, Rule(Selector(role="main"), box_tolerance=50))
    assert not judged(loose, shifted(50)).edits


def test_a_shifted_panel_is_one_change() -> None:
    (whole,) = judged(template(BOXES), shifted(60, main=60)).edits
    assert whole.edit.path[-1].role == "main"
    (siblings,) = judged(template(BOXES), shifted(60)).edits
    assert siblings.edit.size == 2
    assert siblings.edit.sentence.endswith("and 1 more beside it by the same")


def test_boxes_of_another_viewport_are_not_compared() -> None:
    wide = shifted(300)
    wider = swapped(wide, 0, Node("document", bounds=Bounds(0, 0, 1600, 600)))
    assert not judged(template(BOXES), wider).edits


def test_the_platforms_own_role_never_counts() -> None:
    one = tree(item("button", "Pay"))
    other = swapped(one, 1, Node("button", "Pay", platform_role="AXButton"))
    assert judged(template(one), other).verdict is Verdict.UNCHANGED


_RULES = st.builds(
    Rule,
    select=st.builds(Selector, role=st.sampled_from(ROLES), nth=st.sampled_from((0, 0, 1, 2))),
    scope=st.sampled_from(Scope),
    level=st.sampled_from(MatchLevel),
)


@given(trees(), trees(), st.lists(_RULES, max_size=4))
def test_an_ignored_node_appears_in_no_edit(a: Tree, b: Tree, rules: list[Rule]) -> None:
    policy = Policy(rules=tuple(rules))
    if not len(a):
        return
    one = Template(template_id="t", screen_id="s", tree=a, policy=policy)
    judgement = judge(one, b, diff(a, b))
    compiled = CompiledPolicy(policy)
    ignored = (PolicyView(compiled, a).ignored(), PolicyView(compiled, b).ignored())
    for judged_edit in judgement.edits:
        edit = judged_edit.edit
        side = 1 if edit.node < 0 else 0
        touched = {place.at for place in edit.places} or {edit.node}
        assert not touched & ignored[side]
    for finding in judgement.findings:
        # A node that is on both sides is judged by what holds in the baseline.
        if finding.node >= 0:
            assert finding.node not in ignored[0]
        else:
            assert finding.target not in ignored[1]
    assert 0.0 <= judgement.similarity <= 1.0


@given(trees(), st.data())
def test_changes_within_an_ignored_subtree_change_nothing(one: Tree, data: st.DataObject) -> None:
    if not len(one):
        return
    nodes = [Node("document"), Node("complementary", "Ads"), *one.nodes]
    baseline = Tree(nodes, (-1, 0, *(p + 2 if p >= 0 else 1 for p in one.parents)))
    other = data.draw(trees())
    nodes = [Node("document"), Node("complementary", "Ads"), *other.nodes]
    capture = Tree(nodes, (-1, 0, *(p + 2 if p >= 0 else 1 for p in other.parents)))
    rule = Rule(PANEL, level=MatchLevel.IGNORE)
    judgement = judged(template(baseline, rule), capture)
    assert judgement.verdict is Verdict.UNCHANGED
    assert judgement.similarity == 1.0
    assert not judgement.findings
    assert judgement.fingerprint == ""
