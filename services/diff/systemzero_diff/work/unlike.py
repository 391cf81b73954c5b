"""How unlike two trees are, by a look that takes about a microsecond a node.

It is what a diff costs: nodes that correspond take next to nothing, each of the others some tenths
of a millisecond, and in deep trees, whose nodes are looked for at many levels, most of all.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from systemzero_core.tree import Tree

COMPARED: Final = 16
"""Trees that are unlike take so many times as long to be compared as to be read, or more."""


def unlike(a: Tree, b: Tree) -> int:
    """The nodes of both to which none of the other's corresponds at a glance.

    That is where neither the way from the root nor the subtree is among the other tree's: a change
    of the root's name is one node of each, and so is one of a leaf's.
    """
    of_a, of_b = _marks(a), _marks(b)
    return _missing(of_a, of_b) + _missing(of_b, of_a)


_Marks = tuple[list[int], list[int]]


def _marks(tree: Tree) -> _Marks:
    """Of each node what stands for its way from the root, and for its subtree."""
    ways: list[int] = []
    subtrees = [hash(node) for node in tree.nodes]
    for mark, parent in zip(subtrees, tree.parents, strict=True):
        ways.append(hash((ways[parent] if parent >= 0 else 0, mark)))
    for i in range(len(subtrees) - 1, 0, -1):  # a node's descendants stand behind it
        parent = tree.parents[i]
        subtrees[parent] = hash((subtrees[parent], subtrees[i]))
    return ways, subtrees


def _missing(these: _Marks, others: _Marks) -> int:
    ways, subtrees = Counter(others[0]), Counter(others[1])
    missing = 0
    for way, subtree in zip(*these, strict=True):
        if ways[way]:
            ways[way] -= 1
        elif subtrees[subtree]:
            subtrees[subtree] -= 1
        else:
            missing += 1
    return missing
