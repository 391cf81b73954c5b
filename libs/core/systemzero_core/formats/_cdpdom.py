"""What the DOM adds to CDP's accessibility tree: boxes, tags and attributes, by backend node id.

Two shapes are read: the map `{backendNodeId: {"tag", "attrs", "box": [x, y, w, h]}}`, and CDP's own
`DOMSnapshot.captureSnapshot` answer, whose strings stand in one table and whose boxes are relative
to their own document; those are moved to where the document's frame stands in the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import msgspec

from systemzero_core.characters import apart
from systemzero_core.errors import InvalidInput
from systemzero_core.formats import _json
from systemzero_core.formats._values import box, text_of
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


_PASSWORD: Final = "password"  # noqa: S105 # nosec B105 - a type of fields


class Element(msgspec.Struct, gc=False):
    """One DOM node; a recorder may add what is typed into it as `value`."""

    tag: str = ""
    attrs: dict[str, str] = {}
    box: tuple[float, float, float, float] | None = None
    value: Any = None

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
        secrets: what is typed into its password fields.
    """

    elements: dict[int, Element]
    owners: dict[str, int]
    relative: bool
    secrets: tuple[str, ...] = ()


class _Nodes(msgspec.Struct, gc=False, rename="camel"):
    node_name: list[int]
    backend_node_id: list[int]
    attributes: list[list[int]] = []
    content_document_index: _Rare | None = None
    parent_index: list[int] = []
    node_value: list[int] = []
    input_value: _Rare | None = None
    text_value: _Rare | None = None


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
    elements = _json.decode(_map, data, "dom")
    return Dom(elements, {}, relative=True, secrets=_typed(elements.values()))


def _from_snapshot(snapshot: _Snapshot) -> Dom:
    dom = Dom({}, {}, relative=False)
    try:
        offsets = _offsets(snapshot, dom.owners)
        for document, (left, top) in zip(snapshot.documents, offsets, strict=True):
            _read_document(document, snapshot.strings, left, top, dom.elements)
        secrets = _typed(dom.elements.values())
        if _holds_passwords(snapshot.strings):
            for document in snapshot.documents:
                secrets += tuple(_typed_in(document.nodes, snapshot.strings))
    except (IndexError, ValueError):
        raise InvalidInput.at("dom.documents", "an index that leads nowhere") from None
    return dom._replace(secrets=secrets)


def _holds_passwords(strings: list[str]) -> bool:
    return any(text.lower() == _PASSWORD for text in strings if len(text) == len(_PASSWORD))


def _is_password(attrs: dict[str, str]) -> bool:
    return attrs.get("type", "").lower() == _PASSWORD


def _typed(elements: Iterable[Element]) -> tuple[str, ...]:
    """What the elements themselves say is typed into password fields."""
    fields = [element for element in elements if _is_password(element.attrs)]
    told = [element.attrs.get("value", "") for element in fields]
    told += [text_of(element.value) for element in fields if element.value is not None]
    return tuple(filter(None, told))


def _typed_in(nodes: _Nodes, strings: list[str]) -> Iterator[str]:
    """What a snapshot says is typed into password fields: beside them, or as texts below them."""
    inside: set[int] = set()
    for at, flat in enumerate(nodes.attributes):
        pairs = zip(flat[::2], flat[1::2], strict=True)
        if _is_password({_string(strings, k): _string(strings, v) for k, v in pairs}):
            inside.add(at)
    for at, parent in enumerate(nodes.parent_index):
        if parent in inside:
            inside.add(at)
    for rare in (nodes.input_value, nodes.text_value):
        if rare is not None:
            told = zip(rare.index, rare.value, strict=True)
            yield from (_string(strings, value) for at, value in told if at in inside)
    yield from (
        _string(strings, value) for at, value in enumerate(nodes.node_value) if at in inside
    )


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
