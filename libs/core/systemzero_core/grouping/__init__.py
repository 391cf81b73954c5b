"""Grouping: from the edits of a script to the few lines that a person would tell them in.

See `docs/design/grouping.md`.
"""

from systemzero_core.grouping.model import Line, Telling, Topic
from systemzero_core.grouping.render import line_lines, render_telling
from systemzero_core.grouping.tell import tell

__all__ = ["Line", "Telling", "Topic", "line_lines", "render_telling", "tell"]
