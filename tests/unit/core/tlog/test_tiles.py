"""Tiles: the paths and widths of the specification, and the tree that they make up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systemzero_core.tlog import (
    CompactRange,
    LogVerificationError,
    TileTree,
    hash_leaf,
    hashes_of,
    partial_paths,
    unbundled,
)
from systemzero_core.tlog.tiles import WIDTH, bundled, tile_path


def leaf(n: int) -> bytes:
    return b"leaf %d\n" % n


def grown(tree: TileTree, count: int) -> dict[str, bytes]:
    """The tree with so many leaves more, and every file there is then."""
    files: dict[str, bytes] = {}
    for n in range(tree.size, tree.size + count):
        files.update(tree.push(leaf(n)))
    return {**files, **dict(tree.partial_tiles())}


def test_paths_are_those_of_the_specification() -> None:
    assert tile_path(0, 1234067) == "tile/0/x001/x234/067"
    assert tile_path(2, 0, 17) == "tile/2/000.p/17"


def test_seventy_thousand_leaves_have_the_tiles_of_the_specification() -> None:
    files = grown(TileTree(), 70_000)
    full = {
        level: sum(p.startswith(f"tile/{level}/") and ".p" not in p for p in files)
        for level in range(3)
    }
    assert full == {0: 273, 1: 1, 2: 0}
    partial = {path: len(data) // 32 for path, data in files.items() if ".p/" in path}
    assert partial.pop("tile/entries/273.p/112")
    assert partial == {"tile/0/273.p/112": 112, "tile/1/001.p/17": 17, "tile/2/000.p/1": 1}
    assert len(unbundled(files["tile/entries/272"])) == WIDTH


def test_a_full_tile_is_a_partial_one_of_the_level_above() -> None:
    files = grown(TileTree(), 256)
    assert set(files) == {"tile/0/000", "tile/entries/000", "tile/1/000.p/1"}
    tree = CompactRange()
    for digest in hashes_of(files["tile/0/000"]):
        tree.push(digest)
    assert files["tile/1/000.p/1"] == tree.root()


@given(st.integers(0, 1500), st.integers(0, 600))
def test_a_tree_goes_on_from_its_partial_tiles(size: int, more: int) -> None:
    files = grown(TileTree(), size)
    paths, entries = partial_paths(size)
    levels = [hashes_of(files[path]) if path else [] for path in paths]
    tree = TileTree(size, levels, unbundled(files[entries]) if entries else [])
    expected = CompactRange()
    for n in range(size):
        expected.push(hash_leaf(leaf(n)))
    assert tree.compact().root() == expected.root()
    later = {**files, **grown(tree, more)}
    assert later.items() >= grown(TileTree(), size + more).items()


@given(st.lists(st.binary(max_size=40)))
def test_a_bundle_survives_the_way(leaves: list[bytes]) -> None:
    assert unbundled(bundled(leaves)) == leaves


@pytest.mark.parametrize("data", [b"\x00", b"\x00\x02a", b"\x00\x01ab"])
def test_a_bundle_that_is_cut_off_is_refused(data: bytes) -> None:
    with pytest.raises(LogVerificationError):
        unbundled(data)
    with pytest.raises(LogVerificationError):
        hashes_of(b"\x00" * 33)
