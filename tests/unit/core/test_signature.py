"""Signatures: equal digest exactly where equal tree, golden values, the documented layout."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systemzero_core.errors import InvalidInput
from systemzero_core.normalize import normalize
from systemzero_core.signature import Signatures, sign, subtree_hashes
from systemzero_core.tree import Bounds, Node, Tree
from tests.support.strategies import SIGNABLE, trees

SIGNABLE_TREES = trees(SIGNABLE, max_nodes=6)
SHAPES = trees(st.builds(Node, st.sampled_from("ab")), max_nodes=6)

LOGIN = Tree(
    [
        Node("document", "Log in", attributes=(("url", "/login"),), platform_role="RootWebArea"),
        Node("heading", "Grüß Gott", attributes=(("level", "1"),), bounds=Bounds(8, 8, 640, 40)),
        Node("form"),
        Node("textbox", "User", value='a"b\\c', states=("focusable", "required")),
        Node("button", "Log in", states=("disabled",), bounds=Bounds(-1, 90, 80, 24)),
    ],
    [-1, 0, 0, 2, 2],
)


# What docs/design/normal-form.md says, written down once more: slow, recursive, with json of the
# standard library instead of msgspec.


def canonical(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def documented_subtree_hash(tree: Tree, i: int) -> bytes:
    node = tree.nodes[i]
    fields = [
        node.role,
        node.name,
        node.value,
        list(node.states),
        None if node.bounds is None else list(node.bounds),
        [list(pair) for pair in node.attributes],
        node.platform_role,
    ]
    children = [documented_subtree_hash(tree, c) for c in tree.children[i]]
    return hashlib.sha256(b"systemzero/1/node\n" + canonical(fields) + b"".join(children)).digest()


def documented_signatures(tree: Tree) -> Signatures:
    structure: list[object] = []
    content: list[str] = []
    for i, node in enumerate(tree.nodes):
        structure += [node.role, len(tree.children[i])]
        if node.name or node.value:
            content += [node.name, node.value]
    empty = hashlib.sha256(b"systemzero/1/empty\n").digest()
    return Signatures(
        full=documented_subtree_hash(tree, 0) if len(tree) else empty,
        structure=hashlib.sha256(b"systemzero/1/structure\n" + canonical(structure)).digest(),
        content=hashlib.sha256(b"systemzero/1/content\n" + canonical(content)).digest(),
    )


@given(SIGNABLE_TREES)
def test_signatures_are_what_the_document_says(tree: Tree) -> None:
    assert sign(tree) == documented_signatures(tree)
    assert subtree_hashes(tree) == [documented_subtree_hash(tree, i) for i in range(len(tree))]


@given(SIGNABLE_TREES, SIGNABLE_TREES)
def test_full_digests_are_equal_exactly_for_equal_trees(a: Tree, b: Tree) -> None:
    assert (sign(a).full == sign(b).full) == (a == b)


@given(SHAPES, SHAPES)
def test_structure_digests_are_equal_exactly_for_equal_roles_and_hierarchy(
    a: Tree, b: Tree
) -> None:
    equal = [n.role for n in a.nodes] == [n.role for n in b.nodes] and a.parents == b.parents
    assert (sign(a).structure == sign(b).structure) == equal


@given(SIGNABLE_TREES)
def test_structure_does_not_see_texts_nor_content_roles(tree: Tree) -> None:
    roles_only = Tree([Node(node.role) for node in tree.nodes], tree.parents)
    assert sign(roles_only).structure == sign(tree).structure
    texts_only = [
        Node("text", node.name, node.value) for node in tree.nodes if node.name or node.value
    ]
    flat = Tree([Node("main"), *texts_only], [-1, *[0] * len(texts_only)])
    assert sign(flat).content == sign(tree).content


@pytest.mark.parametrize(
    "changed",
    [
        Node("link", "n", "v", ("s",), Bounds(1, 2, 3, 4), (("a", "b"),), "P"),
        Node("button", "nv", "", ("s",), Bounds(1, 2, 3, 4), (("a", "b"),), "P"),
        Node("button", "n", "w", ("s",), Bounds(1, 2, 3, 4), (("a", "b"),), "P"),
        Node("button", "n", "v", ("s", "t"), Bounds(1, 2, 3, 4), (("a", "b"),), "P"),
        Node("button", "n", "v", ("s",), None, (("a", "b"),), "P"),
        Node("button", "n", "v", ("s",), Bounds(1, 2, 3, 5), (("a", "b"),), "P"),
        Node("button", "n", "v", ("s",), Bounds(1, 2, 3, 4), (("a", ""), ("b", "")), "P"),
        Node("button", "n", "v", ("s",), Bounds(1, 2, 3, 4), (("a", "b"),), ""),
    ],
)
def test_every_field_is_in_the_full_digest(changed: Node) -> None:
    node = Node("button", "n", "v", ("s",), Bounds(1, 2, 3, 4), (("a", "b"),), "P")
    assert sign(Tree([node], [-1])).full != sign(Tree([changed], [-1])).full


def test_golden_digests_of_the_worked_example() -> None:
    assert [digest.hex() for digest in sign(LOGIN)] == GOLDEN_LOGIN
    assert [digest.hex() for digest in sign(Tree((), ()))] == GOLDEN_EMPTY


def test_golden_digests_of_a_normalised_tree() -> None:
    assert [digest.hex() for digest in sign(normalize(RAW))] == GOLDEN_NORMALISED


def test_a_lone_surrogate_is_refused_by_node() -> None:
    with pytest.raises(InvalidInput, match=r"nodes\[1\]"):
        sign(Tree([Node("main"), Node("text", "\ud800")], [-1, 0]))


def test_a_deep_tree_and_a_wide_one_are_signed() -> None:
    count = 10_000
    deep = Tree([Node("group", str(i)) for i in range(count)], range(-1, count - 1))
    wide = Tree(deep.nodes, [-1, *[0] * (count - 1)])
    assert sign(deep).content == sign(wide).content
    assert sign(deep).structure != sign(wide).structure
    assert sign(deep).full != sign(wide).full


RAW = Tree(
    [
        Node("RootWebArea", "Shop ", attributes=(("url", "http://127.0.0.1:5000/?t=1"),)),
        Node("generic"),
        Node("heading", "Tea\u00a0&  cake", attributes=(("id", ":r7:"), ("level", "2"))),
        Node("StaticText", "Tea & cake"),
        Node("image", "Cafe\u0301", bounds=Bounds(0, 10, 20, -1)),
        Node("com.shop.BuyButton", "Buy", states=("focused", "read-only")),
    ],
    [-1, 0, 1, 2, 1, 0],
)
GOLDEN_LOGIN = [
    "4fd75efc9c6a1586ea0ab54f02fa3bbda94d4e67ecf34a9a254e2bda1e121b10",
    "f64009b1a95f51278bdec4655f5f0ae9fa64627b51a846c51647d805e515dcfb",
    "99f0f570ea03024ee89e8a4893c48db971512b1fee3d7347019b4652ffe849f0",
]
GOLDEN_EMPTY = [
    "8593ad435208ce97a4506060adb583bd4c1ffb1e459689ea077cac66b3e8935f",
    "7675ac1f29bb972f9a179916b7f0a99bcc7c95624f72513875f0fc71c5f63592",
    "3d2bd7f89ec737e25a5150314d7c33ac6cfee6494019116793acbf18560bf0e2",
]
GOLDEN_NORMALISED = [
    "508f660b6db508141680c7f66ac3e8ddb862d9fa657ee8649f628de7fd1e3286",
    "c8ce9bdc173589a2c1ec4d0483c4bcaa8443ade10733d104e7748a9fc1560718",
    "9282e20e5ed6b26260f4992d12212690829d80e4e207d839c6122e5418f86666",
]
