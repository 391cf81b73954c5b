"""What costs most to work on: the trees, templates and streams that neighbours are attacked with.

Sizes and salts are arguments, so that a test takes hundreds where a benchmark takes 199,000. The
same arguments give the same messages.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from systemzero.tree.v1 import tree_pb2

LONGEST_CHAIN: Final = 199_000
"""Nodes of the largest chain that passes as a tree."""
_NAMES: Final = 977


def chain(nodes: int, salt: int) -> tree_pb2.Tree:
    """Every node the only child of the one before: paths as long as the tree is deep."""
    return _tree(
        tree_pb2.Node(
            role="group" if index % 2 else "list", name=f"{(index + salt) % _NAMES:x}", parent=index
        )
        for index in range(nodes)
    )


def wide(nodes: int, salt: int) -> tree_pb2.Tree:
    """Every node a child of the first, with texts that other salts have in other places."""
    return _tree(
        tree_pb2.Node(role="button", name=f"{(index * 7919 + salt) % 100_003:x}", parent=0)
        for index in range(nodes)
    )


def comb(nodes: int, salt: int) -> tree_pb2.Tree:
    """Groups of two texts each, all of them alike and none the same."""
    tree = _tree(())
    for index in range(nodes // 3):
        group = len(tree.nodes)
        tree.nodes.add(role="group", parent=0)
        tree.nodes.add(role="text", name=f"{(index * 31 + salt) % 509:x}", parent=group)
        tree.nodes.add(role="text", name=f"{(index * 17 + salt) % 257:x}", parent=group)
    return tree


def page(nodes: int, salt: str, lines: int = 1) -> tree_pb2.Tree:
    """An ordinary screen of texts; `salt` stands in some of its `lines`."""
    salted = range(3, 3 + lines)
    return _tree(
        tree_pb2.Node(
            role="text",
            name=f"line {index} of an ordinary page" + f" {salt}" * (index in salted),
            parent=0,
        )
        for index in range(nodes - 1)
    )


def below_a_chain(nodes: int, depth: int, changed: str = "") -> tree_pb2.Tree:
    """Texts of numbers at the end of a chain of groups; each ends with `changed`."""
    groups = (tree_pb2.Node(role="group", name="g", parent=index) for index in range(depth))
    texts = (
        tree_pb2.Node(role="text", name=_numbers(index) + changed, parent=depth)
        for index in range(depth, nodes)
    )
    return _tree((*groups, *texts))


def many_rules(screen: str, rules: int, under: int, nodes: int, depth: int) -> bytes:
    """The YAML of a template of `below_a_chain` whose every rule asks for `under` ancestors."""
    above = ", ".join(["{role: group, name: '{any}g{any}'}"] * under)
    lines = [f"screen_id: {screen}", "policy:", "  rules:"]
    for number in range(rules):
        name = f"{{any}}{{number}}{{any}}{{money}}{{any}}{{date}}{{any}}z{number}"
        lines.append(f"  - select: {{role: text, name: '{name}', under: [{above}]}}")
        lines.append("    level: ignore")
    lines += ["tree:", "- {depth: 0, role: document, name: S}"]
    lines += [f"- {{depth: {index + 1}, role: group, name: g}}" for index in range(depth)]
    lines += [
        f"- {{depth: {depth + 1}, role: text, name: '{_numbers(index)}'}}"
        for index in range(depth, nodes)
    ]
    return "\n".join(lines).encode()


def _numbers(index: int) -> str:
    return f"t {index} 1,2,3,4 {'9,' * 60}"


def _tree(nodes: Iterable[tree_pb2.Node]) -> tree_pb2.Tree:
    root = tree_pb2.Node(role="document", name="S", parent=-1)
    return tree_pb2.Tree(nodes=[root, *nodes])
