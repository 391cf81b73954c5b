"""Other names that are no rename: another link in the same place, a state that is spelt out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from systemzero_core.diff.script import Change

_TARGETS: Final = ("attributes.url", "attributes.href")
_STATES: Final = tuple(
    frozenset(words.split(", "))
    for words in (
        "checked, unchecked, not checked",
        "selected, unselected, not selected",
        "pressed, unpressed, not pressed",
        "expanded, collapsed",
        "enabled, disabled",
        "on, off",
    )
)
"""Words that some platforms give as a control's name and that say how it is, not what it is."""


def is_another_link(changes: Sequence[Change]) -> bool:
    """Whether both the name and the target are other ones: nothing is left of the link that was.

    A target that keeps its last part, below the folder of another release, is the same one.
    """
    fields = {change.field: change for change in changes}
    name = fields.get("name")
    if name is None or not name.old or not name.new:
        return False
    targets = [fields[field] for field in _TARGETS if field in fields]
    return any(t.old and t.new and _page(str(t.old)) != _page(str(t.new)) for t in targets)


def is_state(old: str, new: str) -> bool:
    """Whether both names say a state, and not what it is the state of."""
    if not (old.isascii() and new.isascii()):
        return False
    both = {old.strip().lower(), new.strip().lower()}
    return len(both) > 1 and any(both <= words for words in _STATES)


def _page(target: str) -> str:
    return target.rstrip("/").rpartition("/")[2]
