from __future__ import annotations

import gc
from collections.abc import Iterable

import pytest
from hypothesis import given

from systemzero_core.diff import diff
from systemzero_core.drift import (
    BUILT_IN,
    DEFAULT_THRESHOLDS,
    Context,
    Finding,
    Severity,
    Thresholds,
    Verdict,
    judge,
    judgement_to_json,
    registered,
)
from systemzero_core.errors import AlreadyExists, FailedPrecondition, InvalidInput
from systemzero_core.roles import weight_of
from systemzero_core.template import MatchLevel, Rule, Selector, Template
from systemzero_core.template.resolve import CompiledPolicy
from systemzero_core.tree import Bounds, Node, Tree
from tests.support.strategies import trees
from tests.support.trees import Item, codes, item, judged, swapped, template, tree


def many(*last: Item, texts: int = 40) -> Tree:
    return tree(
        item("main", "", *(item("text", f"Line {chr(97 + i)}") for i in range(texts)), *last)
    )


def test_a_judgement_leaves_the_garbage_collector_nothing_to_do() -> None:
    baseline = template(many(item("button", "Pay"), item("text", "Total 5 EUR")))
    assert baseline.tree is not None
    policy = CompiledPolicy(baseline.policy)
    seen = many(item("button", "Pay now"), item("link", "Help"))
    gc.collect()
    gc.disable()
    try:
        judgement = judge(baseline, seen, diff(baseline.tree, seen), policy=policy)
        assert judgement.verdict is Verdict.DRIFT
        del judgement
        assert gc.collect() == 0
    finally:
        gc.enable()


@given(trees())
def test_a_screen_is_itself(one: Tree) -> None:
    if not len(one):
        return
    judgement = judged(template(one), one)
    assert judgement.verdict is Verdict.UNCHANGED
    assert judgement.similarity == 1.0
    assert judgement.severity is Severity.INFO
    assert judgement.fingerprint == ""


@given(trees(), trees())
def test_similarity_is_a_share_and_drift_is_never_without_an_edit(a: Tree, b: Tree) -> None:
    if not len(a):
        return
    judgement = judged(template(a), b)
    assert 0.0 <= judgement.similarity <= 1.0
    assert (judgement.verdict is Verdict.DRIFT) is bool(judgement.edits)
    assert bool(judgement.fingerprint) is bool(judgement.edits)
    assert all(edit.weight > 0 for edit in judgement.edits)
    if judgement.verdict is Verdict.UNCHANGED:
        assert judgement.severity is Severity.INFO


@given(trees(), trees())
def test_a_judgement_is_the_same_each_time(a: Tree, b: Tree) -> None:
    if len(a):
        once, again = judged(template(a), b), judged(template(a), b)
        assert judgement_to_json(once) == judgement_to_json(again)


def test_two_screens_with_nothing_in_common_are_not_similar() -> None:
    one, other = tree(item("button", "Pay")), Tree((Node("window", "Other"),), (-1,))
    judgement = judged(template(one), other)
    assert judgement.similarity < 0.2
    assert judgement.severity is Severity.CRITICAL


def test_live_values_are_drift_that_hardly_matters() -> None:
    clocks = [item("text", f"{hour}:00") for hour in range(10)]
    later = [item("text", f"{hour}:30") for hour in range(10)]
    judgement = judged(template(tree(*clocks)), tree(*later))
    assert judgement.verdict is Verdict.DRIFT
    assert judgement.severity is Severity.INFO
    assert all(edit.volatile for edit in judgement.edits)


def test_severity_follows_similarity() -> None:
    one = template(many())
    assert judged(one, many(texts=39)).severity is Severity.INFO
    assert judged(one, many(texts=30)).severity is Severity.WARNING
    assert judged(one, many(texts=15)).severity is Severity.CRITICAL


@pytest.mark.parametrize(
    ("similarity", "severity"),
    [
        (1.0, Severity.INFO),
        (0.9, Severity.INFO),
        (0.899, Severity.WARNING),
        (0.7, Severity.WARNING),
        (0.699, Severity.CRITICAL),
        (0.0, Severity.CRITICAL),
    ],
)
def test_a_threshold_belongs_to_the_milder_side(similarity: float, severity: Severity) -> None:
    assert DEFAULT_THRESHOLDS.severity(similarity) is severity


def test_thresholds_are_settable_and_checked() -> None:
    baseline, capture = many(), many(texts=39)
    script = diff(baseline, capture)
    strict = Thresholds(critical=0.98, warning=1.0)
    judgement = judge(template(baseline), capture, script, thresholds=strict)
    assert judgement.severity is Severity.WARNING
    with pytest.raises(InvalidInput):
        Thresholds(critical=0.9, warning=0.5)


def test_one_button_among_many_texts_matters() -> None:
    one = template(many(item("button", "Pay")))
    judgement = judged(one, many())
    assert judgement.similarity > 0.9
    assert judgement.severity is Severity.WARNING
    assert judgement.findings[0].node == len(many(item("button", "Pay"))) - 1


def test_a_missing_required_node_is_critical() -> None:
    pay = Selector(role="link", name="Pay")
    one = template(many(item("link", "Pay")), required_nodes=(pay, Selector(role="main")))
    judgement = judged(one, many())
    assert judgement.severity is Severity.CRITICAL
    assert codes(judgement) == {"required_node_missing"}


def test_boxes_weigh_little() -> None:
    one = tree(item("button", "Pay", bounds=Bounds(0, 0, 9, 9)))
    other = tree(item("button", "Pay", bounds=Bounds(500, 0, 9, 9)))
    judgement = judged(template(one), other)
    assert judgement.verdict is Verdict.DRIFT
    assert judgement.severity is Severity.INFO


def test_what_acts_weighs_more_than_what_is_read_and_that_more_than_a_box() -> None:
    weights = [weight_of(Node(*n)) for n in (("button", "a"), ("text", "a"), ("generic", ""))]
    assert weights == sorted(weights, reverse=True)
    assert len(set(weights)) == 3


def test_a_signature_cannot_be_judged() -> None:
    older = Template(template_id="t", screen_id="s", structure_signature="ab")
    one = tree()
    with pytest.raises(FailedPrecondition):
        judge(older, one, diff(one, one))


def test_a_degraded_script_says_so() -> None:
    one = tree(item("button", "Pay"))
    script = diff(one, one)
    judgement = judge(template(one), one, type(script)((), script.mapping, 2, "cut short"))
    assert judgement.reasons == ("cut short",)


class Shouting:
    """A plug-in that finds something everywhere."""

    name = "shouting"

    def __call__(self, context: Context) -> Iterable[Finding]:
        return [Finding("shouting", "noise", Severity.CRITICAL, "look")] * 1000


def test_a_plug_in_raises_severity_but_makes_no_event() -> None:
    one, other = many(), many(texts=39)
    detectors = registered([Shouting()], without=["layout"])
    assert [d.name for d in detectors] == ["content", "manipulative", "sequence", "shouting"]
    quiet = judge(template(one), one, diff(one, one), detectors=detectors)
    assert quiet.verdict is Verdict.UNCHANGED
    assert quiet.severity is Severity.INFO
    loud = judge(template(one), other, diff(one, other), detectors=detectors)
    assert loud.severity is Severity.CRITICAL
    assert len(loud.findings) == 100


def test_two_detectors_of_one_name_are_refused() -> None:
    with pytest.raises(AlreadyExists):
        registered([BUILT_IN[0]])


def test_similarity_does_not_count_what_is_ignored() -> None:
    rule = Rule(Selector(role="complementary"), level=MatchLevel.IGNORE)
    ads = item("complementary", "Ads", *(item("link", f"Ad {chr(97 + i)}") for i in range(30)))
    one = tree(item("text", "Pear"), item("text", "Plum"), ads)
    other = tree(item("text", "Pear"), ads)
    assert judged(template(one), other).severity is Severity.INFO
    assert judged(template(one, rule), other).severity is not Severity.INFO


def test_a_text_and_its_box_are_one_change_of_the_text() -> None:
    one = tree(item("text", "Pear", bounds=Bounds(0, 0, 40, 9)))
    other = swapped(one, 1, Node("text", "Persimmon", bounds=Bounds(0, 0, 99, 9)))
    (edit,) = judged(template(one), other).edits
    assert [change.field for change in edit.edit.changes] == ["name"]
