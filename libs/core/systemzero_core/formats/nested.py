"""The older layout of System//Zero's tree JSON: `{"root": {"role", "name", "children", …}}`.

Read, never written. Of a node are known `role` (or `type`), `name` (or `label`), `value`, `states`
(a list of words, or an object of booleans), `bounds` (`[x, y, width, height]`, or an object with
these names) and `attributes` or `properties` (an object); any other scalar becomes an attribute.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from systemzero_core.errors import InvalidInput
from systemzero_core.formats import _json
from systemzero_core.formats._values import box_of, pairs, text_of, words
from systemzero_core.formats.model import Format, Parsed, Source
from systemzero_core.tree import Bounds, Node, Tree, TreeBuilder

_SIDES = ("x", "y", "width", "height")
_OWN_FIELDS = frozenset(
    ("role", "type", "name", "label", "value", "states", "bounds", "attributes", "properties")
)


def read(source: Source) -> Parsed:
    """A capture in the older layout; the adapter of `Format.TREE` for nested files."""
    file = _json.decode_any(source.data, "tree")
    if not isinstance(file, dict) or "root" not in file:
        raise InvalidInput.at("root", "missing: neither the flat layout nor the older one")
    url = file.get("url")
    tree = tree_of(file["root"])
    return Parsed(tree, Format.TREE, url=url if isinstance(url, str) else "")


def tree_of(root: object) -> Tree:
    """The tree of a nested node, as plain dicts and lists; None is an empty tree.

    Raises:
        InvalidInput: something is not of the layout; the violation names its path.
        TooLarge: more nodes than a tree may have.
    """
    builder = TreeBuilder()
    # A node to open and its path, or None for the end of the node opened last.
    todo: list[tuple[object, _Path] | None] = [(root, _Path(None, 0))] if root is not None else []
    while todo:
        task = todo.pop()
        if task is None:
            builder.close()
            continue
        item, path = task
        if not isinstance(item, dict):
            raise InvalidInput.at(str(path), "expected an object")
        builder.open(_node(item, path))
        todo.append(None)
        children = _children(item, path)
        todo.extend((c, _Path(path, i)) for i, c in reversed(list(enumerate(children))))
    return builder.build()


class _Path(NamedTuple):
    """Where a node stands; spelt out only in errors, and only its last ten steps."""

    owner: _Path | None
    nth: int

    def __str__(self) -> str:
        steps: list[str] = []
        owner, nth = self
        while owner is not None and len(steps) < 10:
            steps.append(f"children[{nth}]")
            owner, nth = owner
        return ".".join(["root" if owner is None else "…", *reversed(steps)])


def _children(item: dict[str, Any], path: _Path) -> list[object]:
    children = item.get("children")
    if children is None:
        return []
    if not isinstance(children, list):
        raise InvalidInput.at(f"{path}.children", "expected an array")
    return children


def _node(item: dict[str, Any], path: _Path) -> Node:
    role = item.get("role", item.get("type"))
    if not isinstance(role, str):
        raise InvalidInput.at(f"{path}.role", "expected a string")
    return Node(
        role=role,
        name=text_of(item.get("name", item.get("label"))),
        value=text_of(item.get("value")),
        states=words(_states(item.get("states"), path)),
        bounds=_bounds(item.get("bounds")),
        attributes=pairs(_attributes(item)),
    )


def _states(states: object, path: _Path) -> list[str]:
    if states is None:
        return []
    if isinstance(states, dict):
        return [str(word) for word, holds in states.items() if holds is True]
    if not isinstance(states, list) or not all(isinstance(word, str) for word in states):
        raise InvalidInput.at(f"{path}.states", "expected an array of words")
    return states


def _bounds(bounds: object) -> Bounds | None:
    if isinstance(bounds, dict):
        return box_of([bounds.get(side) for side in _SIDES])
    return box_of(bounds) if isinstance(bounds, list) else None


def _attributes(item: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for given in (item.get("attributes"), item.get("properties")):
        if isinstance(given, dict):
            found.update((k, text_of(v)) for k, v in given.items() if _is_scalar(v))
    for key, value in item.items():
        if key not in _OWN_FIELDS and _is_scalar(value):
            found.setdefault(key, text_of(value))
    return found


def _is_scalar(value: object) -> bool:
    return isinstance(value, (str, int, float))
