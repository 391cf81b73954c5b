"""C2SP tlog-tiles (c2sp.org/tlog-tiles): a log as static files, from which anybody makes proofs.

    checkpoint                      the signed note
    tile/LEVEL/INDEX[.p/WIDTH]      256 hashes of 256**LEVEL leaves each; WIDTH where the log ends
    tile/entries/INDEX[.p/WIDTH]    as many leaves, each after its length (two bytes, big-endian)

Invariants:
1. A full tile never changes. A partial one holds what the full one will begin with.
2. What is written here for a log of some size is all that a reader of that size may ask for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from systemzero_core.tlog.compact import CompactRange
from systemzero_core.tlog.errors import LogVerificationError
from systemzero_core.tlog.merkle import HASH_BYTES, hash_leaf

WIDTH: Final = 256
"""Hashes, and entries, of a full tile."""
CHECKPOINT_PATH: Final = "checkpoint"

_LENGTH_BYTES: Final = 2


class TileFile(NamedTuple):
    """One file: its path below the log's prefix, and what is in it."""

    path: str
    data: bytes


def tile_path(level: int, index: int, width: int = WIDTH) -> str:
    """The path of a tile of hashes."""
    return _path(f"tile/{level}", index, width)


def entries_path(index: int, width: int = WIDTH) -> str:
    """The path of a bundle of entries."""
    return _path("tile/entries", index, width)


def _path(start: str, index: int, width: int) -> str:
    """`start/x001/x234/067`, and `.p/WIDTH` for a partial tile."""
    parts = [f"{index % 1000:03}"]
    while index := index // 1000:
        parts.append(f"x{index % 1000:03}")
    partial = "" if width == WIDTH else f".p/{width}"
    return "/".join([start, *reversed(parts)]) + partial


class TileTree:
    """The right border of a log in tiles, which grows leaf by leaf.

    Memory is O(log n): the tiles that are not full yet, one a level.
    """

    def __init__(
        self,
        size: int = 0,
        levels: Sequence[Sequence[bytes]] = (),
        leaves: Sequence[bytes] = (),
    ) -> None:
        """An empty log, or one of `size` leaves, by its partial tiles.

        Args:
            size: number of leaves.
            levels: the hashes of the partial tile of each level; none where `partial_paths` has no
                path.
            leaves: those of the partial bundle of entries.
        """
        self.size = size
        self._levels = [list(hashes) for hashes in levels]
        self._leaves = list(leaves)

    def push(self, leaf: bytes) -> Iterator[TileFile]:
        """Append a leaf; the full tiles that it completes."""
        self.size += 1
        self._leaves.append(leaf)
        if len(self._leaves) == WIDTH:
            yield TileFile(entries_path(self.size // WIDTH - 1), bundled(self._leaves))
            self._leaves.clear()
        yield from self._add(0, hash_leaf(leaf))

    def _add(self, level: int, digest: bytes) -> Iterator[TileFile]:
        if level == len(self._levels):
            self._levels.append([])
        hashes = self._levels[level]
        hashes.append(digest)
        if len(hashes) == WIDTH:
            index = self.size // WIDTH ** (level + 1) - 1
            yield TileFile(tile_path(level, index), b"".join(hashes))
            full = _compact(hashes).root()
            hashes.clear()
            yield from self._add(level + 1, full)

    def partial_tiles(self) -> Iterator[TileFile]:
        """The partial tiles of the log as it stands."""
        if self._leaves:
            path = entries_path(self.size // WIDTH, len(self._leaves))
            yield TileFile(path, bundled(self._leaves))
        for level, hashes in enumerate(self._levels):
            if hashes:
                index = self.size // WIDTH ** (level + 1)
                yield TileFile(tile_path(level, index, len(hashes)), b"".join(hashes))

    def compact(self) -> CompactRange:
        """The tree of all leaves so far, to go on from or to take the root hash of."""
        edge = [digest for hashes in reversed(self._levels) for digest in _compact(hashes).edge()]
        return CompactRange(self.size, edge)


def partial_paths(size: int) -> tuple[list[str | None], str | None]:
    """The partial tiles of a log of `size` leaves, by level, and its partial bundle of entries.

    None stands where there is none.
    """
    paths: list[str | None] = []
    level = 0
    while size >= WIDTH**level:
        width = size // WIDTH**level % WIDTH
        index = size // WIDTH ** (level + 1)
        paths.append(tile_path(level, index, width) if width else None)
        level += 1
    width = size % WIDTH
    return paths, entries_path(size // WIDTH, width) if width else None


def bundled(leaves: Sequence[bytes]) -> bytes:
    """A bundle of entries."""
    return b"".join(len(leaf).to_bytes(_LENGTH_BYTES, "big") + leaf for leaf in leaves)


def unbundled(data: bytes) -> list[bytes]:
    """The leaves in a bundle of entries.

    Raises:
        LogVerificationError: it is cut off.
    """
    leaves, at = [], 0
    while at < len(data):
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(data[at:start], "big")
        if at > len(data):
            raise LogVerificationError("a bundle of entries is cut off")
        leaves.append(data[start:at])
    return leaves


def hashes_of(tile: bytes) -> list[bytes]:
    """The hashes in a tile.

    Raises:
        LogVerificationError: it is cut off.
    """
    if len(tile) % HASH_BYTES:
        raise LogVerificationError("a tile is cut off")
    return [tile[at : at + HASH_BYTES] for at in range(0, len(tile), HASH_BYTES)]


def _compact(hashes: Sequence[bytes]) -> CompactRange:
    tree = CompactRange()
    for digest in hashes:
        tree.push(digest)
    return tree
