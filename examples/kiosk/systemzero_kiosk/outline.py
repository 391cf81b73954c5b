"""Outlines, as the kiosks' vendor exports screens.

    %outline 1
    main Checkout
      heading Your basket
      text Total 12.40
      button Pay [disabled]

The first line names the format. Every other is a role, a blank and a name, with states in brackets;
two blanks more are one level deeper.
"""

import re

from systemzero_core.errors import InvalidInput
from systemzero_core.formats import Parsed, Source
from systemzero_core.tree import Node, TreeBuilder

_FIRST = b"%outline 1\n"
_LINE = re.compile(r"(?P<indent> *)(?P<role>[a-z]+) (?P<name>.*?)(?: \[(?P<states>[a-z ]+)\])?")
_STEP = 2


class OutlineFormat:
    """The format `outline`."""

    name = "outline"

    def recognises(self, data: bytes) -> bool:
        """By the first line."""
        return data.startswith(_FIRST)

    def read(self, source: Source) -> Parsed:
        """The screen in `source`, below a root of role `document`.

        Raises:
            InvalidInput: it is not UTF-8, or a line is none; the error names it.
            TooLarge: more nodes than a tree may have.
        """
        try:
            lines = source.data.decode().splitlines()
        except UnicodeDecodeError as error:
            raise InvalidInput.at(f"byte {error.start}", "not UTF-8") from None
        if not self.recognises(source.data):
            raise InvalidInput.at("line 1", "expected %outline 1")
        builder, depth = TreeBuilder(), 0
        builder.open(Node("document"))
        for number, line in enumerate(lines[1:], 2):
            node, level = _read(line, f"line {number}", depth)
            for _ in range(depth - level + 1):
                builder.close()
            builder.open(node)
            depth = level
        return Parsed(builder.build(), self.name)


def _read(line: str, where: str, depth: int) -> tuple[Node, int]:
    """The node of a line and its level, from 1; `depth` is the level of the line before."""
    found = _LINE.fullmatch(line)
    if found is None or len(found["indent"]) % _STEP:
        raise InvalidInput.at(where, "expected pairs of blanks, a role, a blank and a name")
    level = len(found["indent"]) // _STEP + 1
    if level > depth + 1:
        raise InvalidInput.at(where, "more than one level deeper than the line before")
    states = tuple(sorted(set((found["states"] or "").split())))
    return Node(found["role"], found["name"], states=states), level
