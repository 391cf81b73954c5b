"""Trees for the normal form's property tests: small alphabets, so that everything coincides."""

from __future__ import annotations

from hypothesis import strategies as st

from systemzero_core.normalize.role_tables import words
from systemzero_core.tree import Bounds, Node, Tree

_ROLES = sorted(
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

NODES = st.builds(
    Node,
    role=st.sampled_from((*_ROLES, "\ud800 X")) | st.text(max_size=3),
    name=_SHORT | st.text(max_size=3),
    value=st.just("") | _SHORT,
    states=st.sets(st.sampled_from(_STATES), max_size=3).map(lambda found: tuple(sorted(found))),
    bounds=_BOUNDS,
    attributes=_ATTRIBUTES,
    platform_role=st.sampled_from(("", "", "text", "button", "StaticText", "a  \udfff")),
)


@st.composite
def trees(draw: st.DrawFn, nodes: st.SearchStrategy[Node] = NODES, max_nodes: int = 14) -> Tree:
    """A tree of any shape, in document order; may be empty."""
    found = draw(st.lists(nodes, max_size=max_nodes))
    path: list[int] = []
    parents: list[int] = []
    for i in range(len(found)):
        if path:
            del path[draw(st.integers(1, len(path))) :]
        parents.append(path[-1] if path else -1)
        path.append(i)
    return Tree.checked(found, parents)


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
