"""What a person reads: the sentence of an edit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from systemzero_core.characters import known
from systemzero_core.diff.paths import Paths
from systemzero_core.diff.quoting import quoted, quoted_pair
from systemzero_core.diff.script import (
    MAX_PATH_STEPS,
    Change,
    Edit,
    EditKind,
    EditScript,
    FieldValue,
    PathStep,
)
from systemzero_core.tree import Bounds, Node, Tree

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
    "unpressed": ("is no longer pressed", "is no toggle any more"),
}
_SWITCHED = {
    "checked": ("was switched on", "is no longer switched on"),
    "unchecked": ("was switched off", "is no longer switched off"),
}
"""What people say of a switch; a box is checked."""

_PARTS = {"contentinfo": "the page footer", "banner": "the page header"}
"""What people call a part of a page that has no name of its own."""

_OPPOSITES = {
    "expanded": "collapsed",
    "collapsed": "expanded",
    "checked": "unchecked",
    "unchecked": "checked",
    "pressed": "unpressed",
    "unpressed": "pressed",
}


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
        said = _sentence(edit)
        return f"{said}, and {edit.beside}" if edit.beside else said

    def turned(self) -> EditTeller:
        """Who tells of the edits that lead back."""
        return EditTeller(self._new, self._old)


def paths_of(script: EditScript, a: Tree, b: Tree) -> tuple[Paths, Paths]:
    """The paths of the trees that `script` leads between: those that its edits are told by.

    So what is known of a baseline's paths is remembered from one capture to the next.
    """
    teller = script.edits[0].teller if script.edits else None
    known = teller.paths_of(a, b) if isinstance(teller, EditTeller) else None
    return known or (Paths(a), Paths(b))


def _sentence(edit: Edit) -> str:
    kind = edit.kind
    if kind is EditKind.UPDATE:
        (step,) = edit.last_steps(1)
        texts = [text for change in edit.changes for text in _change_texts(change, step.role)]
        return f"{_changed(step, edit.changes)} {', '.join(texts)}"
    *above, step = edit.path
    subject = _called(step)
    if kind is EditKind.MOVE:
        return subject + _moved(above, edit.parent)
    if not step.name:
        subject += _content(edit.nodes)
    extent = f" ({edit.size} nodes)" if edit.size > 1 else ""
    if kind is EditKind.INSERT:
        return f"{subject}{extent} added{_where(above, ' to ')}"
    return f"{subject}{extent} removed{_where(above, ' from ')}"


def _content(nodes: Sequence[Node]) -> str:
    """What tells one nameless node from the next: the first name in it that says something."""
    for node in nodes:
        if len(node.name) > 2 and not known(node.name).isdigit():
            return f" with {quoted(node.name)}"
    return ""


def _called(step: PathStep) -> str:
    return f"{step.role or 'node'} {quoted(step.name)}" if step.name else step.role or "node"


def _changed(step: PathStep, changes: Sequence[Change]) -> str:
    """What an update is about: of a long name, the part that is another one now."""
    for change in changes:
        if change.field == "name" and change.old == step.name and step.name:
            return f"{step.role or 'node'} {quoted_pair(step.name, str(change.new))[0]}"
    return _called(step)


def _where(path: Sequence[PathStep], preposition: str) -> str:
    step = _landmark(path)
    return preposition + _place(step) if step else ""


def _place(step: PathStep) -> str:
    part = "" if step.name else _PARTS.get(step.role, "")
    return part or _called(step)


def _landmark(path: Sequence[PathStep]) -> PathStep | None:
    """The nearest step that tells a reader where: with a name, or a role that means something."""
    for step in reversed(path):
        if step.name or step.role not in ("generic", "none", "presentation", ""):
            return step
    return path[-1] if path else None


def _moved(path: Sequence[PathStep], parent: Sequence[PathStep]) -> str:
    old, new = _landmark(path), _landmark(parent)
    if old is None or new is None:
        return " moved"
    if old == new:
        return f" moved within {_place(new)}"
    return f" moved from {_place(old)} to {_place(new)}"


def _change_texts(change: Change, role: str) -> list[str]:
    old, new = change.old, change.new
    if change.field == "states":
        words = _STATE_WORDS | _SWITCHED if role == "switch" else _STATE_WORDS
        return _state_texts(_words(old), _words(new), words)
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
        return f"changed to {quoted_pair(old, new)[1]}" if new else "became empty"
    if not old:
        return f"named {quoted(new)}"
    return f"renamed to {quoted_pair(old, new)[1]}" if new else "lost its name"


def _from_to(old: FieldValue, new: FieldValue) -> str:
    if old in (None, ""):
        return f"set to {quoted(str(new))}"
    if new in (None, ""):
        return f"{quoted(str(old))} removed"
    before, after = quoted_pair(str(old), str(new))
    return f"changed from {before} to {after}"


def _state_texts(
    old: tuple[str, ...], new: tuple[str, ...], words: Mapping[str, tuple[str, str]]
) -> list[str]:
    before, after = frozenset(old), frozenset(new)
    gained = [word for word in new if word not in before]
    came = after - before
    lost = [word for word in old if word not in after and _OPPOSITES.get(word) not in came]
    texts = [words.get(word, (f"became {word}", ""))[0] for word in gained]
    return texts + [words.get(word, ("", f"is no longer {word}"))[1] for word in lost]


def _box_text(old: FieldValue, new: FieldValue) -> str:
    if not isinstance(old, Bounds) or not isinstance(new, Bounds):
        return "has a box now" if new is not None else "has no box any more"
    texts = []
    if (old.x, old.y) != (new.x, new.y):
        texts.append(_shift_text(new.x - old.x, new.y - old.y))
    if (old.width, old.height) != (new.width, new.height):
        texts.append(f"resized from {old.width}×{old.height} to {new.width}×{new.height}")
    return " and ".join(texts)


def _shift_text(right: int, down: int) -> str:
    parts = []
    if down:
        parts.append(f"{'down' if down > 0 else 'up'} by {abs(down)} px")
    if right:
        parts.append(f"{'right' if right > 0 else 'left'} by {abs(right)} px")
    return "shifted " + " and ".join(parts)
