"""What the DOM adds to CDP's accessibility tree: boxes, tags and attributes, by backend node id.

Two shapes are read: the map `{backendNodeId: {"tag", "attrs", "box": [x, y, w, h]}}`, and CDP's own
`DOMSnapshot.captureSnapshot` answer, whose strings stand in one table and whose boxes are relative
to their own document; those are moved to where the document's frame stands in the page.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from systemzero_core.characters import apart
from systemzero_core.errors import InvalidInput
from systemzero_core.formats import _json
from systemzero_core.formats._values import box
from systemzero_core.tree import Bounds

KEPT = frozenset(
    """
    action alt aria-colcount aria-colindex aria-current aria-description aria-posinset
    aria-roledescription aria-rowcount aria-rowindex aria-setsize aria-sort autocomplete
    colspan data-cy data-qa data-test data-test-id data-testid dir download for href id
    inputmode lang max maxlength method min minlength name pattern placeholder role rowspan
    scope src step target title type
    """.split()  # noqa: SIM905 -- forty names are better read as lines
)
"""The DOM attributes that become the node's; `class` and `style` are looks, not meaning."""


class Element(msgspec.Struct, gc=False):
    """One DOM node."""

    tag: str = ""
    attrs: dict[str, str] = {}
    box: tuple[float, float, float, float] | None = None

    @property
    def bounds(self) -> Bounds | None:
        """The box in whole pixels, or None."""
        return None if self.box is None else box(*self.box)


class Dom(NamedTuple):
    """A page's DOM.

    Attributes:
        elements: by backend node id.
        owners: for a frame id, the backend node id of the element that owns the frame.
        relative: whether the boxes of a child frame start at the frame, not at the page.
    """

    elements: dict[int, Element]
    owners: dict[str, int]
    relative: bool


class _Nodes(msgspec.Struct, gc=False, rename="camel"):
    node_name: list[int]
    backend_node_id: list[int]
    attributes: list[list[int]] = []
    content_document_index: _Rare | None = None


class _Rare(msgspec.Struct, gc=False):
    index: list[int]
    value: list[int]


class _Layout(msgspec.Struct, gc=False, rename="camel"):
    node_index: list[int] = []
    bounds: list[list[float]] = []


class _Document(msgspec.Struct, gc=False, rename="camel"):
    nodes: _Nodes
    layout: _Layout
    frame_id: int = -1
    scroll_offset_x: float = 0
    scroll_offset_y: float = 0


class _Snapshot(msgspec.Struct, gc=False):
    documents: list[_Document]
    strings: list[str]


_map = msgspec.json.Decoder(dict[int, Element])
_snapshot = msgspec.json.Decoder(_Snapshot)
_message = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read(data: bytes) -> Dom:
    """The DOM in `data`, in either shape.

    Raises:
        InvalidInput, TruncatedInput: as `_json.decode` says, or an index that leads nowhere.
    """
    head = data[:200].removeprefix(_json.BOM).lstrip()
    if b'"result"' in head[:60] and head[:1] == b"{":
        data = bytes(_json.decode(_message, data, "dom").get("result", b"{}"))
        head = data[:200].lstrip()
    if head.startswith((b'{"documents"', b'{"strings"')) or b'"documents"' in head[:40]:
        return _from_snapshot(_json.decode(_snapshot, data, "dom"))
    return Dom(_json.decode(_map, data, "dom"), {}, relative=True)


def _from_snapshot(snapshot: _Snapshot) -> Dom:
    dom = Dom({}, {}, relative=False)
    try:
        offsets = _offsets(snapshot, dom.owners)
        for document, (left, top) in zip(snapshot.documents, offsets, strict=True):
            _read_document(document, snapshot.strings, left, top, dom.elements)
    except (IndexError, ValueError):
        raise InvalidInput.at("dom.documents", "an index that leads nowhere") from None
    return dom


def _read_document(
    document: _Document, strings: list[str], left: float, top: float, found: dict[int, Element]
) -> None:
    nodes = document.nodes
    boxes = {
        at: (b[0] + left, b[1] + top, b[2], b[3])
        for at, b in zip(document.layout.node_index, document.layout.bounds, strict=True)
    }
    for at, backend_id in enumerate(nodes.backend_node_id):
        flat = nodes.attributes[at] if nodes.attributes else []
        attrs = {
            _string(strings, k): _string(strings, v)
            for k, v in zip(flat[::2], flat[1::2], strict=True)
        }
        found[backend_id] = Element(_string(strings, nodes.node_name[at]), attrs, boxes.get(at))


def _offsets(snapshot: _Snapshot, owners: dict[str, int]) -> list[tuple[float, float]]:
    """For each document, where its origin stands in the page; fills `owners` on the way."""
    offsets: list[tuple[float, float]] = [(0.0, 0.0)] * len(snapshot.documents)
    for number, document in enumerate(snapshot.documents):
        rare = document.nodes.content_document_index
        if rare is None:
            continue
        at_of = {node: at for at, node in enumerate(document.layout.node_index)}
        for node, child in zip(rare.index, rare.value, strict=True):
            if child < 0:
                raise IndexError
            framed = snapshot.documents[child]
            owners[_string(snapshot.strings, framed.frame_id)] = document.nodes.backend_node_id[
                node
            ]
            # Documents stand in the order of their frames, so an owner's offset is known first.
            if node in at_of and child > number:
                x, y = document.layout.bounds[at_of[node]][:2]
                left, top = offsets[number]
                offsets[child] = (
                    left + x - framed.scroll_offset_x,
                    top + y - framed.scroll_offset_y,
                )
    return offsets


def _string(strings: list[str], index: int) -> str:
    """A string of the table; CDP writes -1 for one that is not there."""
    return strings[index] if index >= 0 else ""


def attributes_of(element: Element, found: dict[str, str]) -> None:
    """Put the tag and the kept attributes of `element` into `found`; what is there stays."""
    if element.tag and element.tag[0] not in "#:":
        found["tag"] = apart(element.tag, str.lower)
    for name, value in element.attrs.items():
        if name in KEPT and name not in found and value:
            found[name] = value
