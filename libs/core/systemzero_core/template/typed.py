"""Rules that a person asks for: any value of the same type, in the very places that changed.

Invariants:
1. A rule lets vary one typed value of a field, and nothing of the text around it.
2. It selects the node that changed, by its place; nodes that are like it, or come to be, are let
   off nothing. `update.rebased` keeps the place right.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from systemzero_core.diff import Change, Edit, EditKind
from systemzero_core.errors import FailedPrecondition
from systemzero_core.template.evidence import Evidence
from systemzero_core.template.infer import Namer
from systemzero_core.template.model import Rule, Selector
from systemzero_core.template.patterns import compile_pattern, escape
from systemzero_core.template.shapes import Shape, tokens
from systemzero_core.tree import Tree


def typed_pattern(old: str, new: str) -> str | None:
    """The pattern of both texts, where they differ in one value of one type; else None."""
    before, after = tokens(old), tokens(new)
    if len(before) != len(after):
        return None
    pieces: list[str] = []
    holes = 0
    for (shape, text), (other, now) in zip(before, after, strict=True):
        if text == now:
            pieces.append(escape(text))
            continue
        kind = _type_of(shape, other)
        if kind is None:
            return None
        pieces.append(f"{{{kind}}}")
        holes += 1
    pattern = "".join(pieces)
    fits = compile_pattern(pattern).matches
    return pattern if holes == 1 and fits(old) and fits(new) else None


def typed_rules(baseline: Tree, edits: Sequence[Edit], why: str) -> tuple[Rule, ...]:
    """A rule for the node of each edit; `baseline` is the tree after them, which gets the rules.

    Raises:
        FailedPrecondition: an edit changes something else than one typed value in each field.
    """
    patterns = {edit.target: dict(_patterns(edit)) for edit in edits}
    evidence = Evidence(baseline, 2)
    for edit in edits:
        for change in edit.changes:
            evidence.values[edit.target, change.field] = [str(change.old), str(change.new)]
    namer = Namer(evidence)
    return tuple(
        _rule(namer.placed(node), fields, why) for node, fields in sorted(patterns.items())
    )


def wildcards(rule: Rule) -> Iterator[str]:
    """What a rule lets vary, in words: `name: No. {count}`."""
    if rule.name is not None:
        yield f"name: {rule.name}"
    if rule.value is not None:
        yield f"value: {rule.value}"
    for key, pattern in rule.attributes.items():
        yield f"attributes.{key}: {pattern}"


def _type_of(one: Shape | None, other: Shape | None) -> Shape | None:
    """The narrowest shape of both; None where there is none."""
    if one is other:
        return one
    return Shape.NUMBER if {one, other} == {Shape.COUNT, Shape.NUMBER} else None


def _patterns(edit: Edit) -> Iterator[tuple[str, str]]:
    """(field, pattern) of each change of an edit."""
    for change in edit.changes:
        pattern = _pattern(change)
        if pattern is None:
            break
        yield change.field, pattern
    else:
        if edit.kind is EditKind.UPDATE:
            return
    raise FailedPrecondition(
        f"{edit.sentence}: that is no change of one typed value (a number, an amount, a date, …); "
        "approve the values, or write the policy of the template"
    )


def _pattern(change: Change) -> str | None:
    old, new = change.old, change.new
    told = change.field in ("name", "value") or change.field.startswith("attributes.")
    if not told or not isinstance(old, str) or not isinstance(new, str):
        return None
    return typed_pattern(old, new)


def _rule(select: Selector, fields: dict[str, str], why: str) -> Rule:
    rule = Rule(select, name=fields.get("name"), value=fields.get("value"))
    prefix = "attributes."
    attributes = {k.removeprefix(prefix): p for k, p in fields.items() if k.startswith(prefix)}
    said = ", ".join(wildcards(msgspec.structs.replace(rule, attributes=attributes)))
    return msgspec.structs.replace(rule, attributes=attributes, why=f"{why}: {said}")
