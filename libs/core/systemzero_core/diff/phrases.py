"""What a person reads of one changed field: “became disabled”, “shifted down by 8 px”."""

from __future__ import annotations

from collections.abc import Mapping

from systemzero_core.diff.quoting import quoted, quoted_pair
from systemzero_core.diff.renames import is_state
from systemzero_core.diff.script import Change, FieldValue
from systemzero_core.tree import Bounds

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

_OPPOSITES = {
    "expanded": "collapsed",
    "collapsed": "expanded",
    "checked": "unchecked",
    "unchecked": "checked",
    "pressed": "unpressed",
    "unpressed": "pressed",
}


def change_texts(change: Change, role: str) -> list[str]:
    """What became of one field of a node of this role: parts of a sentence without its subject."""
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
    if not new:
        return "lost its name"
    verb = "now says" if is_state(old, new) else "renamed to"
    return f"{verb} {quoted_pair(old, new)[1]}"


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
