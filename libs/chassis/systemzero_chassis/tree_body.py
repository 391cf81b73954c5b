"""Normalised trees as they are stored: own tree JSON, compressed with Zstandard (RFC 8878)."""

from __future__ import annotations

import zstandard

from systemzero_core.formats import own
from systemzero_core.tree import Tree

_LEVEL = 3


def compress(tree: Tree) -> bytes:
    """The body under which `tree` is stored."""
    return pack(own.encode(tree))


def pack(document: bytes) -> bytes:
    """The body under which a tree is stored, of its own tree JSON."""
    return zstandard.ZstdCompressor(level=_LEVEL).compress(document)


def decompress(body: bytes) -> Tree:
    """The tree of a stored body."""
    return own.decode(document(body))


def document(body: bytes) -> bytes:
    """The own tree JSON of a stored body."""
    return zstandard.ZstdDecompressor().decompress(body)
