"""CDP captures of any size for benchmarks, cut or grown from one recorded screen.

The seed is the recorded capture parcel-console 4.15.5 `2-operation` (1,190 nodes): real roles,
name sources, depths and texts. A capture is its first nodes in document order; past its end the
page goes on with further copies, each with texts of its own.

Invariants:
1. The same arguments give the same bytes, in every process.
2. `run` changes every node id, backend id and frame id and, without `edits`, nothing else: as with
   two captures by Chromium, the bytes differ and the trees are equal.
3. The count is exact, but for what `edits` removes or inserts.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from tests.support.captures import capture

MAX_NODES = 900_000
MAX_RUN = 299_999

_SEED = ("parcel-console", "4.15.5", "2-operation")
_MARK, _DIGITS = 700_000, 6  # a node's id is the mark, then its place in six digits
_FRAME = "F" * 32
_DROPPED, _LARGEST_DROPPED = 0.05, 150
_WORDS = ("amber", "basin", "cedar", "delta", "ember", "fjord", "grove", "haven", "islet", "knoll")


class CdpCapture(NamedTuple):
    """One capture as a client would send it.

    `ax` is the result of `Accessibility.getFullAXTree`, `dom` the compact DOM snapshot
    `{backendNodeId: {tag, attrs, box}}`, both JSON; `nodes` counts the CDP nodes in `ax`.
    """

    ax: bytes
    dom: bytes
    nodes: int


class _Row(NamedTuple):
    """A node of a page in document order: its CDP fields without ids, its place, its DOM entry."""

    node: dict[str, Any]
    parent: int
    dom: dict[str, Any] | None


def cdp_capture(nodes: int, *, run: int, edits: float = 0.0, screen: int = 0) -> CdpCapture:
    """A capture of `nodes` CDP nodes (about half of them survive normalisation).

    Args:
        nodes: size, 1 to `MAX_NODES`.
        run: 0 to `MAX_RUN`; each has ids of its own, and other edits.
        edits: as many edits as this share of `nodes`, against the same screen without edits:
            of five, three reword a text, one removes one, one inserts a button.
        screen: other numbers are other screens of the same application: the texts differ, and
            which parts of the page are there.
    """
    if not edits:
        ax, dom, count = _template(nodes, screen)
        return CdpCapture(_stamp(ax, run), _stamp(dom, run), count)
    source = random.Random(f"{run} {screen}")  # noqa: S311 - no secret
    rows = _edited(_page(nodes, screen), round(edits * nodes), source)
    return CdpCapture(_stamp(_ax(rows), run), _stamp(_dom(rows), run), len(rows))


def _stamp(template: bytes, run: int) -> bytes:
    """`template` with the ids of `run`; equal length, so that sizes compare."""
    ids = template.replace(str(_MARK).encode(), str(_MARK + run).encode())
    return ids.replace(_FRAME.encode(), f"{run:032X}".encode())


@lru_cache(maxsize=64)
def _template(nodes: int, screen: int) -> tuple[bytes, bytes, int]:
    rows = _page(nodes, screen)
    return _ax(rows), _dom(rows), len(rows)


def _id(place: int) -> int:
    return int(f"{_MARK}{place:0{_DIGITS}}")


def _ax(rows: list[_Row]) -> bytes:
    children: list[list[str]] = [[] for _ in rows]
    for place, row in enumerate(rows[1:], 1):
        children[row.parent].append(str(_id(place)))
    nodes = []
    for place, row in enumerate(rows):
        own = {"nodeId": str(_id(place)), **row.node, "childIds": children[place]}
        if place:
            own["parentId"] = str(_id(row.parent))
        nodes.append({**own, "backendDOMNodeId": _id(place)})
    return msgspec.json.encode({"nodes": nodes})


def _dom(rows: list[_Row]) -> bytes:
    entries = {str(_id(i)): row.dom for i, row in enumerate(rows) if row.dom is not None}
    return msgspec.json.encode(entries)


@lru_cache(maxsize=1)
def _seed() -> tuple[list[_Row], list[int]]:
    """The recorded page, each node once, and for each the size of its subtree."""
    recorded = capture(*_SEED)
    nodes = msgspec.json.decode(recorded.ax)["nodes"]
    dom = msgspec.json.decode(recorded.dom)
    by_id = {node["nodeId"]: node for node in reversed(nodes)}
    rows: list[_Row] = []
    pending = [(nodes[0]["nodeId"], -1)]
    while pending:
        node_id, parent = pending.pop()
        node = by_id[node_id]
        pending.extend((child, len(rows)) for child in reversed(node["childIds"]))
        rows.append(_Row(_bare(node), parent, dom.get(str(node.get("backendDOMNodeId")))))
    sizes = [1] * len(rows)
    for place in range(len(rows) - 1, 0, -1):
        sizes[rows[place].parent] += sizes[place]
    return rows, sizes


def _bare(node: dict[str, Any]) -> dict[str, Any]:
    """A node's fields without those that place it."""
    placing = ("nodeId", "parentId", "childIds", "backendDOMNodeId")
    bare = {key: value for key, value in node.items() if key not in placing}
    return {**bare, "frameId": _FRAME} if "frameId" in bare else bare


@lru_cache(maxsize=64)
def _page(count: int, screen: int) -> list[_Row]:
    """The first `count` nodes of screen `screen`, continued by copies where it is too short."""
    if not 1 <= count <= MAX_NODES:
        raise ValueError(f"{count} nodes: 1 to {MAX_NODES} are possible")
    root = _seed()[0][0]
    rows = [root._replace(node=_told_apart(root.node, 0, screen))]
    copy = 0
    while len(rows) < count:
        rows.extend(_copy(copy, screen, len(rows)))
        copy += 1
    return rows[:count]


def _copy(copy: int, screen: int, start: int) -> Iterator[_Row]:
    """What stands below the seed's root; the first row will be at place `start`."""
    seed, sizes = _seed()
    source = random.Random(screen)  # noqa: S311 - no secret
    places = {0: 0}
    for number, row in enumerate(seed[1:], 1):
        small = 1 < sizes[number] <= _LARGEST_DROPPED
        dropped = bool(screen) and small and source.random() < _DROPPED
        if row.parent in places and not dropped:
            places[number] = start + len(places) - 1
            yield _Row(_told_apart(row.node, copy, screen), places[row.parent], row.dom)


def _told_apart(node: dict[str, Any], copy: int, screen: int) -> dict[str, Any]:
    marks = [f"{_WORDS[screen % len(_WORDS)]} {screen}"] if screen else []
    marks += [f"part {copy}"] if copy else []
    text = node.get("name", {}).get("value")
    return _reworded(node, " ".join([text, *marks])) if text and marks else node


def _reworded(node: dict[str, Any], text: str) -> dict[str, Any]:
    return {**node, "name": {**node["name"], "value": text}}


def _edited(rows: list[_Row], edits: int, source: random.Random) -> list[_Row]:
    """The page after `edits` edits at texts that `source` picks."""
    texts = [i for i, row in enumerate(rows) if row.node["role"]["value"] == "StaticText"]
    chosen = source.sample(texts, min(edits, len(texts)))
    kinds = {place: order % 5 for order, place in enumerate(chosen)}
    words: dict[int, str] = {}
    moved = {-1: -1}
    edited: list[_Row] = []
    for place, row in enumerate(rows):
        kind = kinds.get(place)
        if row.parent not in moved or kind == 3:
            continue
        above, node = moved[row.parent], row.node
        if kind == 4:
            edited += _button(above, len(edited), f"{source.choice(_WORDS)} {len(edited)}")
        elif kind is not None:
            words[place] = f"{source.choice(_WORDS)} {source.randrange(10_000)}"
        if text := words.get(place, words.get(row.parent)):
            node = _reworded(node, text)  # of the text and of its line boxes alike
        moved[place] = len(edited)
        edited.append(_Row(node, above, row.dom))
    return edited


def _button(parent: int, place: int, text: str) -> list[_Row]:
    name = {"type": "computedString", "value": text}
    label = {"ignored": False, "role": {"type": "internalRole", "value": "StaticText"}}
    button = {"ignored": False, "role": {"type": "role", "value": "button"}, "name": name}
    box = {"tag": "BUTTON", "attrs": {"class": "btn"}, "box": [20, 20, 120, 32]}
    return [_Row(button, parent, box), _Row({**label, "name": name}, place, None)]
