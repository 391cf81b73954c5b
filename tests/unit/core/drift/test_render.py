"""Judgements as text and as JSON."""

from __future__ import annotations

import json
import re

import pytest

from systemzero_core.drift import Judgement, judgement_to_json, render_judgement
from tests.support.trees import item, judged, template, tree

BASE = tree(
    item("heading", "Orders", attributes=(("level", "1"),)),
    item("text", "Updated 10:05"),
    item("button", "Cancel"),
    item("main", "Orders", *(item("link", f"Order {n}") for n in range(20))),
)
SEEN = tree(
    item("heading", "Orders", attributes=(("level", "1"),)),
    item("text", "Updated 10:06"),
    item("main", "Orders", *(item("link", f"Order {n}") for n in range(20))),
)


@pytest.fixture
def judgement() -> Judgement:
    return judged(template(BASE), SEEN)


def test_text_tells_what_each_edit_costs_and_what_was_found(judgement: Judgement) -> None:
    lines = render_judgement(judgement).split("\n")
    assert re.fullmatch(r"drift (info|warning|critical) similarity 0\.9\d\d", lines[0])
    removed = next(line for line in lines if line.startswith("- "))
    assert re.fullmatch(r"- button “Cancel” .*  \(similarity -2\.\d\d%\)", removed)
    clock = next(line for line in lines if line.startswith("~ "))
    assert re.search(r"  \(similarity -0\.\d\d%, a live value\)$", clock)
    found = next(line for line in lines if line.startswith("! "))
    assert re.match(r"! (warning|critical) \w+\.\w+: ", found)
    assert "\x1b" not in "".join(lines)


def test_the_costs_add_up_to_the_similarity_that_was_lost(judgement: Judgement) -> None:
    costs = re.findall(r"\(similarity -([0-9.]+)%", render_judgement(judgement))
    assert len(costs) == len(judgement.edits)
    assert sum(map(float, costs)) / 100 == pytest.approx(1 - judgement.similarity, abs=1e-3)


def test_colours_are_for_terminals_and_change_no_word(judgement: Judgement) -> None:
    coloured = render_judgement(judgement, colour=True)
    assert "\x1b[31m" in coloured
    assert re.sub(r"\x1b\[\d+m", "", coloured) == render_judgement(judgement)


def test_what_was_captured_does_not_steer_the_terminal() -> None:
    nasty = tree(item("button", "Pay\x1b[2J\x07\n! critical nothing"), *[item("text", "x")] * 9)
    text = render_judgement(judged(template(tree(*[item("text", "x")] * 9)), nasty))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert not any(line.startswith("! critical nothing") for line in text.split("\n"))


def test_an_unchanged_screen(judgement: Judgement) -> None:
    text = render_judgement(judged(template(BASE), BASE))
    assert text == "unchanged info similarity 1.000\nno differences"


def test_json_has_every_contribution(judgement: Judgement) -> None:
    document = json.loads(judgement_to_json(judgement))
    assert document["verdict"] == "drift"
    for got, edit in zip(document["edits"], judgement.edits, strict=True):
        assert (got["weight"], got["volatile"]) == (edit.weight, edit.volatile)
        assert got["fingerprint"] == edit.fingerprint
        assert got["edit"]["sentence"] == edit.edit.sentence
    assert document["findings"][0]["severity"] == judgement.findings[0].severity
