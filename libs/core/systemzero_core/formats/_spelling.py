"""One fact in the words of many dumpers: what is true, what is checked, what is not shown.

An attribute that no table knows is kept under its own name: nothing is dropped in silence. Only
what is empty, false or an object's address in one run goes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from systemzero_core.normalize.role_tables import words

_TRUE = words("true True TRUE yes Yes YES on On ON 1")
_FALSE = words("false False FALSE no No NO off Off OFF 0")

_CHECKED = {
    **dict.fromkeys(("1", "true", "on", "yes", "checked", "selected"), "checked"),
    **dict.fromkeys(("0", "false", "off", "no", "unchecked", "unselected"), "unchecked"),
    **dict.fromkeys(("2", "-1", "mixed", "indeterminate", "partial", "partially"), "mixed"),
}

_SHOWN = words("""
    displayed is-displayed is-shown is-visible isDisplayed isShown isVisible shown visible
    visible-to-user visibleToUser
""")
_NOT_SHOWN = words("aria-hidden hidden invisible is-hidden isHidden")
_VISIBILITY = "visibility"
_HIDE_ALL = frozenset((_VISIBILITY, "aria-hidden"))
_UNSEEN = words("""
    gone invisible hidden collapse collapsed g i 4 8 0x4 0x8 0x00000004 0x00000008 false no off
""")
_SEEN = words("visible shown inherit v 0 0x0 0x00000000 true yes on 1") | {""}
"""`View.VISIBLE`, `INVISIBLE` and `GONE` are 0, 4 and 8, and V, I and G in a dump of activities."""
VISIBILITY_WORDS = _SHOWN | _NOT_SHOWN | {_VISIBILITY}
"""Attributes that say whether a node is shown, in any dumper's words."""

_SAYS_NOTHING = words("false False none None null nil (null)") | {""}
_ADDRESS = re.compile(r"@[0-9a-f]{4,}$|\b0x[0-9a-f]{6,}\b")


def is_true(value: str | None) -> bool:
    """Whether `value` is a dumper's word for yes."""
    return value in _TRUE


def is_false(value: str | None) -> bool:
    """Whether `value` is a dumper's word for no; None and everything else is not."""
    return value in _FALSE


def checked_word(value: str | None) -> str | None:
    """`checked`, `unchecked` or `mixed`, as `value` spells it; None where it spells none."""
    return _CHECKED.get(value.strip().lower()) if value else None


def is_hidden(given: Mapping[str, str]) -> bool:
    """Whether the attributes `given` say that the node is not shown."""
    return any(_hides(word, given[word]) for word in given.keys() & VISIBILITY_WORDS)


def hides_all(given: Mapping[str, str]) -> bool:
    """Whether the attributes `given` hide the node with all below it, whatever that says itself."""
    words_given = given.keys() & _HIDE_ALL
    return bool(words_given) and any(_hides(word, given[word]) for word in words_given)


def _hides(word: str, value: str) -> bool:
    if word == _VISIBILITY:
        return _visibility(value) in _UNSEEN
    return is_false(value) if word in _SHOWN else is_true(value)


def _visibility(value: str) -> str:
    return value.strip().lower().rpartition(".")[2]


def _is_unknown(key: str, value: str, known: AbstractSet[str]) -> bool:
    if key not in VISIBILITY_WORDS:
        return key not in known
    if key == _VISIBILITY:
        return _visibility(value) not in _SEEN | _UNSEEN
    return not is_true(value) and not is_false(value)


def unknown(given: Mapping[str, str], known: AbstractSet[str]) -> dict[str, str]:
    """Of the attributes `given`, those that are not `known` and say something.

    One of `VISIBILITY_WORDS` is known only with a value that says whether the node is shown.
    """
    if given.keys() <= known and not given.keys() & VISIBILITY_WORDS:
        return {}
    return {
        key: value
        for key, value in given.items()
        if _is_unknown(key, value, known)
        and value not in _SAYS_NOTHING
        and not _ADDRESS.search(value)
    }
