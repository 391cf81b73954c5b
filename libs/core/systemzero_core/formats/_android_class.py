"""The role of an Android element: its class, from whichever place the dumper wrote it to.

A class without a package is Android's own (`TextView`). One that an obfuscator named
(`o.ﮃ`, `X.0Ab`, `aic`) is another one in every build and says nothing: it is a plain view.
"""

from __future__ import annotations

import re
from typing import Final

from systemzero_core.normalize.role_tables import ANDROID_CLASSES, ANDROID_SUFFIXES, words
from systemzero_core.normalize.roles import aria_role

_STRUCTURE = words("hierarchy displays display window")
_VIEW: Final = "android.view.View"
_LAST = re.compile(r"[^.$]*$")
_LONGEST_OBFUSCATED = 3
_SWITCHES = ("Switch", "SwitchCompat", "SwitchMaterial", "ToggleButton")
_RANGES = words("progressbar slider")
_CHECKABLE = (*_SWITCHES, "CheckBox", "CheckedTextView", "CompoundButton", "RadioButton")


def role_of(tag: str, class_name: str | None) -> str:
    """The class of an element with `tag` and, where the dumper wrote it, `class_name`."""
    if tag in _STRUCTURE:
        return tag
    name = class_name or ("" if tag == "node" else tag)
    found = _LAST.search(name)
    last = found[0] if found else ""
    if not last or _is_obfuscated(last):
        return _VIEW
    if last != name:
        return name
    known = last in ANDROID_CLASSES or last.endswith(tuple(end for end, _ in ANDROID_SUFFIXES))
    return f"android.widget.{name}" if known else _VIEW


def is_switch(role: str) -> bool:
    """Whether the class shows its state as a word."""
    return role.endswith(_SWITCHES)


def is_range(role: str) -> bool:
    """Whether the class stands somewhere between two ends."""
    return aria_role(role) in _RANGES


def is_checkable(role: str) -> bool:
    """Whether what is of this class can be checked, said or not."""
    return role.endswith(_CHECKABLE)


def _is_obfuscated(last: str) -> bool:
    if last in ANDROID_CLASSES:
        return False
    return not last.isascii() or len(last) <= _LONGEST_OBFUSCATED
