"""What an edit tells, and that telling it is left to whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from sys import getsizeof

from systemzero_core.diff import Edit, EditKind, PathStep, RecordedTeller, diff
from systemzero_core.tree import Node, Tree


def chain(size: int, word: str) -> Tree:
    return Tree([Node("group", f"{word} {i}") for i in range(size)], range(-1, size - 1))


def held(edit: Edit) -> Iterator[object]:
    """What one edit holds for itself."""
    yield edit
    yield from (value for value in (edit.changes, edit.nodes, edit.places) if value)
    yield from edit.changes
    yield from edit.places


def test_an_edit_of_a_deep_tree_is_as_small_as_one_of_a_flat_tree() -> None:
    deep = diff(chain(2_000, "one"), chain(2_000, "two"))
    assert len(deep.edits) == 2_000
    assert max(sum(map(getsizeof, held(edit))) for edit in deep.edits) < 500
    assert not any(isinstance(value, PathStep) for edit in deep.edits for value in held(edit))


def test_an_edit_tells_how_deep_it_is_and_as_many_steps_as_are_asked_for() -> None:
    (edit,) = diff(chain(100, "n"), Tree(chain(100, "n").nodes[:-1], range(-1, 98))).edits
    assert edit.kind is EditKind.DELETE
    assert edit.depth == 100
    assert [step.name for step in edit.last_steps(2)] == ["n 98", "n 99"]
    assert [step.name for step in edit.last_parent_steps(2)] == ["n 97", "n 98"]
    assert edit.path[-2:] == edit.last_steps(2)
    assert edit.parent == edit.path[:-1]


def test_what_was_told_of_an_edit_is_told_again() -> None:
    step = PathStep("button", "Pay")
    edit = Edit(EditKind.DELETE, teller=RecordedTeller((PathStep("main"), step), said="it went"))
    assert edit.path == (PathStep("main"), step)
    assert edit.last_steps(1) == (step,)
    assert (edit.sentence, edit.depth, edit.parent) == ("it went", 2, ())
    assert edit.teller.turned() == RecordedTeller()
