"""Trees between contract and domain: what comes back, and what is refused by name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systemzero.tree.v1 import tree_pb2
from systemzero_core.errors import InvalidInput, MalformedTree, TooLarge
from systemzero_core.formats import Format
from systemzero_core.signature import sign
from systemzero_core.tree import MAX_NODES, Bounds, Node, Tree
from systemzero_wire.trees import (
    decode_digest,
    decode_format,
    decode_signatures,
    decode_tree,
    encode_format,
    encode_signatures,
    encode_tree,
)
from tests.support.strategies import trees

INT32 = st.integers(-(2**31), 2**31 - 1)
SIZE = st.integers(0, 2**31 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
NODES = st.builds(
    Node,
    role=TEXT,
    name=TEXT,
    value=TEXT,
    states=st.sets(TEXT, max_size=3).map(lambda words: tuple(sorted(words))),
    bounds=st.none() | st.builds(Bounds, INT32, INT32, SIZE, SIZE),
    attributes=st.dictionaries(TEXT, TEXT, max_size=3).map(lambda d: tuple(sorted(d.items()))),
    platform_role=TEXT,
)


@given(trees(NODES, max_nodes=8))
def test_a_tree_comes_back_as_it_went(tree: Tree) -> None:
    wire = encode_tree(tree).SerializeToString()
    assert decode_tree(tree_pb2.Tree.FromString(wire), "tree") == tree


@given(st.lists(st.integers(-3, 6), min_size=1, max_size=6))
def test_parents_are_a_tree_or_are_named(parents: list[int]) -> None:
    message = tree_pb2.Tree(nodes=[tree_pb2.Node(role="r", parent=p) for p in parents])
    good = _good(parents)
    if good == len(parents):
        assert decode_tree(message, "a.tree").parents == tuple(parents)
        return
    with pytest.raises(MalformedTree) as caught:
        decode_tree(message, "a.tree")
    field = f"a.tree.nodes[{good}].parent"
    assert caught.value.violations[0].field == field
    assert caught.value.message.startswith(field)


def _good(parents: list[int]) -> int:
    """How many of the first nodes are a tree in document order."""
    for i, parent in enumerate(parents):
        ancestors = {-1} if i == 0 else set()
        above = i - 1
        while above >= 0:
            ancestors.add(above)
            above = parents[above]
        if parent not in ancestors:
            return i
    return len(parents)


def test_what_has_an_order_is_put_in_it() -> None:
    node = tree_pb2.Node(role="r", parent=-1, states=["b", "a", "b"])
    node.attributes.add(name="z", value="1")
    node.attributes.add(name="a", value="2")
    decoded = decode_tree(tree_pb2.Tree(nodes=[node]), "tree").nodes[0]
    assert decoded.states == ("a", "b")
    assert decoded.attributes == (("a", "2"), ("z", "1"))


def test_a_box_turned_inside_out_is_named() -> None:
    good = tree_pb2.Node(role="r", parent=-1)
    bad = tree_pb2.Node(role="r", parent=0, bounds=tree_pb2.Bounds(width=-1))
    with pytest.raises(InvalidInput) as caught:
        decode_tree(tree_pb2.Tree(nodes=[good, bad]), "tree")
    assert caught.value.violations[0].field == "tree.nodes[1].bounds"


def test_a_tree_of_too_many_nodes_is_refused_before_it_is_read() -> None:
    message = tree_pb2.Tree(nodes=[tree_pb2.Node()] * (MAX_NODES + 1))
    with pytest.raises(TooLarge) as caught:
        decode_tree(message, "tree")
    assert caught.value.metadata == {"limit": "200000", "actual": "200001"}


def test_an_empty_tree_is_one() -> None:
    assert len(decode_tree(tree_pb2.Tree(), "tree")) == 0


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_digests_have_32_bytes(size: int) -> None:
    with pytest.raises(InvalidInput):
        decode_digest(b"x" * size, "full_digest")
    signatures = tree_pb2.Signatures(full=b"x" * 32, structure=b"x" * 32, content=b"x" * size)
    with pytest.raises(InvalidInput) as caught:
        decode_signatures(signatures, "signatures")
    assert caught.value.violations[0].field == "signatures.content"


def test_signatures_and_formats_come_back() -> None:
    signatures = sign(Tree([Node("form")], [-1]))
    assert decode_signatures(encode_signatures(signatures), "s") == signatures
    for form in (None, *Format, "outline"):
        value, name = encode_format(form)
        message = tree_pb2.NativeCapture(format=value, format_name=name)
        assert decode_format(message, "f") == form
        assert bool(name) == (form == "outline")
    assert len(tree_pb2.Format.values()) == len(Format) + 2


@pytest.mark.parametrize(
    ("form", "name", "field"),
    [
        (99, "", "native.format"),
        (tree_pb2.FORMAT_EXTENSION, "", "native.format_name"),
        (tree_pb2.FORMAT_EXTENSION, "Out line\n", "native.format_name"),
        (tree_pb2.FORMAT_EXTENSION, "o" * 41, "native.format_name"),
        (tree_pb2.FORMAT_CDP, "outline", "native.format_name"),
    ],
)
def test_a_format_that_is_none_is_refused_by_its_field(form: int, name: str, field: str) -> None:
    message = tree_pb2.NativeCapture(format=form, format_name=name)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput) as refused:
        decode_format(message, "native")
    assert [violation.field for violation in refused.value.violations] == [field]
