"""Which child frame belongs under which Iframe node.

An accessibility tree does not say: its Iframe is empty and the frame comes as a tree of its own. An
owner is known by, in this order: what the recorder says (`ownerBackendNodeId`) or the DOM
snapshot's frame ids, the address in the iframe's `src`, and, where as many frames as empty Iframes
are left in one frame, their order. A frame is never put anywhere on a guess. Linear.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from systemzero_core.formats._address import joined
from systemzero_core.formats._cdpdom import Dom
from systemzero_core.formats._cdpwire import AXNode

OWNER_ROLES = frozenset(("Iframe", "IframePresentational"))


class Frame(NamedTuple):
    """One frame: its answer's nodes by id, its root, its address, its recorded owner or 0."""

    nodes: dict[str, AXNode]
    root: AXNode
    url: str
    owner_backend_id: int


class _Owner(NamedTuple):
    """An Iframe without content: its node, the address it asks for, the number of its own frame."""

    node: AXNode
    address: str
    frame: int


_Joined = Iterable[tuple[int, int]]


def owners_of(frames: list[Frame], dom: Dom | None) -> dict[int, int]:
    """For each Iframe node with a known content, by `id()`: the number of the frame under it."""
    empty = _empty_owners(frames, dom)
    joined = _by_id(frames, dom, empty)
    for part in (_by_address, _by_order):
        taken = set(joined.values())
        waiting = [n for n in range(1, len(frames)) if n not in taken]
        joined.update(part(frames, waiting, [o for o in empty if id(o.node) not in joined]))
    return joined


def _empty_owners(frames: list[Frame], dom: Dom | None) -> list[_Owner]:
    seen: set[int] = set()
    return [
        _Owner(node, _address(frame, node, dom), number)
        for number, frame in enumerate(frames)
        for node in _in_document_order(frame, seen)
        if not node.ignored and not node.child_ids and node.role_name in OWNER_ROLES
    ]


def _in_document_order(frame: Frame, seen: set[int]) -> Iterator[AXNode]:
    """The nodes of a frame; what is no tree is not followed, the caller's own walk reports it."""
    stack = [frame.root.node_id]
    while stack:
        node = frame.nodes.get(stack.pop())
        if node is not None and id(node) not in seen:
            seen.add(id(node))
            stack.extend(node.child_ids[::-1])
            yield node


def _address(frame: Frame, node: AXNode, dom: Dom | None) -> str:
    element = dom.elements.get(node.backend_id) if dom is not None else None
    source = element.attrs.get("src") if element is not None else None
    return joined(frame.url, source) if source else ""


def _by_id(frames: list[Frame], dom: Dom | None, empty: list[_Owner]) -> dict[int, int]:
    by_backend: dict[int, list[int]] = defaultdict(list)
    for owner in empty:
        by_backend[owner.node.backend_id].append(id(owner.node))
    joined: dict[int, int] = {}
    for number, frame in enumerate(frames[1:], 1):
        told = dom.owners.get(frame.root.frame_id or "", 0) if dom is not None else 0
        backend_id = frame.owner_backend_id or told
        # The frames of other processes count their nodes anew: an id may stand for two.
        if backend_id and len(by_backend[backend_id]) == 1:
            joined.setdefault(by_backend[backend_id][0], number)
    return joined


def _by_address(frames: list[Frame], waiting: list[int], empty: list[_Owner]) -> _Joined:
    wanted: dict[str, list[_Owner]] = defaultdict(list)
    for owner in empty:
        if owner.address:
            wanted[owner.address].append(owner)
    offered: dict[str, list[int]] = defaultdict(list)
    for number in waiting:
        offered[frames[number].url].append(number)
    for address, numbers in offered.items():
        yield from _in_order(wanted[address], numbers)


def _by_order(_frames: list[Frame], waiting: list[int], empty: list[_Owner]) -> _Joined:
    return _in_order(empty, waiting)


def _in_order(owners: list[_Owner], numbers: list[int]) -> _Joined:
    """One by one, where the counts agree and the order is sure: owners in one and the same frame.

    With frames in frames it is not: some tools go deep first, others one level after the other.
    """
    if len(owners) != len(numbers) or len({owner.frame for owner in owners}) > 1:
        return ()
    return zip((id(owner.node) for owner in owners), numbers, strict=True)
