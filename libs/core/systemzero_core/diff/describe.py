"""What a person reads: the sentence of an edit."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from systemzero_core.characters import known
from systemzero_core.diff.paths import Paths
from systemzero_core.diff.phrases import change_texts
from systemzero_core.diff.quoting import quoted, quoted_pair
from systemzero_core.diff.renames import is_another_link
from systemzero_core.diff.script import (
    MAX_PATH_STEPS,
    Change,
    Edit,
    EditKind,
    EditScript,
    PathStep,
)
from systemzero_core.tree import Node, Tree

_CELLS = 3
"""Cells that a row without a name is called after."""

_SIBLINGS = 4
"""Siblings in which one is looked for that tells where a node is."""

_PARTS = {"contentinfo": "the page footer", "banner": "the page header"}
"""What people call a part of a page that has no name of its own."""


def format_path(path: Sequence[PathStep]) -> str:
    """A path as one line: `main / form “Checkout” / button “Pay” [2]`."""
    return " / ".join(_step_text(step) for step in path)


def _step_text(step: PathStep) -> str:
    name = f" {quoted(step.name)}" if step.name else ""
    return f"{step.role}{name} [{step.nth}]" if step.nth else f"{step.role}{name}"


class EditTeller:
    """Tells of the edits between two trees; see `Edit`."""

    def __init__(self, old: Paths, new: Paths) -> None:
        """Who tells by the paths `old` of the tree before, and `new` of the tree after."""
        self._old = old
        self._new = new

    def paths_of(self, a: Tree, b: Tree) -> tuple[Paths, Paths] | None:
        """The paths that it tells by; None where they are not those of `a` and `b`."""
        is_theirs = self._old.tree is a and self._new.tree is b
        return (self._old, self._new) if is_theirs else None

    def path(self, edit: Edit, most: int) -> tuple[PathStep, ...]:
        """The path of the node."""
        if edit.kind is EditKind.INSERT:
            return self._new.path(edit.target, most)
        return self._old.path(edit.node, most)

    def parent(self, edit: Edit, most: int) -> tuple[PathStep, ...]:
        """The path of the parent."""
        if edit.kind in (EditKind.INSERT, EditKind.DELETE):
            return self.path(edit, min(most + 1, MAX_PATH_STEPS))[:-1]
        return self._new.path(edit.to_parent, most)

    def depth(self, edit: Edit) -> int:
        """The length of the whole path."""
        if edit.kind is EditKind.INSERT:
            return self._new.tree.depths[edit.target] + 1
        return self._old.tree.depths[edit.node] + 1

    def sentence(self, edit: Edit) -> str:
        """What the edit does, in one sentence without a full stop."""
        if edit.kind is EditKind.UPDATE:
            said = updated(edit.last_steps(1)[0], edit.changes)
        else:
            said = self._placed(edit)
        return f"{said}, and {edit.beside}" if edit.beside else said

    def turned(self) -> EditTeller:
        """Who tells of the edits that lead back."""
        return EditTeller(self._new, self._old)

    def _placed(self, edit: Edit) -> str:
        *above, step = edit.path
        if edit.kind is EditKind.MOVE:
            return called(step) + self._moved(edit, above)
        subject = _subject(step, edit, above[-1].name if above else "")
        if edit.kind is EditKind.INSERT:
            around = self._around(edit)
            return f"{subject} added{around or _where(above, ' to ')}"
        left = ", what else was in it stays" if edit.size > 1 else ", what was in it stays"
        return f"{subject} removed{_where(above, ' from ')}{left if edit.around[1] else ''}"

    def _around(self, edit: Edit) -> str:
        """What a wrapper was put around; empty where that is not the main thing about it."""
        first, count = edit.around
        if count < edit.size:
            return ""
        tree = self._new.tree
        if count > 1 and tree.ends[first] - first < count:
            return f" around {count} nodes that stay"
        node = tree.nodes[first]
        return f" around {called(PathStep(node.role, node.name))}"

    def _moved(self, edit: Edit, above: Sequence[PathStep]) -> str:
        old, new = landmark(above), landmark(edit.parent)
        if old is None or new is None:
            return " moved"
        if old == new or old.role == new.role == "document":
            return f" moved within {place(new)}{self._after(edit)}"
        return f" moved from {place(old)} to {place(new)}"

    def _after(self, edit: Edit) -> str:
        """Beside what a node stands now: the nearest sibling before it that people can find."""
        nodes = self._new.tree.nodes
        box = nodes[edit.target].bounds
        for index in self._new.siblings_before(edit.target, _SIBLINGS):
            node = nodes[index]
            if says_where(node.role, node.name):
                above = node.bounds
                below = box is not None and above is not None and box.y >= above.y + above.height
                said = called(PathStep(node.role, node.name))
                return f", {'below' if below else 'behind'} {said}"
        return ""


def paths_of(script: EditScript, a: Tree, b: Tree) -> tuple[Paths, Paths]:
    """The paths of the trees that `script` leads between: those that its edits are told by.

    So what is known of a baseline's paths is remembered from one capture to the next.
    """
    teller = script.edits[0].teller if script.edits else None
    known = teller.paths_of(a, b) if isinstance(teller, EditTeller) else None
    return known or (Paths(a), Paths(b))


def updated(step: PathStep, changes: Sequence[Change]) -> str:
    """What became of a node whose fields changed, as a sentence."""
    subject = _changed(step, changes)
    if is_another_link(changes):
        (name,) = (change for change in changes if change.field == "name")
        other = quoted_pair(str(name.old), str(name.new))[1]
        texts = [text for c in changes if c is not name for text in change_texts(c, step.role)]
        return f"{subject} replaced by {other}: {', '.join(texts)}"
    texts = [text for change in changes for text in change_texts(change, step.role)]
    return f"{subject} {', '.join(texts)}"


def _subject(step: PathStep, edit: Edit, told: str) -> str:
    """What came or went; `told` is its parent's name, which says the same with it and without."""
    subject = called(step) if step.name else called(step) + _content(edit.nodes, told)
    return f"{subject} ({edit.size} nodes)" if edit.size > 1 else subject


def _content(nodes: Sequence[Node], told: str) -> str:
    """What tells one nameless node from the next: of a row its cells, else a first name in it."""
    said = (node.name for node in nodes if node.name != told)
    names = (name for name in said if len(name) > 2 and not known(name).isdigit())
    found = list(islice(names, _CELLS if nodes and nodes[0].role == "row" else 1))
    return f" with {', '.join(map(quoted, dict.fromkeys(found)))}" if found else ""


def called(step: PathStep) -> str:
    """What people call a node: its role and its name."""
    return f"{step.role or 'node'} {quoted(step.name)}" if step.name else step.role or "node"


def _changed(step: PathStep, changes: Sequence[Change]) -> str:
    """What an update is about: of a long name, the part that is another one now."""
    for change in changes:
        if change.field == "name" and change.old == step.name and step.name:
            return f"{step.role or 'node'} {quoted_pair(step.name, str(change.new))[0]}"
    return called(step)


def _where(path: Sequence[PathStep], preposition: str) -> str:
    step = landmark(path)
    return preposition + place(step) if step else ""


def place(step: PathStep) -> str:
    """What people call a part of a page that something is in."""
    part = "" if step.name else _PARTS.get(step.role, "")
    return part or called(step)


def landmark(path: Sequence[PathStep]) -> PathStep | None:
    """The nearest step that tells a reader where: with a name, or a role that means something."""
    for step in reversed(path):
        if says_where(step.role, step.name):
            return step
    return path[-1] if path else None


def says_where(role: str, name: str) -> bool:
    """Whether people can find a node by what it is called."""
    return bool(name) or role not in ("generic", "none", "presentation", "")
