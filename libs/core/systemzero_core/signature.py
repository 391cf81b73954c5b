"""Signatures: a Merkle hash for every subtree, and three digests for a tree.

The byte layout is written down in `docs/design/normal-form.md`. A node's own bytes are the JSON
array of its fields as RFC 8785 (JSON Canonicalization Scheme) prints it: it delimits itself and
every language has it, where a hand-made length-prefixed layout would have to be rebuilt.

Invariants:
1. `sign(a).full == sign(b).full` exactly where `a == b` (up to SHA-256 collisions); the same holds
   for `subtree_hashes` and subtrees.
2. `structure` depends on roles and on who is whose child, on nothing else; two trees that differ
   there differ in it.
3. `content` depends on the names and values in document order, on nothing else.
4. `sign(t).full == subtree_hashes(t)[0]` for every tree with a node.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from systemzero_core.errors import InvalidInput
from systemzero_core.tree import Tree

SIGNATURE_VERSION: Final = 1
"""The number in every prefix below; raised with every change of the layout."""

_NODE: Final = b"systemzero/1/node\n"
_EMPTY: Final = b"systemzero/1/empty\n"
_STRUCTURE: Final = b"systemzero/1/structure\n"
_CONTENT: Final = b"systemzero/1/content\n"

_encode = msgspec.json.Encoder().encode


class Signatures(NamedTuple):
    """The three digests of a tree, 32 bytes each (SHA-256)."""

    full: bytes
    structure: bytes
    content: bytes


def sign(tree: Tree) -> Signatures:
    """The three digests of `tree`, which is meant to be in normal form.

    Raises:
        InvalidInput: a string holds a lone surrogate (normalisation replaces them).
    """
    hashes = subtree_hashes(tree)
    return Signatures(
        full=hashes[0] if hashes else hashlib.sha256(_EMPTY).digest(),
        structure=_digest(_STRUCTURE, structure_items(tree)),
        content=_digest(_CONTENT, content_items(tree)),
    )


def subtree_hashes(tree: Tree) -> list[bytes]:
    """For each node, the digest of the subtree below and with it: equal digest, equal subtree.

    Raises:
        InvalidInput: as `sign` does.
    """
    nodes, parents = tree.nodes, tree.parents
    sha256, fields, encode, prefix = hashlib.sha256, msgspec.structs.astuple, _encode, _NODE
    hashes = [b""] * len(nodes)
    below: dict[int, list[bytes]] = {}  # hashes of the children so far, the last child's first
    try:
        for i in range(len(nodes) - 1, -1, -1):
            own = prefix + encode(fields(nodes[i]))
            children = below.pop(i, None)
            if children is not None:
                children.reverse()
                own += b"".join(children)
            hashes[i] = digest = sha256(own).digest()
            siblings = below.get(parents[i])
            if siblings is None:
                below[parents[i]] = [digest]
            else:
                siblings.append(digest)
    except UnicodeEncodeError:
        raise _unencodable(tree) from None
    return hashes


def structure_items(tree: Tree) -> list[str | int]:
    """What the structure digest covers: for each node its role and its number of children."""
    items: list[str | int] = [0] * (2 * len(tree.nodes))
    items[::2] = [node.role for node in tree.nodes]
    for parent in tree.parents[1:]:
        items[2 * parent + 1] += 1  # type: ignore[operator]  # odd places hold the counts
    return items


def content_items(tree: Tree) -> list[str]:
    """What the content digest covers: name and value of each node that has either."""
    items: list[str] = []
    for node in tree.nodes:
        if node.name or node.value:
            items += (node.name, node.value)
    return items


def _digest(prefix: bytes, items: Sequence[str | int]) -> bytes:
    return hashlib.sha256(prefix + _encode(items)).digest()


def _unencodable(tree: Tree) -> InvalidInput:
    for i, node in enumerate(tree.nodes):
        try:
            _encode(msgspec.structs.astuple(node))
        except UnicodeEncodeError:
            return InvalidInput.at(f"nodes[{i}]", "a text holds a lone surrogate")
    raise AssertionError("every node can be encoded")
