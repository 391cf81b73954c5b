"""A telling for people, as text: its summary, its lines, and the edits that lines open into."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from systemzero_core.diff import Edit, format_path
from systemzero_core.diff.render import edit_lines, marked, printable
from systemzero_core.grouping.model import Line, Telling


def render_telling(
    telling: Telling, edits: Sequence[Edit], *, opened: bool = False, colour: bool = False
) -> str:
    """The summary, then each line as `line_lines` has it.

    Args:
        telling: what to show.
        edits: the edits that were told.
        opened: with the edits of each line below it.
        colour: with ANSI colours, for a terminal.

    Returns:
        Lines joined by newlines, none at the end; `no differences` without edits.
    """
    lines = [printable(telling.summary)] if len(telling.lines) > 1 else []
    for line in telling.lines:
        lines += line_lines(line, edits, colour=colour)
        if opened:
            for text in opened_lines(line, edits, colour=colour):
                lines.append(f"    {text}")
    return "\n".join(lines) or "no differences"


def line_lines(
    line: Line, edits: Sequence[Edit], note: str = "", *, colour: bool = False
) -> Iterator[str]:
    """A line, with `note` behind it; then where its edit is, or how many edits there are."""
    told = [edits[at] for at in line.edits]
    kinds = {edit.kind for edit in told}
    head = marked(line.sentence, kinds.pop() if len(kinds) == 1 else None, colour=colour)
    head = f"{head}  {note}" if note else head
    if len(told) > 1:
        yield f"{head}  [{len(told)} edits]"
        return
    yield head
    at = f"    {printable(format_path(told[0].path))}"
    yield f"\x1b[2m{at}\x1b[0m" if colour else at


def opened_lines(line: Line, edits: Sequence[Edit], *, colour: bool = False) -> Iterator[str]:
    """The edits of a line, where they say more than it does."""
    told = [edits[at] for at in line.edits]
    if len(told) > 1 or told[0].sentence != line.sentence:
        for edit in told:
            yield from edit_lines(edit, colour=colour)
