"""Generated trees: of any shape, of nodes from small alphabets, so that much coincides."""

from __future__ import annotations

from hypothesis import strategies as st

from systemzero_core.normalize.role_tables import words
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
def trees(
    draw: st.DrawFn,
    of: st.SearchStrategy[Node] | None = None,
    *,
    min_nodes: int = 0,
    max_nodes: int = 25,
) -> Tree:
    """Trees of any shape in document order, of `nodes()` unless others are given."""
    alphabet = nodes() if of is None else of
    made = draw(st.lists(alphabet, min_size=min_nodes, max_size=max_nodes))
    path: list[int] = []
    parents: list[int] = []
    for i in range(len(made)):
        if path:
            del path[draw(st.integers(1, len(path))) :]
        parents.append(path[-1] if path else -1)
        path.append(i)
    return Tree.checked(made, parents)


_ANY_ROLES = sorted(
    words("""
        RootWebArea StaticText InlineTextBox LineBreak ListMarker generic button link heading text
        textbox progressbar scrollbar iframe main img window group listitem none Pane Tab
        android.widget.FrameLayout android.widget.TextView com.shop.PriceButton2
        XCUIElementTypeCell XCUIElementTypeStatusBar
    """)
)
_STATES = sorted(words("busy disabled editable focusable focused hidden offscreen read-only"))
_PIECES = ("a", "b", "ab", " ", "\u00a0", "\u200b", "e", "\u0301", "é", "\ud800", "\t", "#", "/p")
_SHORT = st.lists(st.sampled_from(_PIECES), max_size=4).map("".join)
_URLS = st.builds(
    lambda origin, path, query, fragment: origin + path + query + fragment,
    st.sampled_from(("", "http://a:1", "https://b", "blob:", "data:", "file://")),
    st.sampled_from(("", "/", "/p", "//p", "/p;jsessionid=1", "p " + "x" * 220)),
    st.sampled_from(("", "?", "?x=1", "?x=2")),
    st.sampled_from(("", "#", "#top", ";jsessionid=9", "\u00a0")),
)
_IDS = st.sampled_from(("login", ":r1:", "ember123", "row-2", "0f8e9d7c6b5a", "", "a b", "x" * 300))
_ATTRIBUTES = st.fixed_dictionaries(
    {},
    optional={
        "Level": st.just("1"),
        "aria_label": _SHORT,
        "class": st.sampled_from(("Edit.app.0.141b42a_r6_ad1", "Wrapper[a;;b]", "plain")),
        "id": _IDS,
        "level": st.just("2"),
        "runtimeid": st.just("7"),
        "url": _URLS,
    },
).map(lambda found: tuple(sorted(found.items())))
_SIDE = st.sampled_from((-(2**31), -5, 0, 1, 20, 2**31))
_BOUNDS = st.none() | st.builds(Bounds, _SIDE, _SIDE, _SIDE, _SIDE)

ANY_NODES = st.builds(
    Node,
    role=st.sampled_from((*_ANY_ROLES, "\ud800 X")) | st.text(max_size=3),
    name=_SHORT | st.text(max_size=3),
    value=st.just("") | _SHORT,
    states=st.sets(st.sampled_from(_STATES), max_size=3).map(lambda found: tuple(sorted(found))),
    bounds=_BOUNDS,
    attributes=_ATTRIBUTES,
    platform_role=st.sampled_from(("", "", "text", "button", "StaticText", "a  \udfff")),
)
"""Nodes as platforms and hostile documents have them, for the normal form."""

ALIKE_NODES = st.builds(
    Node,
    role=st.sampled_from(["document", "main", "list", "listitem", "button", "link"]),
    name=st.sampled_from(["", "Home", "Pay", "Item 1", "Item 22", "Übersicht"]),
    bounds=st.none() | st.builds(Bounds, *[st.integers(0, 900)] * 4),
    attributes=st.sampled_from([(), (("id", "a"),), (("id", "b"),), (("url", "http://h/p/1"),)]),
)
"""Nodes of few roles and names, of which trees share much."""

SIGNABLE = st.builds(
    Node,
    role=st.sampled_from(("a", "b")),
    name=st.text(st.characters(codec="utf-8"), max_size=3),
    value=st.sampled_from(("", "", 'v"\\\n\x01\x7f\u2028')),
    states=st.sampled_from(((), ("busy",), ("busy", "hidden"))),
    bounds=st.none() | st.builds(Bounds, *[st.integers(-(2**31), 2**31)] * 4),
    attributes=st.sampled_from(((), (("id", "x"),), (("id", "x"), ("url", "/")))),
    platform_role=st.sampled_from(("", "X")),
)
"""Nodes whose texts can be signed without normalisation."""
