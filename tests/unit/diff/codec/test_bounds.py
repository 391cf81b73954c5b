"""Scripts and verdicts as messages: within their bytes, and what is cut says so."""

from __future__ import annotations

import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from systemzero.diff.v1 import edit_script_pb2 as pb
from systemzero_core.diff import MAX_PATH_STEPS, Edit, EditKind, PathStep, RecordedTeller, diff
from systemzero_core.drift import (
    Decision,
    DecisionKind,
    DecisionScope,
    JudgedEdit,
    Judgement,
    PlaceDigests,
    Verdict,
    decide,
    resolve,
)
from systemzero_core.tree import Node, Tree
from systemzero_diff.codec import cut
from systemzero_diff.codec.edits import (
    MAX_EDITS,
    SCRIPT_BYTES,
    Sides,
    decode_judged,
    encode_judged,
    encode_script,
    value_text,
)
from tests.support.strategies import trees

SLACK = 2_000
"""What a script has besides its edits: what was approximated."""
LONG = "".join(f"word {number} " for number in range(4_000))


def chain(count: int, salt: int = 1) -> Tree:
    """One node in the other."""
    nodes = [Node("document", "Start")]
    nodes += [Node("group" if i % 2 else "list", f"{(i + salt) % 977:x}") for i in range(count)]
    return Tree(nodes, range(-1, count))


def row(*nodes: Node) -> Tree:
    """Nodes next to each other."""
    return Tree((Node("document", "Start"), *nodes), (-1, *(0 for _ in nodes)))


def scripted(a: Tree, b: Tree) -> pb.EditScript:
    return encode_script(diff(a, b), Sides.of(a, b))


def long_texts() -> st.SearchStrategy[str]:
    alphabet = st.sampled_from(("a", "é", "漢", "🜁", " "))
    return st.builds(str.__mul__, alphabet, st.integers(0, 40_000))


@st.composite
def swollen(draw: st.DrawFn) -> Tree:
    """Trees some of whose texts are long."""
    one = draw(trees(max_nodes=12))
    nodes = [
        Node(
            node.role + draw(long_texts()) if draw(st.booleans()) else node.role,
            node.name + draw(long_texts()) if draw(st.booleans()) else node.name,
            draw(long_texts()),
            node.states,
            node.bounds,
            tuple((f"k{i}" + draw(long_texts()), draw(long_texts())) for i in range(2)),
        )
        for node in one.nodes
    ]
    return Tree(nodes, one.parents)


@given(trees(), trees())
def test_what_is_small_is_shown_whole(a: Tree, b: Tree) -> None:
    script, message = diff(a, b), scripted(a, b)
    assert len(message.edits) == len(script.edits)
    assert not message.more_edits
    for edit, shown in zip(script.edits, message.edits, strict=True):
        assert [(s.role, s.name, s.nth) for s in shown.path] == [
            (s.role, s.name, s.nth) for s in edit.path
        ]
        assert [(c.field, c.old_value, c.new_value) for c in shown.changes] == [
            (c.field, value_text(c.old), value_text(c.new)) for c in edit.changes
        ]
        assert shown.sentence == edit.sentence
        left_out = (shown.path_left_out, shown.parent_path_left_out, shown.more_changes)
        assert left_out == (0, 0, 0)
        assert not any(step.left_out for step in (*shown.path, *shown.parent_path))
        assert not any(change.old_left_out or change.new_left_out for change in shown.changes)


@settings(max_examples=25)
@given(swollen(), swollen())
def test_what_is_large_is_cut_and_says_so(a: Tree, b: Tree) -> None:
    script, message = diff(a, b), scripted(a, b)
    assert message.ByteSize() <= SCRIPT_BYTES + SLACK
    assert len(message.edits) + message.more_edits == len(script.edits)
    edits = {(edit.kind, edit.node, edit.target): edit for edit in script.edits}
    for shown in message.edits:
        edit = edits[EditKind(pb.EditKind.Name(shown.kind)[10:].lower()), shown.node, shown.target]
        assert len(shown.path) + shown.path_left_out == len(edit.path)
        assert len(shown.changes) + shown.more_changes == len(edit.changes)
        for step, whole in zip(shown.path[::-1], edit.path[::-1], strict=False):
            lacks = len(whole.role) + len(whole.name) - step.left_out
            assert lacks == len(step.role) + len(step.name) - _marks(step.role, step.name, whole)
        for change, value in zip(shown.changes, edit.changes, strict=False):
            assert bool(change.old_left_out) == (change.old_value != value_text(value.old))
            assert bool(change.new_left_out) == (change.new_value != value_text(value.new))


def _marks(role: str, name: str, whole: PathStep) -> int:
    """How many of two texts end in a mark that is not theirs."""
    return (role != whole.role) + (name != whole.name)


def test_an_answer_does_not_grow_with_the_depth_of_trees() -> None:
    message = scripted(chain(4_000), chain(4_000, 500))
    assert message.ByteSize() <= SCRIPT_BYTES + SLACK
    assert message.more_edits > 0
    assert len(message.edits) <= MAX_EDITS


def test_a_deep_path_says_how_many_steps_it_lacks() -> None:
    a, b = chain(500), chain(500)
    deepest = Tree((*b.nodes[:-1], Node("group", "another one")), b.parents)
    edits = scripted(a, deepest).edits
    assert {edit.path_left_out + len(edit.path) for edit in edits} == {501}
    assert all(len(edit.path) == MAX_PATH_STEPS for edit in edits)


def test_a_late_difference_of_long_texts_is_in_sight() -> None:
    a, b = row(Node("text", "", f"{LONG}ends in May")), row(Node("text", "", f"{LONG}ends in July"))
    (edit,) = scripted(a, b).edits
    (change,) = edit.changes
    assert change.old_value.endswith("ends in May")
    assert change.new_value.endswith("ends in July")
    assert change.new_value.startswith("…")
    assert change.new_left_out == len(LONG) + len("ends in July") - (len(change.new_value) - 1)


@given(long_texts(), st.integers(3, 2_000))
def test_a_text_has_no_more_than_its_bytes(text: str, most: int) -> None:
    shown, lacks = cut.text(text, most)
    assert len(shown.encode()) <= most
    assert len(text) == lacks + len(shown) - (lacks > 0)
    assert lacks or shown == text


def _edit(name: str, weight: float, number: int, above: int = 0) -> JudgedEdit:
    way = tuple(PathStep("group", f"group {i}") for i in "abcdefgh"[:above])
    told = RecordedTeller((*way, PathStep("text", name)))
    edit = Edit(EditKind.UPDATE, number, number, teller=told)
    digest = f"{number:064x}"
    return JudgedEdit(edit, weight, False, digest, digest, place=_at(name))


def _at(name: str) -> PlaceDigests:
    digest = hashlib.sha256(name.encode()).hexdigest()
    return PlaceDigests(digest[:32], digest[32:])


NOTHING = Sides.of(Tree((), ()), Tree((), ()))


def test_of_too_many_edits_those_that_matter_most_are_shown_in_their_order() -> None:
    light = [_edit(f"light {i}", 0.001, i) for i in range(3 * MAX_EDITS)]
    heavy = [_edit("first", 0.2, 900_000), _edit("second", 0.3, 900_001)]
    edits = [*light[:1000], heavy[0], *light[1000:], heavy[1]]
    script = encode_judged(edits, "", NOTHING)
    names = [edit.path[-1].name for edit in script.edits]
    assert "first" in names
    assert names[-1] == "second"
    assert script.more_edits == len(edits) - len(script.edits)


def decided(scope: DecisionScope, *edits: JudgedEdit) -> Decision:
    """A decision on edits as a stored verdict shows them."""
    kept = decode_judged(encode_judged(edits, "", NOTHING))
    judgement = Judgement(Verdict.DRIFT, similarity=0.5, edits=kept)
    return decide(
        judgement,
        DecisionKind.APPROVE,
        scope,
        decision_id="dec_1",
        screen_id="s",
        app="",
        reason="so",
        actor="ann",
        now=1,
    )


def is_open(decision: Decision, edit: JudgedEdit) -> bool:
    judgement = Judgement(Verdict.DRIFT, similarity=0.5, edits=(edit,))
    found = resolve(judgement, [decision], now=2, screen_id="s", app="")
    return bool(found.open_edits)


def test_a_decision_about_a_node_knows_it_by_more_than_is_shown() -> None:
    shown, other = _edit(f"{LONG}here", 0.1, 7), _edit(f"{LONG}there", 0.1, 7)
    decision = decided(DecisionScope.NODE, shown)
    assert not is_open(decision, shown)
    assert is_open(decision, other)


def test_what_is_not_shown_is_not_decided_about() -> None:
    edits = [_edit(f"edit {i}", 0.0, i) for i in range(2 * MAX_EDITS)]
    script = encode_judged(edits, "", NOTHING)
    covered = {edit.values_digest for edit in script.edits}
    decision = decided(DecisionScope.TENANT, *edits)
    assert {each.values_digest for each in decision.edits} == covered
    judgement = Judgement(Verdict.DRIFT, similarity=0.5, edits=tuple(edits))
    left = resolve(judgement, [decision], now=2, screen_id="s", app="").open_edits
    assert {edit.values_digest for edit in left} == {e.values_digest for e in edits} - covered
    assert len(left) == script.more_edits
