"""From evidence to rules, each with the sentence that says why.

Invariants:
1. A rule names what varied as narrowly as its selector can: by name where the name holds, by an
   identifier, by the nearest ancestors that hold, and by its place only where nothing else tells it
   from nodes that did not vary.
2. Controls are never made rows or lumped together by role: each that came and went is named.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

import msgspec

from systemzero_core.template.evidence import Evidence
from systemzero_core.template.find import Finder
from systemzero_core.template.model import (
    DEFAULT_BOX_TOLERANCE,
    MatchLevel,
    Order,
    Rows,
    Rule,
    Scope,
    Selector,
)
from systemzero_core.template.patterns import ANYTHING, compile_pattern, covering, escape
from systemzero_core.template.shapes import VOLATILE, tokens
from systemzero_core.tree import Node, Tree

MAX_LEARNT_RULES = 500
"""Rules that are inferred at once, at most; a screen that varies more is no baseline."""

_MAX_LIVE = 50
_MAX_LOOKED_AT = 1_000_000
"""Nodes looked at to see whom else a selector selects, and characters read; past it, places tell
nodes apart."""
_LOOKS = 10
"""What finding the pattern of texts counts for, a text, beside its characters."""
_MAX_ABOVE = 64
_ROWS = frozenset({"row", "listitem", "option", "treeitem", "article"})
_HOLDERS = frozenset({"list", "feed", "listbox", "menu", "tree"})
_WRAPPERS = frozenset({"generic", "group"})
_ANCHORS = frozenset(
    {
        *("main", "navigation", "banner", "contentinfo", "complementary", "form", "search"),
        *("region", "dialog", "alertdialog", "table", "list", "toolbar", "tablist", "tabpanel"),
    }
)


class Inference(msgspec.Struct, frozen=True):
    """One thing that learning inferred.

    Attributes:
        sentence: what, and why.
        support: in how many captures what it rests on was seen.
        total: of how many.
    """

    sentence: str
    support: int
    total: int


class Rulebook:
    """The rules found so far, each with its inference; equal rules once."""

    def __init__(self, total: int) -> None:
        self.rules: list[Rule] = []
        self.inferences: list[Inference] = []
        self.unstable: set[int] = set()
        self.box_tolerance = 0
        self._total = total
        self._known: set[str] = set()

    def add(self, rule: Rule, sentence: str, support: int) -> None:
        """Take a rule in, with why."""
        key = repr(rule)
        if key in self._known or self.full:
            return
        self._known.add(key)
        support = min(support, self._total)
        why = f"{sentence} ({support} of {self._total} captures)"
        self.rules.append(msgspec.structs.replace(rule, why=why))
        self.inferences.append(Inference(sentence, support, self._total))

    @property
    def full(self) -> bool:
        """Whether no more rules are taken in."""
        return len(self.rules) >= MAX_LEARNT_RULES

    def say(self, sentence: str, support: int) -> None:
        """An inference without a rule of its own."""
        self.inferences.append(Inference(sentence, min(support, self._total), self._total))


def infer(evidence: Evidence) -> Rulebook:
    """The rules that `evidence` supports."""
    book = Rulebook(evidence.captures)
    namer = Namer(evidence)
    inside = _rows(evidence, namer, book)
    _comings_and_goings(evidence, namer, book, inside)
    _wildcards(evidence, namer, book, inside)
    for parent, times in evidence.reordered.items():
        if parent not in inside:
            rule = Rule(namer.selector(parent), order=Order.UNORDERED)
            book.add(rule, f"the order in {_called(evidence, parent)} varied", times + 1)
    for index, times in evidence.moved.items():
        if index not in inside:
            rule = Rule(namer.selector(index), scope=Scope.NODE, level=MatchLevel.CONTENT)
            book.add(rule, f"the place of {_called(evidence, index)} varied", times + 1)
    if evidence.shift > DEFAULT_BOX_TOLERANCE:
        book.box_tolerance = evidence.shift
        book.say(f"boxes were off by up to {evidence.shift} pixels", evidence.captures)
    book.unstable = {node for node, _ in evidence.values} | set(evidence.absent) | set(inside)
    if book.full:
        book.say("more varied than is learnt at once: these captures may not be of one screen", 1)
    return book


def live_texts(tree: Tree, known: Collection[int] = ()) -> Iterator[Inference]:
    """Of one capture: which texts may be live, but for those of `known` nodes.

    They are not let pass, but weigh little.
    """
    found = 0
    for i, node in enumerate(tree.nodes):
        if found == _MAX_LIVE:
            return
        if i in known:
            continue
        shapes = {shape for shape, _ in tokens(node.name) if shape in VOLATILE}
        if shapes:
            found += 1
            words = " and ".join(sorted(map(str, filter(None, shapes))))
            sentence = f"{_node(node)} looks live ({words}): a second capture would tell"
            yield Inference(sentence, 1, 1)


class Namer:
    """Makes selectors for nodes of the baseline."""

    def __init__(
        self, evidence: Evidence, patterns: Mapping[tuple[int, str], str] | None = None
    ) -> None:
        """`patterns` are those of varying fields for which the evidence's values do not speak."""
        self._tree = evidence.baseline
        self._values = evidence.values
        self._finder = Finder(evidence.baseline)
        self._found: dict[str, list[int]] = {}
        self._numbered: dict[str, dict[int, int]] = {}
        self._patterns = dict(patterns or {})
        self._named: dict[str, set[str | None]] = {}
        self._left = _MAX_LOOKED_AT

    def pattern(self, index: int, field: str) -> str | None:
        """The pattern that all values of a varying field keep to; None if it did not vary."""
        values = self._values.get((index, field))
        if values is None:
            return None
        known = self._patterns.get((index, field))
        if known is None:
            self._left -= sum([_LOOKS + len(value) for value in values])
            known = self._patterns[index, field] = covering(values)
        return known

    def name(self, index: int) -> str | None:
        """The name as a selector has it: literal, a pattern, or None where it may be anything."""
        pattern = self.pattern(index, "name")
        if pattern is not None:
            return None if pattern == ANYTHING else pattern
        return escape(self._tree.nodes[index].name)

    def selector(self, index: int) -> Selector:
        """The selector of one node that varied, by its place where nothing else tells it."""
        loose = self._loose(index)
        if self._left <= 0:
            loose = Selector(role=loose.role, under=loose.under)
            return msgspec.structs.replace(loose, nth=self._places(loose)[index])
        # Others that vary alike may share the rule; one that does not must not be let off by it.
        name = self.pattern(index, "name")
        is_alone = self._find(loose) in ([], [index])
        if is_alone or (name is not None and self._names(loose) == {name}):
            return loose
        return msgspec.structs.replace(loose, nth=self._places(loose)[index])

    def placed(self, index: int) -> Selector:
        """The selector of this one node, by its place: of none that comes to be like it."""
        loose = self._loose(index)
        return msgspec.structs.replace(loose, nth=self._places(loose)[index])

    def under(self, index: int) -> tuple[Selector, ...]:
        """Selectors of up to two ancestors that hold: the nearest ones that mean something."""
        steps: list[Selector] = []
        parent = self._tree.parents[index]
        for _ in range(_MAX_ABOVE):
            if parent <= 0 or len(steps) == 2:
                break
            node = self._tree.nodes[parent]
            name = self.name(parent)
            held = name if name and compile_pattern(name).literal is not None else None
            if held and len(held) <= 80 and node.role != "row":
                steps.append(Selector(role=node.role, name=held))
            elif node.role in _ANCHORS:
                steps.append(Selector(role=node.role))
            parent = self._tree.parents[parent]
        return tuple(reversed(steps))

    def _loose(self, index: int) -> Selector:
        node = self._tree.nodes[index]
        identifier = node.attribute("id")
        attributes = {}
        if identifier and (index, "attributes.id") not in self._values:
            attributes = {"id": escape(identifier)}
        return Selector(
            role=node.role, name=self.name(index), attributes=attributes, under=self.under(index)
        )

    def _places(self, selector: Selector) -> dict[int, int]:
        key = repr(selector)
        if key not in self._numbered:
            self._numbered[key] = self._finder.places(selector)
        return self._numbered[key]

    def _names(self, selector: Selector) -> set[str | None]:
        """The patterns of the names of all nodes that `selector` selects."""
        key = repr(selector)
        if key not in self._named:
            self._named[key] = {self.pattern(i, "name") for i in self._find(selector)}
        return self._named[key]

    def _find(self, selector: Selector) -> list[int]:
        key = repr(selector)
        if key not in self._found:
            self._left -= self._finder.cost(selector)
            self._found[key] = list(self._finder.find(selector))
        return self._found[key]


def _rows(evidence: Evidence, namer: Namer, book: Rulebook) -> dict[int, Selector]:
    """Rules for rows; returns the nodes that stand in rows, with the selector of their row."""
    tree = evidence.baseline
    inside: dict[int, Selector] = {}
    for (parent, role), counts in (*evidence.counts.items(), *_living_lists(evidence)):
        if role not in _ROWS and tree.nodes[parent].role not in _HOLDERS:
            continue
        select = Selector(role=role, under=(*namer.under(parent), *_step(namer, tree, parent)))
        low, high = min(counts), max(counts)
        rows = Rows(minimum=1 if low > 1 else 0)
        where = _called(evidence, parent)
        said = (
            f"{where} had {low} to {high} of {role}" if rows else f"the {role}s of {where} varied"
        )
        rule = Rule(select, level=MatchLevel.LAYOUT, rows=rows)
        book.add(rule, f"{role}s are rows of data: {said}", len(counts))
        for child in tree.children[parent]:
            if tree.nodes[child].role == role:
                _take_in(tree, child, select, inside)
    return inside


def _take_in(tree: Tree, row: int, select: Selector, inside: dict[int, Selector]) -> None:
    """Note all of a row but what stands in a row already, whose nodes are all noted."""
    i = row
    while i < tree.ends[row]:
        if i in inside:
            i = tree.ends[i]
        else:
            inside[i] = select
            i += 1


def _step(namer: Namer, tree: Tree, index: int) -> tuple[Selector, ...]:
    """A node as the innermost ancestor of a selector."""
    name = namer.name(index)
    return (Selector(role=tree.nodes[index].role, name=name or None),)


def _living_lists(evidence: Evidence) -> Iterator[tuple[tuple[int, str], list[int]]]:
    """Rows of an unvarying number of which two or more changed their texts."""
    tree = evidence.baseline
    changed: dict[tuple[int, str], set[int]] = {}
    for index, field in evidence.values:
        if field not in ("name", "value"):
            continue
        row = _row_around(tree, index)
        if row > 0:
            changed.setdefault((tree.parents[row], tree.nodes[row].role), set()).add(row)
    for key, rows in changed.items():
        alike = sum(tree.nodes[i].role == key[1] for i in tree.children[key[0]])
        if key not in evidence.counts and alike >= 3 and len(rows) >= 2:
            yield key, [alike] * evidence.captures


def _row_around(tree: Tree, index: int) -> int:
    """The row that a node stands in or is; -1 or 0 where there is none near."""
    for _ in range(_MAX_ABOVE):
        if index <= 0 or tree.nodes[index].role in _ROWS:
            return index
        index = tree.parents[index]
    return -1


def _comings_and_goings(
    evidence: Evidence, namer: Namer, book: Rulebook, inside: dict[int, Selector]
) -> None:
    tree = evidence.baseline
    for index, times in evidence.absent.items():
        if book.full:
            return
        node = tree.nodes[index]
        if index in inside:
            if tree.parents[index] in inside:
                _row_part(book, node, inside[index], times)
            continue
        rule = Rule(namer.selector(index), optional=True)
        book.add(rule, f"{_called(evidence, index)} is not always there", times)
    for extra, times in evidence.extras.values():
        row = inside.get(extra.parent)
        if row is not None:
            _row_part(book, extra.node, row, times)
        elif not _is_row_of(extra.node, extra.parent, evidence):
            lacked = evidence.captures - times
            _extra(book, namer, evidence, extra.node, extra.parent, lacked)


def _row_part(book: Rulebook, node: Node, row: Selector, times: int) -> None:
    """A part that some rows have and others lack."""
    under = (*row.under, Selector(role=row.role))
    rule = Rule(Selector(role=node.role, under=under), optional=True)
    book.add(rule, f"some rows have a {node.role} and others do not", times)


def _is_row_of(node: Node, parent: int, evidence: Evidence) -> bool:
    holder = evidence.baseline.nodes[parent].role if parent >= 0 else ""
    return (parent, node.role) in evidence.counts and (node.role in _ROWS or holder in _HOLDERS)


def _extra(
    book: Rulebook, namer: Namer, evidence: Evidence, node: Node, parent: int, lacked: int
) -> None:
    above = (*namer.under(parent), *_step(namer, evidence.baseline, parent)) if parent > 0 else ()
    if not node.name and node.role in _WRAPPERS:
        select = Selector(role=node.role, name="", under=above[-2:])
        rule = Rule(select, scope=Scope.NODE, optional=True)
        book.add(rule, f"a {node.role} without a name is not always there", lacked)
        return
    if not node.name:
        book.say(f"a {node.role} without a name came and went: it still counts as drift", lacked)
        return
    # No capture at hand has two of its texts, so what looks live in it is taken to be.
    name = "".join(
        f"{{{shape}}}" if shape in VOLATILE else escape(piece) for shape, piece in tokens(node.name)
    )
    select = Selector(role=node.role, name=name, under=above[-2:])
    book.add(Rule(select, optional=True), f"{_node(node)} is not always there", lacked)


def _wildcards(evidence: Evidence, namer: Namer, book: Rulebook, inside: Iterable[int]) -> None:
    fields: dict[int, list[str]] = {}
    covered = set(inside)
    for index, field in evidence.values:
        if index not in covered:
            fields.setdefault(index, []).append(field)
    for index, varied in fields.items():
        if book.full:
            break
        patterns = {field: namer.pattern(index, field) or ANYTHING for field in varied}
        attributes = {
            field.removeprefix("attributes."): pattern
            for field, pattern in patterns.items()
            if field not in ("name", "value")
        }
        rule = Rule(
            namer.selector(index),
            name=patterns.get("name"),
            value=patterns.get("value"),
            attributes=attributes,
        )
        said = ", ".join(f"{field} is {pattern}" for field, pattern in sorted(patterns.items()))
        seen = max(len(evidence.values[index, field]) for field in patterns)
        book.add(rule, f"{_called(evidence, index)} varied: {said}", seen)


def called(tree: Tree, index: int) -> str:
    """A node as a sentence has it."""
    return _node(tree.nodes[index])


def _called(evidence: Evidence, index: int) -> str:
    return called(evidence.baseline, index)


def _node(node: Node) -> str:
    name = node.name if len(node.name) <= 60 else node.name[:59] + "…"
    return f"{node.role} “{name}”" if name else node.role
