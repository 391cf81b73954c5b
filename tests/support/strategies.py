"""Generated trees and mappings for the tests of the diff."""

from __future__ import annotations

from hypothesis import strategies as st

from systemzero_core.tree import Bounds, Node, Tree

ROLES = ("generic", "list", "listitem", "button", "link", "text")
NAMES = ("", "Pay", "Cancel", "Orders", "Käse", "é\u0301")


def nodes() -> st.SearchStrategy[Node]:
    """Nodes that often collide and now and then differ in every field."""
    return st.builds(
        Node,
        role=st.sampled_from(ROLES),
        name=st.sampled_from(NAMES),
        value=st.sampled_from(("", "", "", "7")),
        states=st.sampled_from(((), (), ("checked",), ("disabled", "hidden"))),
        bounds=st.sampled_from((None, None, Bounds(0, 0, 10, 5), Bounds(3, 4, 10, 5))),
        attributes=st.sampled_from(((), (), (("level", "2"),), (("id", "x"), ("level", "1")))),
        platform_role=st.sampled_from(("", "", "AXButton")),
    )


@st.composite
def trees(draw: st.DrawFn, max_nodes: int = 25) -> Tree:
    """Trees of any shape, the empty one included."""
    made = draw(st.lists(nodes(), max_size=max_nodes))
    parents: list[int] = []
    for i in range(len(made)):
        path = [i - 1] if i else [-1]
        while parents and path[-1] > 0:
            path.append(parents[path[-1]])
        parents.append(draw(st.sampled_from(path)) if i else -1)
    return Tree.checked(made, parents)


def outline(text: str) -> Tree:
    """A tree from an indented outline, one `role name` a line."""
    made: list[Node] = []
    parents: list[int] = []
    path: list[tuple[int, int]] = []
    for line in text.strip("\n").splitlines():
        depth = len(line) - len(line.lstrip())
        while path and path[-1][0] >= depth:
            path.pop()
        parents.append(path[-1][1] if path else -1)
        path.append((depth, len(made)))
        role, _, name = line.strip().partition(" ")
        made.append(Node(role, name))
    return Tree.checked(made, parents)
