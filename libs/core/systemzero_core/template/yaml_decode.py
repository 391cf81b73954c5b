"""Templates read from YAML: what people review, edit and keep beside their code.

Two layouts are read. The present one has `version`, `app`, `policy` and `tree`; the tree is a flat
list in document order whose entries tell their `depth`, one node a line. The older one has
`screen_id`, `required_nodes` (names), `structure_signature`, `full_signature`, `valid_transitions`
and `metadata` alone. Unknown keys are refused in both. `from_yaml(to_yaml(t)) == t`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any, TypeVar

from systemzero_core.errors import DomainError, FieldViolation, InvalidInput, quote
from systemzero_core.template.model import (
    DEFAULT_BOX_TOLERANCE,
    MatchLevel,
    Order,
    Policy,
    Rows,
    Rule,
    Scope,
    Selector,
    Template,
)
from systemzero_core.template.patterns import escape
from systemzero_core.template.validate import validate
from systemzero_core.template.yaml_reader import Map, Scalar, Seq, Value, read
from systemzero_core.tree import Bounds, Node, Tree

_T = TypeVar("_T")
_D = TypeVar("_D")
_E = TypeVar("_E", bound=StrEnum)
_MAX_SELECTOR_DEPTH = 2


def from_yaml(data: bytes) -> Template:
    """The template that `data` (UTF-8) describes; its `template_id` is empty if none is given.

    Raises:
        TooLarge, UnsafeInput: see `yaml_reader.read`.
        InvalidInput: with a violation for each line or field that is wrong.
    """
    document = read(data)
    if not isinstance(document, Map):
        raise InvalidInput.at(f"line {document.line}", "a template is a mapping")
    reader = _Reader()
    template = _template(reader, document)
    violations = reader.violations or list(validate(template))
    if violations:
        first = violations[0]
        more = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
        raise InvalidInput(f"{first.field}: {first.description}{more}", violations)
    return template


def violations_of(data: bytes) -> tuple[FieldViolation, ...]:
    """Everything that is wrong with a YAML template; empty for a good one."""
    try:
        from_yaml(data)
    except InvalidInput as error:
        return error.violations or (FieldViolation("document", error.message),)
    except DomainError as error:
        return (FieldViolation("document", error.message),)
    return ()


class _Reader:
    """Takes mappings apart, and remembers everything that is wrong."""

    def __init__(self) -> None:
        self.violations: list[FieldViolation] = []

    def wrong(self, value: Value, description: str) -> None:
        """Note a violation at the line of `value`."""
        if len(self.violations) < 100:
            self.violations.append(FieldViolation(f"line {value.line}", description))

    def fields(self, value: Value, known: Iterable[str], what: str) -> dict[str, Value]:
        """The entries of a mapping; keys that are not known are wrong."""
        if not isinstance(value, Map):
            self.wrong(value, f"{what} must be a mapping")
            return {}
        allowed = set(known)
        for key, entry in value.entries.items():
            if key not in allowed:
                self.wrong(entry, f"{what} has no field {quote(key)}")
        return value.entries

    def text(self, value: Value | None, default: _T | str = "") -> str | _T:
        """A string."""
        if value is None:
            return default
        if isinstance(value, Scalar):
            return value.text
        self.wrong(value, "must be a text")
        return default

    def number(self, value: Value | None, default: _T) -> int | _T:
        """A whole number."""
        if value is None:
            return default
        if isinstance(value, Scalar):
            try:
                if len(value.text) <= 12:
                    return int(value.text)
            except ValueError:
                pass
        self.wrong(value, "must be a whole number")
        return default

    def flag(self, value: Value | None) -> bool | None:
        """True or false."""
        if value is None:
            return None
        if isinstance(value, Scalar) and value.text in ("true", "false"):
            return value.text == "true"
        self.wrong(value, "must be true or false")
        return None

    def word(self, value: Value | None, kind: type[_E], default: _D) -> _E | _D:
        """One of the words of an enumeration."""
        if value is None:
            return default
        if isinstance(value, Scalar):
            try:
                return kind(value.text)
            except ValueError:
                pass
        self.wrong(value, f"must be one of {', '.join(kind)}")
        return default

    def items(self, value: Value | None, one: Callable[[Value], _T]) -> tuple[_T, ...]:
        """A list, each item read by `one`."""
        if value is None:
            return ()
        if isinstance(value, Seq):
            return tuple(map(one, value.items))
        if isinstance(value, Scalar) and not value.text:
            return ()
        self.wrong(value, "must be a list")
        return ()

    def texts(self, value: Value | None) -> dict[str, str]:
        """A mapping of texts."""
        if isinstance(value, Map):
            return {key: self.text(entry) for key, entry in value.entries.items()}
        if value is not None and value != Scalar(value.line, ""):
            self.wrong(value, "must be a mapping")
        return {}


_TEMPLATE_FIELDS = (
    *("template_id", "screen_id", "app", "version", "required_nodes", "structure_signature"),
    *("full_signature", "valid_transitions", "metadata", "captures", "policy", "tree"),
)


def _template(reader: _Reader, document: Map) -> Template:
    found = reader.fields(document, _TEMPLATE_FIELDS, "a template")
    if "screen_id" not in found:
        reader.wrong(document, "screen_id is missing")
    return Template(
        template_id=reader.text(found.get("template_id")),
        screen_id=reader.text(found.get("screen_id")),
        app=reader.text(found.get("app")),
        version=reader.number(found.get("version"), 1),
        tree=_tree(reader, found["tree"]) if "tree" in found else None,
        structure_signature=reader.text(found.get("structure_signature")),
        full_signature=reader.text(found.get("full_signature")),
        required_nodes=reader.items(
            found.get("required_nodes"), lambda value: _required(reader, value)
        ),
        policy=_policy(reader, found["policy"]) if "policy" in found else Policy(),
        valid_transitions=reader.items(found.get("valid_transitions"), reader.text),
        metadata=_metadata(reader, found.get("metadata")),
        captures=reader.items(found.get("captures"), reader.text),
    )


def _required(reader: _Reader, value: Value) -> Selector:
    # The older layout names required nodes by their names alone, which are no patterns.
    if isinstance(value, Scalar):
        return Selector(name=escape(value.text))
    return _selector(reader, value)


def _selector(reader: _Reader, value: Value, depth: int = 1) -> Selector:
    found = reader.fields(value, ("role", "name", "attributes", "under", "nth"), "a selector")
    under: tuple[Selector, ...] = ()
    if "under" in found:
        if depth >= _MAX_SELECTOR_DEPTH:
            reader.wrong(found["under"], "an ancestor's selector has no `under` of its own")
        else:
            under = reader.items(found["under"], lambda v: _selector(reader, v, depth + 1))
    return Selector(
        role=reader.text(found.get("role"), None),
        name=reader.text(found.get("name"), None),
        attributes=reader.texts(found.get("attributes")),
        under=under,
        nth=reader.number(found.get("nth"), 0),
    )


def _policy(reader: _Reader, value: Value) -> Policy:
    found = reader.fields(value, ("level", "box_tolerance", "rules"), "a policy")
    return Policy(
        level=reader.word(found.get("level"), MatchLevel, MatchLevel.STRICT),
        box_tolerance=reader.number(found.get("box_tolerance"), DEFAULT_BOX_TOLERANCE),
        rules=reader.items(found.get("rules"), lambda v: _rule(reader, v)),
    )


def _rule(reader: _Reader, value: Value) -> Rule:
    found = reader.fields(value, Rule.__struct_fields__, "a rule")
    if "select" not in found:
        reader.wrong(value, "a rule needs `select`")
    return Rule(
        select=_selector(reader, found["select"]) if "select" in found else Selector(),
        scope=reader.word(found.get("scope"), Scope, Scope.SUBTREE),
        level=reader.word(found["level"], MatchLevel, None) if "level" in found else None,
        name=reader.text(found.get("name"), None),
        value=reader.text(found.get("value"), None),
        attributes=reader.texts(found.get("attributes")),
        order=reader.word(found["order"], Order, None) if "order" in found else None,
        optional=reader.flag(found.get("optional")),
        rows=_rows(reader, found["rows"]) if "rows" in found else None,
        box_tolerance=reader.number(found.get("box_tolerance"), None),
        why=reader.text(found.get("why")),
    )


def _rows(reader: _Reader, value: Value) -> Rows:
    found = reader.fields(value, ("minimum", "maximum"), "`rows`")
    return Rows(reader.number(found.get("minimum"), 0), reader.number(found.get("maximum"), None))


def _metadata(reader: _Reader, value: Value | None) -> dict[str, str]:
    if not isinstance(value, Map):
        return reader.texts(value)
    return {
        key: entry.text if isinstance(entry, Scalar) else json.dumps(_plain(entry))
        for key, entry in value.entries.items()
    }


def _plain(value: Value) -> Any:
    if isinstance(value, Scalar):
        return value.text
    if isinstance(value, Seq):
        return [_plain(item) for item in value.items]
    return {key: _plain(entry) for key, entry in value.entries.items()}


_NODE_FIELDS = ("depth", *Node.__struct_fields__)


def _tree(reader: _Reader, value: Value) -> Tree | None:
    entries = reader.items(value, lambda v: (v, reader.fields(v, _NODE_FIELDS, "a node")))
    nodes: list[Node] = []
    parents: list[int] = []
    path: list[int] = []
    for where, found in entries:
        depth = reader.number(found.get("depth"), 0)
        if depth < 0 or depth > len(path) or (depth == 0 and nodes):
            reader.wrong(where, f"a node of depth {depth} cannot stand here")
            return None
        del path[depth:]
        parents.append(path[-1] if path else -1)
        path.append(len(nodes))
        nodes.append(_node(reader, found))
    try:
        return Tree.checked(nodes, parents)
    except DomainError as error:
        reader.wrong(value, error.message)
        return None


def _node(reader: _Reader, found: dict[str, Value]) -> Node:
    return Node(
        role=reader.text(found.get("role")),
        name=reader.text(found.get("name")),
        value=reader.text(found.get("value")),
        states=tuple(sorted(set(reader.items(found.get("states"), reader.text)))),
        bounds=_bounds(reader, found["bounds"]) if "bounds" in found else None,
        attributes=tuple(sorted(reader.texts(found.get("attributes")).items())),
        platform_role=reader.text(found.get("platform_role")),
    )


def _bounds(reader: _Reader, value: Value) -> Bounds | None:
    numbers = reader.items(value, lambda v: reader.number(v, 0))
    if len(numbers) != 4:
        reader.wrong(value, "bounds are x, y, width and height")
        return None
    return Bounds(*numbers)
