"""What one capture says of what will vary: rows of data, and what changes by itself.

These are guesses, so each says what it rests on, and a policy that is given is asked first: what
it holds to be strict stays strict, with all that is in it.
"""

from __future__ import annotations

from collections.abc import Iterator

from systemzero_core.template.evidence import Evidence
from systemzero_core.template.find import Finder
from systemzero_core.template.infer import Namer, Rulebook, called
from systemzero_core.template.live import Live, live_fields
from systemzero_core.template.model import MatchLevel, Policy, Rule, Selector
from systemzero_core.template.patterns import escape
from systemzero_core.template.tables import data_tables, last_of, table_rules
from systemzero_core.tree import Tree

_MAX_LIVE = 100
"""Live nodes that get a rule, at most; whatever has more is a dashboard, and needs a policy."""


def assume(tree: Tree, policy: Policy) -> Rulebook:
    """The rules that `tree` alone supports, but for what `policy` holds to be strict."""
    book = Rulebook(1)
    strict = _strict(tree, policy)
    inside = _rows(tree, book, strict)
    _live(tree, book, strict | inside)
    book.unstable |= inside
    return book


def _strict(tree: Tree, policy: Policy) -> set[int]:
    finder = Finder(tree)
    found: set[int] = set()
    for rule in policy.rules:
        if rule.level is MatchLevel.STRICT:
            for i in finder.find(rule.select):
                found.update(range(i, tree.ends[i]))
    return found


def _rows(tree: Tree, book: Rulebook, strict: set[int]) -> set[int]:
    """Rules for rows of data; returns all nodes that stand in them."""
    namer = Namer(Evidence(tree, 1))
    finder = Finder(tree)
    tables = {table.at: table for table in data_tables(tree)}
    under = {index: _under(tree, namer, index) for index in tables}
    inside: set[int] = set()
    for index, table in tables.items():
        alike = set(finder.find(last_of(under[index])))
        if not alike <= tables.keys() or strict.intersection(table.rows):
            continue  # what is like it and holds no data would be let off, too
        why = f"{called(tree, index)} has a header and rows of one shape: its rows are data"
        for rule in table_rules(tree, table, under[index]):
            book.add(rule, why, 1)
        for row in table.rows:
            inside.update(range(row, tree.ends[row]))
    return inside


def _under(tree: Tree, namer: Namer, index: int) -> tuple[Selector, ...]:
    node = tree.nodes[index]
    identifier = node.attribute("id")
    counted = any(character.isdigit() for character in node.name)
    return (
        *namer.under(index),
        Selector(
            role=node.role,
            name=None if counted else escape(node.name),
            attributes={"id": escape(identifier)} if identifier else {},
        ),
    )


def _live(tree: Tree, book: Rulebook, passed: set[int]) -> None:
    found = dict(_live_nodes(tree, passed))
    evidence = Evidence(tree, 1)
    patterns = {(i, live.field): live.pattern for i, them in found.items() for live in them}
    for i, field in patterns:
        evidence.values[i, field] = [""]
    namer = Namer(evidence, patterns)
    for i, them in found.items():
        fields = {live.field: live.pattern for live in them}
        rule = Rule(
            namer.selector(i),
            name=fields.get("name"),
            value=fields.get("value"),
            attributes={
                field.removeprefix("attributes."): pattern
                for field, pattern in fields.items()
                if field not in ("name", "value")
            },
        )
        why = " and ".join(dict.fromkeys(live.why for live in them))
        book.add(rule, f"{called(tree, i)} shows {why}", 1)
        book.unstable.add(i)


def _live_nodes(tree: Tree, passed: set[int]) -> Iterator[tuple[int, list[Live]]]:
    found = 0
    for i, node in enumerate(tree.nodes):
        if i not in passed and found < _MAX_LIVE and (them := list(live_fields(node))):
            found += 1
            yield i, them
