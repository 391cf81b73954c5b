"""Names that a platform makes of a node's content: a row is called after its cells.

A changed cell is one change, told at the cell; that the row's name changed with it says nothing
more. Such a name stays in the tree (it is what people know the row by, in paths, too, and digests
cover it) and in the script, but it is no edit. Invariants:

1. A name is left out of the edits only where it is its content's, put together the same way, before
   and after. A name that is something else, on either side, is told.
2. Names that are left out differ by more than blanks, so their content differs: whoever leaves one
   out has an edit of what made it differ.
3. Linear: content is read down to the nearest names, so no node is read for two names above it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter

from systemzero_core.diff.script import Composed
from systemzero_core.normalize.filters import NAME_FROM_CONTENT
from systemzero_core.tree import Node, Tree

_NAMED_BY_CONTENT = NAME_FROM_CONTENT | {"group"}
_JOINTS = ("", ",")
"""What stands between the parts, blanks aside: nothing, or the commas of phones' cells."""

_NAME_FIRST = attrgetter("name", "value")
_VALUE_FIRST = attrgetter("value", "name")  # a field within a name gives what is in it


def composed_names(
    a: Tree, b: Tree, to_b: Sequence[int], changed: Iterable[int]
) -> dict[int, Composed]:
    """Those of the `changed` nodes of `a` whose names follow from their content in both trees."""
    found: dict[int, Composed] = {}
    for x in changed:
        y = to_b[x]
        old, new = a.nodes[x], b.nodes[y]
        if old.name != new.name and _may_be(old) and _may_be(new) and _follows(a, x, b, y):
            found[x] = Composed(x, y, old.name, new.name)
    return found


def _may_be(node: Node) -> bool:
    return bool(node.name) and node.role in _NAMED_BY_CONTENT


def _follows(a: Tree, x: int, b: Tree, y: int) -> bool:
    if a.ends[x] == x + 1 or b.ends[y] == y + 1:
        return False
    old, new = _plain(a.nodes[x].name), _plain(b.nodes[y].name)
    if old == new:
        return False
    for first in (_NAME_FIRST, _VALUE_FIRST):
        before, after = list(_parts(a, x, first)), list(_parts(b, y, first))
        for joint in _JOINTS:
            if joint.join(before) == old and joint.join(after) == new:
                return True
    return False


def _parts(tree: Tree, index: int, said: attrgetter[tuple[str, str]]) -> Iterator[str]:
    """What the content of a node says, without blanks: of each branch the nodes nearest to it."""
    at, end = index + 1, tree.ends[index]
    while at < end:
        first, second = said(tree.nodes[at])
        text = first or second
        if text:
            yield _plain(text)
        at = tree.ends[at] if text else at + 1


def _plain(text: str) -> str:
    return "".join(text.split())
