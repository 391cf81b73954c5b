"""DOM snapshots made small: only what joins boxes and attributes to an accessibility tree.

The compact shape is `{backendNodeId: {"tag", "attrs"?, "box"?: [x, y, width, height]}}`, boxes in
CSS pixels from the top left corner of their own document, as Chromium gives them: what stands in
a frame is placed within that frame.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any

_NO_STRING = -1


def compact(snapshot: dict[str, Any], wanted: Container[int]) -> dict[str, dict[str, Any]]:
    """The nodes of a `DOMSnapshot.captureSnapshot` whose backend node id is in `wanted`."""
    return {
        str(backend_id): entry
        for document in snapshot["documents"]
        for backend_id, entry in _entries(document, snapshot["strings"])
        if backend_id in wanted
    }


def _entries(document: dict[str, Any], strings: list[str]) -> list[tuple[int, dict[str, Any]]]:
    nodes, layout = document["nodes"], document["layout"]
    placed = zip(layout["nodeIndex"], layout["bounds"], strict=True)
    boxes = dict(reversed(list(placed)))  # of a node in several pieces, the first one
    entries = []
    for index, backend_id in enumerate(nodes["backendNodeId"]):
        entry: dict[str, Any] = {"tag": strings[nodes["nodeName"][index]]}
        pairs = [strings[i] if i != _NO_STRING else "" for i in nodes["attributes"][index]]
        if pairs:
            entry["attrs"] = dict(zip(pairs[::2], pairs[1::2], strict=True))
        if index in boxes:
            entry["box"] = [round(side, 1) for side in boxes[index]]
        entries.append((backend_id, entry))
    return entries
