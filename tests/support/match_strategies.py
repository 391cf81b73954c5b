"""Generated trees that share much: few roles, few names."""

from __future__ import annotations

from hypothesis import strategies as st

from systemzero_core.tree import Bounds, Node, Tree

_nodes = st.builds(
    Node,
    role=st.sampled_from(["document", "main", "list", "listitem", "button", "link"]),
    name=st.sampled_from(["", "Home", "Pay", "Item 1", "Item 22", "Übersicht"]),
    bounds=st.none() | st.builds(Bounds, *[st.integers(0, 900)] * 4),
    attributes=st.sampled_from([(), (("id", "a"),), (("id", "b"),), (("url", "http://h/p/1"),)]),
)


@st.composite
def _trees(draw: st.DrawFn) -> Tree:
    nodes = draw(st.lists(_nodes, min_size=1, max_size=14))
    parents, path = [-1], [0]
    for index in range(1, len(nodes)):
        del path[draw(st.integers(1, len(path))) :]
        parents.append(path[-1])
        path.append(index)
    return Tree.checked(nodes, parents)


trees = _trees()
