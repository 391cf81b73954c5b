"""Parse, normalise, learn, diff and judge, on the project's own recorded screens."""

from __future__ import annotations

from functools import cache

import pytest

from systemzero_core.diff import diff
from systemzero_core.drift import Judgement, Severity, Verdict, judge
from systemzero_core.formats import parse
from systemzero_core.normalize import normalize
from systemzero_core.template import (
    CompiledPolicy,
    Policy,
    Template,
    from_yaml,
    learn,
    refine,
    signed,
    to_yaml,
    validate,
)
from systemzero_core.tree import Tree
from tests.support.captures import capture

OLD, NEW = "4.15.5", "5.31.0"
CONSOLE = "parcel-console"


@cache
def screen(app: str, version: str, state: str) -> Tree:
    recorded = capture(app, version, state)
    return normalize(parse(recorded.ax, dom=recorded.dom, frames=recorded.frames).tree)


def learnt(*captures: Tree) -> Template:
    learned = learn(captures)
    return signed(
        Template(
            template_id="tpl_1",
            screen_id="console",
            tree=learned.tree,
            policy=learned.policy,
            required_nodes=learned.required_nodes,
        )
    )


def against(template: Template, tree: Tree) -> Judgement:
    assert template.tree is not None
    return judge(template, tree, diff(template.tree, tree))


CONSOLES = ("1-console", "1-console-again", "1-console-reload", "1-console-later")


@pytest.mark.parametrize("state", CONSOLES)
def test_from_one_capture_no_good_one_is_a_warning(state: str) -> None:
    template = learnt(screen(CONSOLE, OLD, "1-console"))
    judgement = against(template, screen(CONSOLE, OLD, state))
    assert judgement.severity is Severity.INFO


@pytest.mark.parametrize("state", CONSOLES)
def test_from_two_captures_the_others_are_unchanged(state: str) -> None:
    template = learnt(screen(CONSOLE, OLD, "1-console"), screen(CONSOLE, OLD, "1-console-later"))
    judgement = against(template, screen(CONSOLE, OLD, state))
    assert [edit.edit.sentence for edit in judgement.edits] == []
    assert judgement.verdict is Verdict.UNCHANGED


@pytest.mark.parametrize(
    ("app", "old", "new", "state"),
    [
        (CONSOLE, OLD, NEW, "1-console"),
        (CONSOLE, OLD, NEW, "2-operation"),
        ("stock-admin", "4.2.16", "5.2.1", "1-login"),
        ("stock-admin", "4.2.16", "5.2.1", "3-list"),
    ],
)
def test_a_later_release_is_drift_that_explains_itself(
    app: str, old: str, new: str, state: str
) -> None:
    template = learnt(screen(app, old, state))
    judgement = against(template, screen(app, new, state))
    assert judgement.verdict is Verdict.DRIFT
    assert all(edit.edit.sentence and edit.edit.path for edit in judgement.edits)
    again = against(template, screen(app, new, state))
    assert again.fingerprint == judgement.fingerprint


def test_a_learnt_template_goes_through_yaml() -> None:
    template = learnt(
        screen("stock-admin", "4.2.16", "3-list"),
        screen("stock-admin", "4.2.16", "3-list-filtered"),
    )
    assert validate(template) == ()
    assert template.policy.rules
    assert from_yaml(to_yaml(template)) == template


def test_a_list_with_other_rows_is_the_same_screen_once_learnt() -> None:
    whole = screen("stock-admin", "4.2.16", "3-list")
    filtered = screen("stock-admin", "4.2.16", "3-list-filtered")
    assert against(learnt(filtered, whole), filtered).verdict is Verdict.UNCHANGED
    newer, learned = refine(learnt(whole), filtered)
    assert learned.inferences
    assert against(newer, whole).verdict is Verdict.UNCHANGED


def test_a_compiled_policy_judges_as_the_policy_does() -> None:
    one, other = screen(CONSOLE, OLD, "1-console"), screen(CONSOLE, OLD, "1-console-later")
    template = learnt(one, other)
    script = diff(other, screen(CONSOLE, NEW, "1-console"))
    compiled = CompiledPolicy(template.policy)
    capture_tree = screen(CONSOLE, NEW, "1-console")
    first = judge(template, capture_tree, script, policy=compiled)
    assert first == judge(template, capture_tree, script, policy=compiled)
    assert first == judge(template, capture_tree, script)
    assert CompiledPolicy(Policy()).rules == []
