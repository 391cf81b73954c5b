"""Which child frame belongs under which Iframe node.

An accessibility tree does not say: its Iframe is empty and the frame comes as a tree of its own. An
owner is known by, in this order: what the recorder says (`ownerBackendNodeId`) or the DOM
snapshot's frame ids, the address in the iframe's `src`, and, where as many frames as empty Iframes
are left, their order. A frame is never put anywhere on a guess. Linear in frames and nodes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urljoin

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
    node: AXNode
    address: str


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
    # Frames from one list share their nodes: each list is looked through once.
    answers = {id(frame.nodes): frame for frame in reversed(frames)}
    return [
        _Owner(node, _address(frame, node, dom))
        for frame in reversed(answers.values())
        for node in frame.nodes.values()
        if not node.ignored and not node.child_ids and node.role_name in OWNER_ROLES
    ]


def _address(frame: Frame, node: AXNode, dom: Dom | None) -> str:
    element = dom.elements.get(node.backend_id) if dom is not None else None
    source = element.attrs.get("src") if element is not None else None
    try:
        return urljoin(frame.url, source) if source else ""
    except ValueError:
        return ""


def _by_id(frames: list[Frame], dom: Dom | None, empty: list[_Owner]) -> dict[int, int]:
    by_backend = {o.node.backend_id: o for o in empty}
    joined: dict[int, int] = {}
    for number, frame in enumerate(frames[1:], 1):
        told = dom.owners.get(frame.root.frame_id or "", 0) if dom is not None else 0
        owner = by_backend.pop(frame.owner_backend_id or told, None)
        if owner is not None and owner.node.backend_id:
            joined[id(owner.node)] = number
    return joined


def _by_address(
    frames: list[Frame], waiting: list[int], empty: list[_Owner]
) -> Iterable[tuple[int, int]]:
    wanted: dict[str, list[int]] = defaultdict(list)
    for owner in empty:
        if owner.address:
            wanted[owner.address].append(id(owner.node))
    offered: dict[str, list[int]] = defaultdict(list)
    for number in waiting:
        offered[frames[number].url].append(number)
    for address, numbers in offered.items():
        if len(wanted.get(address, ())) == len(numbers):
            yield from zip(wanted[address], numbers, strict=True)


def _by_order(
    _frames: list[Frame], waiting: list[int], empty: list[_Owner]
) -> Iterable[tuple[int, int]]:
    if len(waiting) != len(empty):
        return ()
    return zip((id(o.node) for o in empty), waiting, strict=True)
