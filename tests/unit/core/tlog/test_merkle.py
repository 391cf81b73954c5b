"""The Merkle tree: published vectors, the RFC's recursive definition, and pymerkle."""

from __future__ import annotations

from collections.abc import Sequence

import pymerkle  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from systemzero_core.tlog import (
    EMPTY_ROOT,
    CompactRange,
    LogVerificationError,
    NodeId,
    consistency_proof,
    grow,
    hash_children,
    hash_leaf,
    inclusion_proof,
    left_edge,
    root_hash,
    siblings,
    verify_consistency,
    verify_inclusion,
)

# The vectors of the certificate-transparency project, used by every RFC 6962 implementation.
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


class MemoryTree:
    """A `HashReader` over a dictionary, which counts what is read."""

    def __init__(self, leaves: Sequence[bytes] = ()) -> None:
        self.size = 0
        self.nodes: dict[NodeId, bytes] = {}
        self.read = 0
        for leaf in leaves:
            self.append(hash_leaf(leaf))

    def append(self, leaf_hash: bytes) -> None:
        for level, digest in enumerate(grow(leaf_hash, self.read_hashes(siblings(self.size)))):
            self.nodes[NodeId(level, self.size >> level)] = digest
        self.size += 1

    def read_hashes(self, nodes: Sequence[NodeId]) -> list[bytes]:
        self.read += len(nodes)
        return [self.nodes[node] for node in nodes]


# RFC 9162, 2.1.1, 2.1.3.1 and 2.1.4.1, word for word.
def _k(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def _mth(d: Sequence[bytes]) -> bytes:
    if not d:
        return EMPTY_ROOT
    if len(d) == 1:
        return hash_leaf(d[0])
    return hash_children(_mth(d[: _k(len(d))]), _mth(d[_k(len(d)) :]))


def _path(m: int, d: Sequence[bytes]) -> list[bytes]:
    if len(d) == 1:
        return []
    k = _k(len(d))
    if m < k:
        return [*_path(m, d[:k]), _mth(d[k:])]
    return [*_path(m - k, d[k:]), _mth(d[:k])]


def _subproof(m: int, d: Sequence[bytes], whole: bool) -> list[bytes]:
    if m == len(d):
        return [] if whole else [_mth(d)]
    k = _k(len(d))
    if m <= k:
        return [*_subproof(m, d[:k], whole), _mth(d[k:])]
    return [*_subproof(m - k, d[k:], False), _mth(d[:k])]


def _leaves(count: int) -> list[bytes]:
    return [i.to_bytes(4, "big") for i in range(count)]


def test_published_roots() -> None:
    tree, stream = MemoryTree(LEAVES), CompactRange()
    for size, root in enumerate(ROOTS):
        assert root_hash(size, tree).hex() == root
        assert stream.root().hex() == root
        if size < len(LEAVES):
            stream.push(hash_leaf(LEAVES[size]))


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_published_inclusion_proofs(index: int, size: int) -> None:
    proof = inclusion_proof(index, size, MemoryTree(LEAVES))
    assert [digest.hex() for digest in proof] == INCLUSION[index, size]
    verify_inclusion(hash_leaf(LEAVES[index]), index, size, proof, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_published_consistency_proofs(old: int, new: int) -> None:
    proof = consistency_proof(old, new, MemoryTree(LEAVES))
    assert [digest.hex() for digest in proof] == CONSISTENCY[old, new]
    old_root, new_root = bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[new])
    verify_consistency(old, old_root, new, new_root, proof)


def test_agrees_with_the_recursive_definition() -> None:
    leaves = _leaves(70)
    tree = MemoryTree(leaves)
    for size in range(71):
        assert root_hash(size, tree) == _mth(leaves[:size])
        for index in range(size):
            assert inclusion_proof(index, size, tree) == _path(index, leaves[:size])
            if index:
                expected = _subproof(index, leaves[:size], True)
                assert consistency_proof(index, size, tree) == expected


def test_agrees_with_pymerkle() -> None:
    theirs = pymerkle.InmemoryTree(algorithm="sha256")
    leaves = _leaves(41)
    for leaf in leaves:
        theirs.append_entry(leaf)
    ours = MemoryTree(leaves)
    for size in range(1, 42):
        assert root_hash(size, ours) == theirs.get_root(size)
    for index in range(41):
        proof = theirs.prove_inclusion(index + 1, 41)
        assert proof.path == [hash_leaf(leaves[index]), *inclusion_proof(index, 41, ours)]
    for old in range(1, 41):
        proof = theirs.prove_consistency(old, 41)
        pymerkle.verify_consistency(root_hash(old, ours), root_hash(41, ours), proof)
        # its proofs are cut differently from the RFC's: each must hold for the other's roots
        path = consistency_proof(old, 41, ours)
        verify_consistency(old, theirs.get_root(old), 41, theirs.get_root(41), path)


def test_reads_few_nodes_at_a_million() -> None:
    class AnyTree(MemoryTree):
        def read_hashes(self, nodes: Sequence[NodeId]) -> list[bytes]:
            self.read += len(nodes)
            return [hash_leaf(repr(node).encode()) for node in nodes]

    size = 1_000_003
    for index in (0, 1, 524_287, 524_288, 999_999, size - 1):
        tree = AnyTree()
        assert len(inclusion_proof(index, size, tree)) <= 20
        assert tree.read <= 40
    tree = AnyTree()
    consistency_proof(777_777, size, tree)
    assert tree.read <= 40


def test_a_compact_range_continues_a_tree() -> None:
    leaves = _leaves(40)
    tree = MemoryTree(leaves)
    for start in range(40):
        stream = CompactRange(start, tree.read_hashes(left_edge(start)))
        for leaf in leaves[start:]:
            stream.push(hash_leaf(leaf))
        assert stream.root() == root_hash(40, tree)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_no_other_inclusion_proof_is_accepted(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 64))
    index = data.draw(st.integers(0, size - 1))
    leaves = _leaves(size)
    tree = MemoryTree(leaves)
    proof, root, leaf = inclusion_proof(index, size, tree), root_hash(size, tree), leaves[index]
    verify_inclusion(hash_leaf(leaf), index, size, proof, root)
    for wrong in _mutations(proof, data):
        with pytest.raises(LogVerificationError):
            verify_inclusion(hash_leaf(leaf), index, size, wrong, root)
    with pytest.raises(LogVerificationError):
        verify_inclusion(hash_leaf(leaf + b"!"), index, size, proof, root)
    other = data.draw(st.integers(-1, 70).filter(lambda i: i != index))
    with pytest.raises(LogVerificationError):
        verify_inclusion(hash_leaf(leaf), other, size, proof, root)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_no_other_consistency_proof_is_accepted(data: st.DataObject) -> None:
    new = data.draw(st.integers(1, 64))
    old = data.draw(st.integers(1, new))
    tree = MemoryTree(_leaves(new))
    proof = consistency_proof(old, new, tree)
    roots = root_hash(old, tree), root_hash(new, tree)
    verify_consistency(old, roots[0], new, roots[1], proof)
    for wrong in _mutations(proof, data):
        with pytest.raises(LogVerificationError):
            verify_consistency(old, roots[0], new, roots[1], wrong)
    with pytest.raises(LogVerificationError):
        verify_consistency(old, bytes(32), new, roots[1], proof)
    with pytest.raises(LogVerificationError):
        verify_consistency(old, roots[0], new, bytes(32), proof)


def _mutations(proof: list[bytes], data: st.DataObject) -> list[list[bytes]]:
    wrong = [[*proof, bytes(32)], [bytes(32), *proof], [*proof, b"short"]]
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        bit = 1 << data.draw(st.integers(0, 255))
        flipped = (int.from_bytes(proof[at], "big") ^ bit).to_bytes(32, "big")
        wrong += [proof[:at] + proof[at + 1 :], [*proof[:at], flipped, *proof[at + 1 :]]]
    return wrong


def test_a_proof_of_the_wrong_length_says_so() -> None:
    tree = MemoryTree(LEAVES)
    roots = [root_hash(size, tree) for size in range(9)]
    inclusion, leaf = inclusion_proof(5, 8, tree), hash_leaf(LEAVES[5])
    consistency = consistency_proof(6, 8, tree)
    for extra, message in (([bytes(32)], "too long"), ([], "too short")):
        cut = None if extra else -1
        with pytest.raises(LogVerificationError, match=message):
            verify_inclusion(leaf, 5, 8, [*inclusion[:cut], *extra], roots[8])
        with pytest.raises(LogVerificationError, match=message):
            verify_consistency(6, roots[6], 8, roots[8], [*consistency[:cut], *extra])
    with pytest.raises(LogVerificationError, match="too short"):
        verify_consistency(6, roots[6], 8, roots[8], [])
    with pytest.raises(LogVerificationError, match="no leaf 8"):
        verify_inclusion(leaf, 8, 8, inclusion, roots[8])


def test_an_empty_log_is_extended_by_every_log() -> None:
    tree = MemoryTree(LEAVES)
    verify_consistency(0, EMPTY_ROOT, 8, root_hash(8, tree), [])
    with pytest.raises(LogVerificationError):
        verify_consistency(0, bytes(32), 8, root_hash(8, tree), [])
    with pytest.raises(LogVerificationError):
        verify_consistency(0, EMPTY_ROOT, 8, root_hash(8, tree), [bytes(32)])


@pytest.mark.parametrize(("old", "new"), [(9, 8), (-1, 8)])
def test_a_log_cannot_extend_a_longer_one(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="does not extend"):
        consistency_proof(old, new, MemoryTree(LEAVES))
    with pytest.raises(LogVerificationError):
        verify_consistency(old, bytes(32), new, bytes(32), [])


@pytest.mark.parametrize("index", [-1, 8])
def test_no_proof_for_a_leaf_that_is_not_there(index: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        inclusion_proof(index, 8, MemoryTree(LEAVES))
