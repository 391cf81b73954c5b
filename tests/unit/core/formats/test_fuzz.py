"""Whatever comes in, a tree or a typed error comes out; and the own format loses nothing."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from systemzero_core.errors import DomainError
from systemzero_core.formats import Format, own, parse
from systemzero_core.tree import Bounds, Node, Tree
from tests.support.native_captures import ax, cdp
from tests.support.strategies import trees
from tests.unit.core.formats.test_json import OLDER, atspi, widget
from tests.unit.core.formats.test_xml import ANDROID, IOS, WINDOWS

SAMPLES = [
    cdp(
        ax("1", "RootWebArea", "Shop", ["2", "3"], properties={"url": "http://a.test/"}),
        ax("2", "checkbox", "é", parent="1", properties={"checked": "mixed", "level": 3}),
        ax("3", "Iframe", "f", parent="1", description={"value": "d"}, value={"value": 3}),
    ),
    b'- list "a":\n  - listitem [level=2]: text\n  - \'link "b: c"\':\n    - /url: "#x"\n',
    ANDROID.encode(),
    IOS.encode(),
    WINDOWS.encode("utf-16"),
    atspi(widget("application", "a", widget("text", "b", value=0.5, extents=[1, 2, 3, 4]))),
    json.dumps(OLDER).encode(),
    own.encode(Tree([Node("a", states=("x",)), Node("b", bounds=Bounds(1, 2, 3, 4))], [-1, 0])),
]

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
nodes = st.builds(
    Node,
    role=words,
    name=words,
    value=words,
    states=st.frozensets(words, max_size=3).map(lambda s: tuple(sorted(s))),
    bounds=st.none() | st.builds(Bounds, *[st.integers(-(2**31), 2**31 - 1)] * 4),
    attributes=st.dictionaries(words, words, max_size=3).map(lambda d: tuple(sorted(d.items()))),
    platform_role=words,
)


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """A good capture with some bytes cut out, changed, repeated or taken from another one."""
    data = bytearray(draw(st.sampled_from(SAMPLES)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        end = draw(st.integers(at, min(len(data), at + 40)))
        donor = draw(st.sampled_from([bytes(data), *SAMPLES]))
        start = draw(st.integers(0, len(donor)))
        data[at:end] = draw(
            st.binary(max_size=6) | st.just(donor[start : start + draw(st.integers(0, 60))])
        )
    return bytes(data)


def check(data: bytes, format_: Format | None = None) -> None:
    try:
        tree = parse(data, format=format_).tree
    except DomainError:
        return
    assert Tree.checked(tree.nodes, tree.parents) == tree
    assert own.decode(own.encode(tree)) == tree


@given(trees(nodes, max_nodes=12))
def test_the_own_format_gives_back_what_it_got(tree: Tree) -> None:
    data = own.encode(tree)

    assert own.decode(data) == tree
    assert own.encode(own.decode(data)) == data
    assert parse(data).format is Format.TREE


@settings(max_examples=400)
@given(broken())
def test_broken_captures_are_trees_or_typed_errors(data: bytes) -> None:
    check(data)


@given(broken(), st.sampled_from(Format))
def test_so_are_captures_under_a_wrong_name(data: bytes, format_: Format) -> None:
    check(data, format_)


@given(st.binary(max_size=200), st.none() | st.sampled_from(Format))
def test_so_is_noise(data: bytes, format_: Format | None) -> None:
    check(data, format_)


def test_the_samples_are_good() -> None:
    assert all(len(parse(data).tree) > 1 for data in SAMPLES)


@given(st.sampled_from(SAMPLES), st.data())
def test_a_beginning_is_never_taken_for_the_whole(data: bytes, draw: st.DataObject) -> None:
    """What is cut off is an error, except where a snapshot happens to end at the end of a line."""
    cut = data[: draw.draw(st.integers(0, len(data) - 3))]
    try:
        parsed = parse(cut)
    except DomainError:
        return
    assert parsed.format is Format.ARIA
