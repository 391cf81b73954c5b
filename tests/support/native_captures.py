"""Small captures, made by hand."""

import json
from collections.abc import Sequence
from typing import Any

from systemzero_core.formats import Parsed
from systemzero_core.tree import Node


def ax(
    node_id: str,
    role: str,
    name: str = "",
    children: Sequence[str] = (),
    *,
    parent: str | None = None,
    properties: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """An AXNode as Chromium writes it, with what is skipped by a reader too."""
    node: dict[str, Any] = {
        "nodeId": node_id,
        "ignored": False,
        "role": {"type": "role", "value": role},
        "chromeRole": {"type": "internalRole", "value": 9},
        "name": {"type": "computedString", "value": name, "sources": [{"type": "contents"}]},
        "properties": [
            {"name": key, "value": {"type": "any", "value": value}}
            for key, value in (properties or {}).items()
        ],
        "childIds": list(children),
        **more,
    }
    if parent is not None:
        node["parentId"] = parent
    return node


def cdp(*nodes: dict[str, Any], **more: Any) -> bytes:
    """The answer of `Accessibility.getFullAXTree`."""
    return json.dumps({"nodes": list(nodes), **more}).encode()


def outlined(parsed: Parsed) -> list[str]:
    """One line a node: as many dots as it is deep, role and name."""
    tree = parsed.tree
    return [
        f"{'.' * depth}{node.role} {node.name}".rstrip()
        for node, depth in zip(tree.nodes, tree.depths, strict=True)
    ]


def only(parsed: Parsed, role: str) -> Node:
    """The one node with this role."""
    (node,) = [node for node in parsed.tree.nodes if node.role == role]
    return node
