"""Reading captures: bytes in a platform's native format in, `Parsed` out.

`docs/design/formats.md` says what is read of each format and what becomes of it. Invariants:

1. Every error is a `DomainError` that names the field, line or node; a cut-off input is a
   `TruncatedInput`. Nothing is silently emptied: what is known to be missing is a `Gap`.
2. Iterative: the depth of an input is bounded by its bytes alone, never by the interpreter's stack.
3. Bounded: `MAX_INPUT_BYTES` for all parts together, `MAX_NODES` for the tree; no entity is
   expanded, no reference followed, no alias resolved.
4. Parser output holds the platform's own roles, states in the project's words, in document order.
   What is transient is dropped by the normaliser, not here.
"""

from __future__ import annotations

from systemzero_core.formats.model import Format, FormatPlugin, Gap, GapKind, Parsed, Source
from systemzero_core.formats.registry import (
    BUILT_IN,
    ENTRY_POINT_GROUP,
    NAME,
    Formats,
    detect,
    parse,
)

__all__ = [
    "BUILT_IN",
    "ENTRY_POINT_GROUP",
    "NAME",
    "Format",
    "FormatPlugin",
    "Formats",
    "Gap",
    "GapKind",
    "Parsed",
    "Source",
    "detect",
    "parse",
]
