"""The index answers what comparing every template would, whatever happened to it before."""

from __future__ import annotations

import threading
from array import array
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from systemzero_core.match import (
    Entry,
    Feature,
    Ranked,
    TemplateIndex,
    TemplateTokens,
    Tokens,
    Weights,
    brute_force,
    scan,
    tokens_of,
)
from systemzero_core.match.ranking import LEAST_SCORE, keep
from systemzero_core.match.scan import _rounded_up
from systemzero_core.match.score import score
from systemzero_core.match.slots import _class_of, _least
from systemzero_core.template.model import Selector, Template
from systemzero_core.tree import Tree
from tests.support.screens import BASKET, LOGIN
from tests.support.strategies import ALIKE_NODES, trees

ALL_WEIGHTS = [
    Weights(),
    Weights(layout=30.0),
    Weights(required_nodes=0.0),
    Weights(structure=0.0, roles=0.0, names=0.0, identifiers=1.0, required_nodes=3.0),
]

TREES = trees(ALIKE_NODES, min_nodes=1, max_nodes=14)
templates = st.builds(
    Template,
    template_id=st.sampled_from([f"t{n}" for n in range(12)]),
    screen_id=st.sampled_from(["home", "pay", "done"]),
    tree=TREES | st.none(),
    full_signature=st.sampled_from(["", "", "aa", "bb"]),
    required_nodes=st.sampled_from(
        [(), (Selector(role="button", name="Pay"),), (Selector(role="list"), Selector(role="x"))]
    ),
)
steps = st.lists(
    st.tuples(st.lists(templates, max_size=6), st.lists(st.sampled_from(["t1", "t2", "t3"]))),
    max_size=8,
)


def ids(ranked: list[Ranked]) -> list[tuple[str, float, bool]]:
    return [(r.entry.template_id, r.score, r.exact) for r in ranked]


@settings(max_examples=150, deadline=None)
@given(steps, TREES, st.sampled_from(ALL_WEIGHTS), st.integers(1, 6), st.sampled_from(["", "aa"]))
def test_the_answer_equals_brute_force(
    changes: list[tuple[list[Template], list[str]]],
    capture: Tree,
    weights: Weights,
    k: int,
    signature: str,
) -> None:
    index = TemplateIndex(weights=weights)
    expected: dict[str, Template] = {}
    for entered, removed in changes:
        index.update(entered, removed)
        for template_id in removed:
            expected.pop(template_id, None)
        expected.update({template.template_id: template for template in entered})
    fresh = [Entry.of(t, layout=weights.layout > 0) for t in expected.values()]
    asked = index.tokens_of(capture)
    assert len(index) == len(expected)
    assert ids(index.query(asked, k, signature)) == ids(
        brute_force(fresh, asked, k, signature, weights)
    )


def synthetic(number: int, tokens: set[int]) -> Entry:
    held = array("q", sorted(tokens))
    empty: array[int] = array("q")
    arrays = dict.fromkeys(Feature, empty) | {
        Feature.NAMES: held,
        Feature.ROLES: held[::3],
    }
    found = TemplateTokens(Tokens(arrays), held[::2], ())
    return Entry(f"t{number:04}", "s", 1, found, "")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sets(st.integers(0, 400), min_size=1, max_size=60), min_size=1, max_size=80),
    st.sets(st.integers(0, 400), max_size=80),
)
def test_many_templates_with_crowded_buckets(entered: list[set[int]], asked: set[int]) -> None:
    entries = [synthetic(n, tokens) for n, tokens in enumerate(entered)]
    index = TemplateIndex()
    index.update_entries(entries)
    capture = synthetic(0, asked).tokens.tokens
    assert capture is not None
    assert ids(index.query(capture, 3)) == ids(brute_force(entries, capture, 3))


def test_a_query_compares_few_of_many_templates(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Random(1)  # noqa: S311
    bases = [source.sample(range(3_000), 80) for _ in range(20)]

    def variant(number: int) -> Entry:
        tokens = source.sample(bases[number % len(bases)], source.randrange(20, 80))
        return synthetic(number, {*tokens, *source.sample(range(3_000), source.randrange(40))})

    index = TemplateIndex()
    index.update_entries(map(variant, range(600)))
    compared = []

    def counted(capture: Tokens, template: TemplateTokens, weights: Weights) -> float:
        compared.append(template)
        return score(capture, template, weights)

    monkeypatch.setattr(scan, "score", counted)
    for number in range(20):
        capture = variant(number).tokens.tokens
        assert capture is not None
        assert index.query(capture, 1)
    assert len(compared) <= 3 * 20  # of 600 for each of the twenty


def test_an_entry_says_of_the_template_what_an_answer_needs() -> None:
    template = Template(
        template_id="t", screen_id="s", version=7, tree=LOGIN, full_signature="ab" * 32
    )
    index = TemplateIndex([template])
    (found,) = index.query(tokens_of(BASKET), 1, "ab" * 32)
    entry = found.entry
    assert found.exact
    assert (entry.template_id, entry.screen_id, entry.version) == ("t", "s", 7)
    assert ids(brute_force([entry], tokens_of(BASKET), 1, "ab" * 32)) == [("t", 1.0, True)]


def test_replacing_for_long_does_not_grow_the_index() -> None:
    index = TemplateIndex([Template(template_id="other", screen_id="o", tree=BASKET)])
    for version in range(1, 400):
        index.add(Template(template_id="t", screen_id="s", tree=LOGIN, version=version))
    found = index.query(tokens_of(LOGIN))
    assert [(r.entry.template_id, r.entry.version) for r in found] == [("t", 399), ("other", 1)]
    assert len(index._state.generation.entries) < 200
    assert {entry.template_id for entry in index} == {"t", "other"}


def test_a_removed_template_is_gone() -> None:
    index = TemplateIndex([Template(template_id="t", screen_id="s", tree=LOGIN)])
    assert "t" in index
    index.remove("t")
    index.remove("t")
    assert "t" not in index
    assert index.query(tokens_of(LOGIN)) == []
    assert index.entries_of("s") == []


def test_entries_are_found_by_screen_and_by_template() -> None:
    index = TemplateIndex(
        [
            Template(template_id="b", screen_id="s", tree=LOGIN),
            Template(template_id="a", screen_id="s", tree=BASKET),
        ]
    )
    assert [entry.template_id for entry in index.entries_of("s")] == ["a", "b"]
    assert [entry.template_id for entry in index.entries_of("b")] == ["b"]


def test_readers_see_every_template_in_exactly_one_version_while_it_is_replaced() -> None:
    index = TemplateIndex([Template(template_id="t", screen_id="s", tree=LOGIN, version=1)])
    seen: list[list[int]] = []
    done = threading.Event()

    def read() -> None:
        capture = tokens_of(LOGIN)
        while not done.is_set():
            seen.append([r.entry.version for r in index.query(capture)])

    reader = threading.Thread(target=read)
    reader.start()
    for version in range(2, 300):
        index.add(Template(template_id="t", screen_id="s", tree=LOGIN, version=version))
    done.set()
    reader.join()
    assert all(len(versions) == 1 for versions in seen)
    assert seen == sorted(seen)


def test_size_classes_bound_from_below() -> None:
    for size in range(5000):
        assert _least(_class_of(size)) <= size
        assert size < 2 or _least(_class_of(size) + 1) > size


@given(st.floats(0.0, 1e7))
def test_factors_are_rounded_up_a_little_and_have_few_digits(factor: float) -> None:
    rounded = _rounded_up(factor)
    assert factor <= rounded <= factor * (1 + 2**-4) + 1
    assert rounded.bit_count() <= 5


def test_what_scores_too_little_is_not_kept() -> None:
    best: list[Ranked] = []
    for value in (0.3, LEAST_SCORE - 1e-6, LEAST_SCORE, 0.2):
        keep(best, Ranked(synthetic(0, {1}), value), 3)
    assert [ranked.score for ranked in best] == [0.3, 0.2, LEAST_SCORE]
