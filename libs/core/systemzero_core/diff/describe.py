"""What a person reads: the paths of nodes and the sentence of an edit."""

from __future__ import annotations

from collections.abc import Sequence

from systemzero_core.diff.script import (
    MAX_PATH_STEPS,
    Change,
    Edit,
    EditKind,
    FieldValue,
    PathStep,
)
from systemzero_core.tree import Bounds, Tree

MAX_QUOTED = 60
"""Characters of a name or value that a sentence quotes, at most."""

_TEXT_ROLES = frozenset(("text", "StaticText", "statictext"))
_STATE_WORDS = {
    "hidden": ("became hidden", "became visible"),
    "disabled": ("became disabled", "became enabled"),
    "checked": ("became checked", "is no longer checked"),
    "unchecked": ("became unchecked", "is no longer unchecked"),
    "expanded": ("was expanded", "is no longer expanded"),
    "collapsed": ("was collapsed", "is no longer collapsed"),
    "selected": ("became selected", "is no longer selected"),
    "pressed": ("became pressed", "is no longer pressed"),
}
_OPPOSITES = {
    "expanded": "collapsed",
    "collapsed": "expanded",
    "checked": "unchecked",
    "unchecked": "checked",
    "pressed": "unpressed",
    "unpressed": "pressed",
}


class Paths:
    """Paths of one tree's nodes. Steps are shared, so that a thousand edits of a list are cheap."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._paths: dict[int, tuple[PathStep, ...]] = {-1: ()}
        self._steps: dict[int, PathStep] = {}
        self._numbered: set[int] = set()

    def path(self, index: int) -> tuple[PathStep, ...]:
        """The steps from the root to node `index`, at most the last `MAX_PATH_STEPS`."""
        todo: list[int] = []
        at = index
        while at not in self._paths and len(todo) < MAX_PATH_STEPS:
            todo.append(at)
            at = self._tree.parents[at]
        path = self._paths.get(at, ())
        while todo:
            at = todo.pop()
            path = (*path, self._step(at))[-MAX_PATH_STEPS:]
            if todo:  # an ancestor: others will ask for it
                self._paths[at] = path
        return path

    def _step(self, index: int) -> PathStep:
        parent = self._tree.parents[index]
        if parent not in self._numbered:
            self._number(parent)
        return self._steps[index]

    def _number(self, parent: int) -> None:
        """Make the steps of all children of `parent`: which of them share role and name?"""
        self._numbered.add(parent)
        tree = self._tree
        siblings = tree.children[parent] if parent >= 0 else (0,)
        seen: dict[tuple[str, str], list[int]] = {}
        for child in siblings:
            node = tree.nodes[child]
            seen.setdefault((node.role, node.name), []).append(child)
        for (role, name), alike in seen.items():
            several = len(alike) > 1
            for k, child in enumerate(alike, 1):
                self._steps[child] = PathStep(role, name, k if several else 0)


def format_path(path: Sequence[PathStep]) -> str:
    """A path as one line: `main / form “Checkout” / button “Pay” [2]`."""
    return " / ".join(_step_text(step) for step in path)


def _step_text(step: PathStep) -> str:
    name = f" {_quoted(step.name)}" if step.name else ""
    return f"{step.role}{name} [{step.nth}]" if step.nth else f"{step.role}{name}"


def sentence(edit: Edit) -> str:
    """What the edit does, in one sentence without a full stop."""
    if edit.kind is EditKind.INSERT:
        return f"{_subject(edit)}{_extent(edit)} added{_where(edit.path[:-1], ' to ')}"
    if edit.kind is EditKind.DELETE:
        return f"{_subject(edit)}{_extent(edit)} removed{_where(edit.path[:-1], ' from ')}"
    if edit.kind is EditKind.MOVE:
        return _moved(edit)
    return f"{_subject(edit)} " + ", ".join(_changed(edit))


def _subject(edit: Edit) -> str:
    return _called(edit.path[-1])


def _called(step: PathStep) -> str:
    return f"{step.role or 'node'} {_quoted(step.name)}" if step.name else step.role or "node"


def _quoted(text: str) -> str:
    line = " ".join(text[: 4 * MAX_QUOTED].split())
    return f"“{line if len(line) <= MAX_QUOTED else line[: MAX_QUOTED - 1] + '…'}”"


def _extent(edit: Edit) -> str:
    return f" ({edit.size} nodes)" if edit.size > 1 else ""


def _where(path: Sequence[PathStep], preposition: str) -> str:
    step = _landmark(path)
    return preposition + _called(step) if step else ""


def _landmark(path: Sequence[PathStep]) -> PathStep | None:
    """The nearest step that tells a reader where: with a name, or a role that means something."""
    for step in reversed(path):
        if step.name or step.role not in ("generic", "none", "presentation", ""):
            return step
    return path[-1] if path else None


def _moved(edit: Edit) -> str:
    old, new = _landmark(edit.path[:-1]), _landmark(edit.parent)
    subject = _subject(edit)
    if old is None or new is None:
        return f"{subject} moved"
    if old == new:
        return f"{subject} moved within {_called(new)}"
    return f"{subject} moved from {_called(old)} to {_called(new)}"


def _changed(edit: Edit) -> list[str]:
    role = edit.path[-1].role
    return [text for change in edit.changes for text in _change_texts(change, role)]


def _change_texts(change: Change, role: str) -> list[str]:
    old, new = change.old, change.new
    if change.field == "states":
        return _state_texts(_words(old), _words(new))
    if change.field == "role":
        return [f"became {new}"]
    if change.field == "name":
        return [_renamed(str(old), str(new), role)]
    if change.field == "bounds":
        return [_box_text(old, new)]
    label = change.field.removeprefix("attributes.").replace("_", " ")
    return [f"{label} {_from_to(old, new)}"]


def _words(value: FieldValue) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, tuple) else ()


def _renamed(old: str, new: str, role: str) -> str:
    if role in _TEXT_ROLES:
        return f"changed to {_quoted(new)}" if new else "became empty"
    if not old:
        return f"named {_quoted(new)}"
    return f"renamed to {_quoted(new)}" if new else "lost its name"


def _from_to(old: FieldValue, new: FieldValue) -> str:
    if old in (None, ""):
        return f"set to {_quoted(str(new))}"
    if new in (None, ""):
        return f"{_quoted(str(old))} removed"
    return f"changed from {_quoted(str(old))} to {_quoted(str(new))}"


def _state_texts(old: tuple[str, ...], new: tuple[str, ...]) -> list[str]:
    gained = [word for word in new if word not in old]
    lost = [word for word in old if word not in new and _OPPOSITES.get(word) not in gained]
    texts = [_STATE_WORDS.get(word, (f"became {word}", ""))[0] for word in gained]
    return texts + [_STATE_WORDS.get(word, ("", f"is no longer {word}"))[1] for word in lost]


def _box_text(old: FieldValue, new: FieldValue) -> str:
    if not isinstance(old, Bounds) or not isinstance(new, Bounds):
        return "has a box now" if new is not None else "has no box any more"
    texts = []
    if (old.x, old.y) != (new.x, new.y):
        texts.append(f"shifted by {new.x - old.x:+d}, {new.y - old.y:+d}")
    if (old.width, old.height) != (new.width, new.height):
        texts.append(f"resized from {old.width}×{old.height} to {new.width}×{new.height}")
    return " and ".join(texts)
