"""Where two golden contents differ, told so that one sees it at once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

_AROUND = 60


def differences(wanted: str, got: str) -> list[str]:
    """A line for each field that differs: section, entry, field, both values where they part."""
    return list(_between(json.loads(wanted), json.loads(got), ()))


def _between(wanted: Any, got: Any, at: tuple[str, ...]) -> Iterator[str]:
    if isinstance(wanted, Mapping) and isinstance(got, Mapping):
        for key in sorted({*wanted, *got}):
            yield from _between(wanted.get(key), got.get(key), (*at, key))
    elif wanted != got:
        old, new = _parting(ascii(wanted), ascii(got))
        yield f"{' / '.join(map(ascii, at))}: wanted {old}, got {new}"


def _parting(old: str, new: str) -> tuple[str, str]:
    """Both, cut to what is around the first character that differs."""
    same = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), 0)
    start = max(same - _AROUND, 0)
    lead = "…" if start else ""
    return lead + old[start : same + _AROUND], lead + new[start : same + _AROUND]
