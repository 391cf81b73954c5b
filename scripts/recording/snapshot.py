"""DOM snapshots made small: only what joins boxes and attributes to an accessibility tree.

The compact shape is `{backendNodeId: {"tag", "attrs"?, "box"?: [x, y, width, height]}}`, boxes in
CSS pixels from the top left corner of the main document.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any

Box = tuple[float, float, float, float]
_NO_INDEX = -1


def compact(snapshot: dict[str, Any], wanted: Container[int]) -> dict[str, dict[str, Any]]:
    """The nodes of a `DOMSnapshot.captureSnapshot` whose backend node id is in `wanted`.

    Boxes inside frames are moved by their frame's own place, so that all share one origin.
    """
    found: dict[str, dict[str, Any]] = {}
    documents, strings = snapshot["documents"], snapshot["strings"]
    pending: list[tuple[int, float, float]] = [(0, 0.0, 0.0)]
    for number, left, top in pending:
        document = documents[number]
        boxes = _boxes(document, left, top)
        for node, entry in _entries(document, strings, boxes):
            if node in wanted:
                found[str(node)] = entry
        frames = document["nodes"].get("contentDocumentIndex", {"index": [], "value": []})
        borders = _borders(document)
        for owner, child in zip(frames["index"], frames["value"], strict=True):
            x, y, _, _ = boxes.get(owner, (left, top, 0.0, 0.0))
            scrolled = [documents[child].get(f"scrollOffset{axis}", 0) for axis in "XY"]
            edge = borders.get(owner, (0.0, 0.0))
            pending.append((child, x + edge[0] - scrolled[0], y + edge[1] - scrolled[1]))
    return found


def _boxes(document: dict[str, Any], left: float, top: float) -> dict[int, Box]:
    """The box of each node that is laid out; a node in several pieces has the first one's."""
    layout = document["layout"]
    boxes: dict[int, Box] = {}
    for index, (x, y, width, height) in zip(layout["nodeIndex"], layout["bounds"], strict=True):
        boxes.setdefault(index, (x + left, y + top, width, height))
    return boxes


def _borders(document: dict[str, Any]) -> dict[int, tuple[float, float]]:
    """Widths of left and top border of each node, where the snapshot has DOM rectangles."""
    layout = document["layout"]
    rectangles = layout.get("clientRects", ())
    return {i: (r[0], r[1]) for i, r in zip(layout["nodeIndex"], rectangles, strict=False) if r}


def _entries(
    document: dict[str, Any], strings: list[str], boxes: dict[int, Box]
) -> list[tuple[int, dict[str, Any]]]:
    nodes = document["nodes"]
    entries = []
    for index, backend_id in enumerate(nodes["backendNodeId"]):
        entry: dict[str, Any] = {"tag": strings[nodes["nodeName"][index]]}
        pairs = [strings[i] if i != _NO_INDEX else "" for i in nodes["attributes"][index]]
        if pairs:
            entry["attrs"] = dict(zip(pairs[::2], pairs[1::2], strict=True))
        if index in boxes:
            entry["box"] = [round(side, 1) for side in boxes[index]]
        entries.append((backend_id, entry))
    return entries
