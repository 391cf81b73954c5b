"""Platform roles to WAI-ARIA role names.

The tables follow WAI-ARIA 1.2/1.3, HTML-AAM and Core-AAM (what a browser maps to MSAA, UIA and
AT-SPI, read backwards), and each platform's own list of roles.

Invariants:
1. `aria_role(aria_role(r)) == aria_role(r)` for every string r.
2. The answer depends on the role word alone; the one exception (an AT-SPI `text` that can be edited
   is a textbox) is made by the caller, who sees the states.
"""

from __future__ import annotations

import re

from systemzero_core.normalize.role_tables import (
    ANDROID_CLASSES,
    ANDROID_SUFFIXES,
    ARIA_ROLES,
    EXTENSION_ROLES,
    IOS_TYPES,
    PLATFORM_ROLES,
)

GENERIC = "generic"

_NORMAL = ARIA_ROLES | EXTENSION_ROLES
_IOS_PREFIX = "XCUIElementType"
_SEPARATORS = re.compile(r"[\s_-]+")
_PLAIN_WORD = re.compile(r"[a-z][a-z0-9-]{0,63}")
_RUN_SUFFIX = re.compile(r"[0-9]+$")


def aria_role(role: str) -> str:
    """The normal role for a platform's own `role`.

    Looked up in this order: normal names stand as they are; the exact platform tables; iOS types;
    dotted class names (Android, Java) by their last segment, then by its ending; the word without
    its separators and in lower case (`check box`, `CheckBox`). A plain lower-case word that no
    table knows is somebody's own role and stays; anything else is `generic`.
    """
    if role in _NORMAL:
        return role
    known = PLATFORM_ROLES.get(role)
    if known is not None:
        return known
    if role.startswith(_IOS_PREFIX):
        return IOS_TYPES.get(role[len(_IOS_PREFIX) :], GENERIC)
    if "." in role:
        return _class_role(role)
    compact = _SEPARATORS.sub("", role).lower()
    if compact in _NORMAL:
        return compact
    return role if _PLAIN_WORD.fullmatch(role) else GENERIC


def _class_role(class_name: str) -> str:
    last = _RUN_SUFFIX.sub("", re.split(r"[.$]", class_name)[-1])
    known = ANDROID_CLASSES.get(last)
    if known is not None:
        return known
    for suffix, role in ANDROID_SUFFIXES:
        if last.endswith(suffix):
            return role
    return GENERIC
