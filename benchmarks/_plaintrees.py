"""Real pairs as the shared figures of other tools were measured: role, name and value alone.

Raw CDP trees without their ignored nodes (children spliced up) and line boxes, not normalised, so
that costs can be compared with those of tools that know nothing of this project.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import msgspec

from systemzero_core.tree import Node, Tree

_DJANGO = "web/django-admin/"
_LTE = "web/adminlte/"

PAIRS: tuple[tuple[str, str, str, int], ...] = (
    ("django_index", f"{_DJANGO}4.2.30__2-index", f"{_DJANGO}5.2.19__2-index", 23),
    ("django_detail", f"{_DJANGO}4.2.30__4-detail", f"{_DJANGO}5.2.19__4-detail", 49),
    ("django_list", f"{_DJANGO}4.2.30__3-list", f"{_DJANGO}5.2.19__3-list", 55),
    ("django_sorted", f"{_DJANGO}5.2.19__3-list", f"{_DJANGO}5.2.19__3-list-sorted", 14),
    ("swagger_home", "web/swagger-ui/5.0.0__home", "web/swagger-ui/5.35.0__home", 121),
    ("swagger_open", "web/swagger-ui/5.0.0__op-open", "web/swagger-ui/5.35.0__op-open", 121),
    ("adminlte_forms", f"{_LTE}3.0.5__5-forms", f"{_LTE}3.2.0__5-forms", 161),
    ("adminlte_dashboard", f"{_LTE}2.4.18__2-dashboard", f"{_LTE}3.0.5__2-dashboard", 759),
    ("adminlte_mailbox", f"{_LTE}2.4.18__3-mailbox", f"{_LTE}3.0.5__3-mailbox", 602),
    (
        "datasette_page2",
        "web/datasette/0.65.5__3-table",
        "web/datasette/0.65.5__3-table-page2",
        1016,
    ),
    ("redoc_apichange", "web/redoc/2.1.5__home", "web/redoc/2.1.5__home-apichange", 182),
)
"""Name, before, after, and the least node-level cost that any tool was seen to need."""


def load_plain(stem: Path) -> Tree:
    """The tree of `<stem>.ax.json.gz`.

    Raises:
        FileNotFoundError: there is none.
    """
    data = msgspec.json.decode(gzip.decompress(Path(f"{stem}.ax.json.gz").read_bytes()))
    listed: list[dict[str, Any]] = data["nodes"] if isinstance(data, dict) else data
    by_id = {node["nodeId"]: node for node in listed}
    nodes: list[Node] = []
    parents: list[int] = []
    pending = [(next(n["nodeId"] for n in listed if not n.get("parentId")), -1)]
    while pending:
        node_id, parent = pending.pop()
        node = by_id.get(node_id)
        if node is None or _text(node, "role") == "InlineTextBox":
            continue
        if not node.get("ignored"):
            nodes.append(Node(_text(node, "role"), _text(node, "name"), _text(node, "value")))
            parents.append(parent)
            parent = len(nodes) - 1
        pending.extend((child, parent) for child in reversed(node.get("childIds", [])))
    return Tree(nodes, parents)


def _text(node: dict[str, Any], field: str) -> str:
    return str(node.get(field, {}).get("value", ""))
