"""System//Zero's own flat tree JSON: what is stored, and what a program without a platform sends.

`{"format": "systemzero.tree", "nodes": [{"role", "name", "value", "states", "bounds", "attributes",
"platform_role", "parent"}, …]}`: nodes in document order, `parent` the index of an earlier node
(absent for the root), `bounds` `[x, y, width, height]`, `attributes` a list of `[name, value]`.
Everything but `role` may be absent. Invariants:

1. `decode(encode(tree)) == tree` for every tree.
2. `encode` is deterministic: equal trees give equal bytes.
"""

from __future__ import annotations

import msgspec

from systemzero_core.errors import InvalidInput
from systemzero_core.formats import _json
from systemzero_core.formats._values import check_count
from systemzero_core.formats.model import Format, Parsed, Source
from systemzero_core.tree import Bounds, Node, Tree

NAME = "systemzero.tree"
"""The value of `format` in the file."""

TERSEST = 8
"""A byte of another form may hold as much to be read as so many of this one, whose nodes take 24
bytes at least: a line of an ARIA snapshot is a node in four."""

_LOW, _HIGH = -(2**31), 2**31 - 1


class _Flat(msgspec.Struct, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    role: str
    name: str = ""
    value: str = ""
    states: tuple[str, ...] = ()
    bounds: Bounds | None = None
    attributes: tuple[tuple[str, str], ...] = ()
    platform_role: str = ""
    parent: int = -1


class _File(msgspec.Struct, gc=False, omit_defaults=True):
    format: str
    nodes: list[_Flat]
    url: str = ""
    viewport: tuple[int, int] | None = None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_File)


def encode(tree: Tree, *, url: str = "", viewport: tuple[int, int] | None = None) -> bytes:
    """`tree` as UTF-8 JSON, in one line."""
    flat = [
        _Flat(n.role, n.name, n.value, n.states, n.bounds, n.attributes, n.platform_role, parent)
        for n, parent in zip(tree.nodes, tree.parents, strict=True)
    ]
    return _encoder.encode(_File(NAME, flat, url, viewport))


def decode(data: bytes) -> Tree:
    """The tree in `data`; states and attributes are put in order where they are not.

    Raises:
        TruncatedInput: the JSON ends early.
        InvalidInput: it is no JSON, or a field is missing, unknown or of the wrong type.
        MalformedTree: the parents are no tree in document order.
        TooLarge: more nodes than a tree may have.
    """
    return _tree(_json.decode(_decoder, data, "tree"))


def read(source: Source) -> Parsed:
    """A capture in the own format; the adapter of `Format.TREE` for the flat layout."""
    file = _json.decode(_decoder, source.data, "tree")
    return Parsed(_tree(file), Format.TREE, url=file.url, viewport=file.viewport)


def _tree(file: _File) -> Tree:
    if file.format != NAME:
        raise InvalidInput.at("format", f"must be {NAME!r}")
    check_count(len(file.nodes))
    nodes = []
    for i, flat in enumerate(file.nodes):
        states, attributes, bounds = flat.states, flat.attributes, flat.bounds
        if len(states) > 1:
            states = tuple(sorted(set(states)))
        if len(attributes) > 1:
            attributes = _ordered(attributes, i)
        if bounds is not None and not _fits(*bounds):
            raise InvalidInput.at(f"nodes[{i}].bounds", "a number of more than 32 bits")
        nodes.append(
            Node(flat.role, flat.name, flat.value, states, bounds, attributes, flat.platform_role)
        )
    return Tree.checked(nodes, [flat.parent for flat in file.nodes])


def _fits(x: int, y: int, width: int, height: int) -> bool:
    return (
        _LOW <= x <= _HIGH
        and _LOW <= y <= _HIGH
        and _LOW <= width <= _HIGH
        and _LOW <= height <= _HIGH
    )


def _ordered(attributes: tuple[tuple[str, str], ...], index: int) -> tuple[tuple[str, str], ...]:
    if len(dict(attributes)) != len(attributes):
        raise InvalidInput.at(f"nodes[{index}].attributes", "a name that stands there twice")
    return tuple(sorted(attributes))
