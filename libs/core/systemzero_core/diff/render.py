"""An edit script for people (text) and for programs (JSON)."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from systemzero_core import characters
from systemzero_core.diff.describe import format_path
from systemzero_core.diff.script import (
    NOTHING_AROUND,
    Change,
    Edit,
    EditKind,
    EditScript,
    PathStep,
    SubtreeRange,
)
from systemzero_core.tree import Node

_MARKS = {EditKind.INSERT: "+", EditKind.DELETE: "-", EditKind.UPDATE: "~", EditKind.MOVE: ">"}
_COLOURS = {
    EditKind.INSERT: "32",
    EditKind.DELETE: "31",
    EditKind.UPDATE: "33",
    EditKind.MOVE: "36",
}


def render_text(script: EditScript, *, colour: bool = False) -> str:
    """Two lines an edit, its sentence and where it is; a note where the script is degraded.

    Args:
        script: what to show.
        colour: with ANSI colours, for a terminal.

    Returns:
        Lines joined by newlines, none at the end; `no differences` for an empty script.
    """
    if not script.edits:
        return "no differences"
    lines = [line for edit in script.edits for line in edit_lines(edit, colour=colour)]
    if script.degraded:
        lines.append(f"! degraded: {script.degraded}")
    return "\n".join(lines)


def edit_lines(edit: Edit, note: str = "", *, colour: bool = False) -> Iterator[str]:
    """The two lines of an edit; `note` is put behind its sentence."""
    head = marked(edit.sentence, edit.kind, colour=colour)
    yield f"{head}  {note}" if note else head
    at = f"    {printable(format_path(edit.path))}"
    yield f"\x1b[2m{at}\x1b[0m" if colour else at


def marked(sentence: str, kind: EditKind | None, *, colour: bool = False) -> str:
    """A sentence behind the mark of what was done, `*` where that is several things."""
    if kind is None:
        return f"* {printable(sentence)}"
    head = f"{_MARKS[kind]} {printable(sentence)}"
    return f"\x1b[{_COLOURS[kind]}m{head}\x1b[0m" if colour else head


def printable(text: str) -> str:
    """`text` without control characters: a captured name must not steer the reader's terminal."""
    return characters.printable(text)


class _Written(msgspec.Struct, omit_defaults=True):
    """An edit's fields as JSON has them."""

    kind: EditKind
    node: int = -1
    target: int = -1
    size: int = 1
    changes: tuple[Change, ...] = ()
    path: tuple[PathStep, ...] = ()
    parent: tuple[PathStep, ...] = ()
    sentence: str = ""
    from_parent: int = -1
    to_parent: int = -1
    nodes: tuple[Node, ...] = ()
    places: tuple[SubtreeRange, ...] = ()
    around: tuple[int, int] = NOTHING_AROUND


_FIELDS = _Written.__struct_fields__


def edit_to_json(edit: Edit) -> msgspec.Raw:
    """One edit as UTF-8 JSON: its fields, its path, its parent's and its sentence."""
    return msgspec.Raw(msgspec.json.encode(_Written(*[getattr(edit, name) for name in _FIELDS])))


def to_json(script: EditScript) -> bytes:
    """The script as UTF-8 JSON, an object of all its fields.

    Field names are those of `EditScript`, `Edit`, `Change` and `PathStep`; fields at their default
    are left out; boxes are `[x, y, width, height]`, places `[at, parent, end]`,
    composed names `[node, target, old, new]`. Edits have `path`, `parent` and `sentence`, too.
    """
    fields = {name: getattr(script, name) for name in script.__struct_fields__}
    for name in ("edits", "unfolded"):  # one by one: written, an edit is larger than it is
        fields[name] = [edit_to_json(edit) for edit in fields[name]]
    return msgspec.json.encode(fields)
