"""Normalised trees as they are stored: own tree JSON, compressed with Zstandard (RFC 8878)."""

from __future__ import annotations

from typing import Any

import zstandard

from systemzero_core.formats import own
from systemzero_core.tree import Tree

_LEVEL = 3


class StoredTree(Tree):
    """A tree as it is stored, which is read when somebody looks at its nodes.

    Attributes:
        body: the stored body.
        signatures: its digests, full, structure and content, where they are known.
    """

    __slots__ = ("body", "signatures")

    def __init__(self, body: bytes, signatures: tuple[bytes, bytes, bytes] | None = None) -> None:
        self.body = body
        self.signatures = signatures

    def __getattr__(self, name: str) -> Any:
        if name not in ("nodes", "parents"):
            raise AttributeError(name)
        read = decompress(self.body)
        self.nodes, self.parents = read.nodes, read.parents
        return getattr(self, name)


def compress(tree: Tree) -> bytes:
    """The body under which `tree` is stored."""
    return tree.body if isinstance(tree, StoredTree) else pack(own.encode(tree))


def encoded(tree: Tree) -> bytes:
    """The own tree JSON of `tree`."""
    return document(tree.body) if isinstance(tree, StoredTree) else own.encode(tree)


def pack(document: bytes) -> bytes:
    """The body under which a tree is stored, of its own tree JSON."""
    return zstandard.ZstdCompressor(level=_LEVEL).compress(document)


def decompress(body: bytes) -> Tree:
    """The tree of a stored body."""
    return own.decode(document(body))


def document(body: bytes) -> bytes:
    """The own tree JSON of a stored body."""
    return zstandard.ZstdDecompressor().decompress(body)
