"""Small trees, templates and judgements for the tests of templates and drift."""

from __future__ import annotations

from hypothesis import strategies as st

from systemzero_core.diff import diff
from systemzero_core.drift import Judgement, judge
from systemzero_core.template import Policy, Rule, Template
from systemzero_core.tree import Node, Tree, TreeBuilder


class Item:
    """A node with its children, to be written inline."""

    def __init__(self, node: Node, children: tuple[Item, ...]) -> None:
        self.node = node
        self.children = children


def item(role: str, name: str = "", *children: Item, **fields: object) -> Item:
    return Item(Node(role, name, **fields), children)  # type: ignore[arg-type]


def tree(*items: Item) -> Tree:
    """The items below a document."""
    builder = TreeBuilder()
    builder.open(Node("document", "Shop"))

    def put(one: Item) -> None:
        builder.open(one.node)
        for child in one.children:
            put(child)
        builder.close()

    for one in items:
        put(one)
    return builder.build()


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


def template(baseline: Tree, *rules: Rule, **fields: object) -> Template:
    return Template(
        template_id="tpl_1",
        screen_id="checkout",
        tree=baseline,
        policy=Policy(rules=rules),
        **fields,  # type: ignore[arg-type]
    )


def judged(one: Template, capture: Tree) -> Judgement:
    assert one.tree is not None
    return judge(one, capture, diff(one.tree, capture))


def sentences(judgement: Judgement) -> list[str]:
    return [edit.edit.sentence for edit in judgement.edits]


def codes(judgement: Judgement) -> set[str]:
    return {finding.code for finding in judgement.findings}


def swapped(one: Tree, index: int, node: Node) -> Tree:
    """`one` with another node in the place of node `index`."""
    return Tree((*one.nodes[:index], node, *one.nodes[index + 1 :]), one.parents)


PATTERN_WORDS = st.sampled_from(("Pay", "3", "7.5 ms", "{", "}", "€9", "2026-11-22", " ", "é", ""))
TEXTS = st.lists(PATTERN_WORDS, max_size=4).map("".join)
