"""Which edits are one change: each is put under the first rule that finds it company.

1. What went and came under one role and name was built anew (`_rebuilt`).
2. Cells that came or went in the rows of one table are columns (`_columns`).
3. The same values before and after, or the same piece of longer ones, are one change wherever they
   are seen (`_alike`).
4. What is left is put together by what happened and where (`_placed`).

Each rule takes what it groups from what the rules before it left. Linear in the edits.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from enum import Enum, auto
from typing import Final, NamedTuple

from systemzero_core.characters import known
from systemzero_core.diff import EditKind, PathStep
from systemzero_core.grouping.changes import identity_before, operation, same_change
from systemzero_core.grouping.facts import Fact, around
from systemzero_core.grouping.model import Topic
from systemzero_core.roles import REPEATING

_CELLS: Final = frozenset(("cell", "gridcell", "columnheader", "rowheader"))
_TABLES: Final = frozenset(("table", "grid", "treegrid"))
_NAMED_AT_LEAST: Final = 3
"""Characters of a text that is recognised elsewhere, at least."""

_REPEATED: Final = 2
"""Equal things that came to different places, or went: more than this many are told together."""


class Rule(Enum):
    """Why the edits of a group are one change."""

    ALONE = auto()
    REBUILT = auto()
    COLUMNS = auto()
    ALIKE = auto()
    PLACED = auto()


class Group(NamedTuple):
    """Edits that are one change, in their order."""

    rule: Rule
    facts: tuple[Fact, ...]

    @property
    def first(self) -> Fact:
        """The one that matters most, the first of equals."""
        return min(self.facts, key=lambda fact: (fact.topic, fact.at))


def groups(found: Sequence[Fact]) -> list[Group]:
    """All of `found`, each in one group."""
    made: list[Group] = []
    left: Sequence[Fact] = found
    for rule in (_rebuilt, _columns, _alike, _placed):
        made += rule(left)
        taken = {fact.at for group in made for fact in group.facts}
        left = [fact for fact in found if fact.at not in taken]
    return made


def _rebuilt(found: Sequence[Fact]) -> Iterator[Group]:
    came = _by_identity(fact for fact in found if fact.edit.kind is EditKind.INSERT)
    homes: dict[int, list[Fact]] = {}  # by the insert, so that it is in one group
    shared: dict[Hashable, list[Fact]] = {}
    for fact in found if came else ():
        for again in came.get(identity_before(fact), ()):
            if again.at in homes and is_built_anew(again, fact):
                continue  # another one like it was it
            if again.at not in homes:
                whole = is_built_anew(again, fact)
                key = (fact.topic, fact.place, again.place) if whole else again.at
                homes[again.at] = shared.setdefault(key, [])
                homes[again.at].append(again)
            homes[again.at].append(fact)
            break
    yield from (_group(Rule.REBUILT, facts) for facts in shared.values())


def _by_identity(found: Iterable[Fact]) -> dict[tuple[str, str], list[Fact]]:
    """What came under each role and name: first what is that itself, then what holds it."""
    by: dict[tuple[str, str], list[Fact]] = {}
    holders: dict[tuple[str, str], list[Fact]] = {}
    for fact in found:
        for node in fact.edit.nodes or (fact.step,):
            if node.name and _recognised(node.role, node.name):
                is_root = (node.role, node.name) == (fact.step.role, fact.step.name)
                (by if is_root else holders).setdefault((node.role, node.name), []).append(fact)
    for identity, facts in holders.items():
        by.setdefault(identity, []).extend(facts)
    return by


def is_built_anew(came: Fact, went: Fact) -> bool:
    """Whether what came is itself what went, and does not only hold it."""
    return (came.step.role, came.step.name) == identity_before(went)


def _recognised(role: str, name: str) -> bool:
    if role == "generic" or role in REPEATING:
        return False
    return role != "text" or (len(name) >= _NAMED_AT_LEAST and not known(name).isdigit())


def _columns(found: Sequence[Fact]) -> Iterator[Group]:
    tables: dict[Hashable, list[Fact]] = {}
    for fact in found:
        if fact.edit.nodes and fact.step.role in _CELLS and len(fact.path) > 1:
            table = _table(fact.path)
            if table and fact.path[-2].role == "row":
                tables.setdefault((fact.edit.kind, table), []).append(fact)
    for facts in tables.values():
        rows = {fact.path[:-1] for fact in facts}
        if len(rows) > 1:
            yield _group(Rule.COLUMNS, facts)


def _table(path: Sequence[PathStep]) -> tuple[PathStep, ...]:
    """The way to the table that a node is in; empty where it is in none."""
    for end in range(len(path) - 1, 0, -1):
        if path[end - 1].role in _TABLES:
            return tuple(path[:end])
    return ()


def _alike(found: Sequence[Fact]) -> Iterator[Group]:
    seen = (f for f in found if f.topic is not Topic.MARKUP and f.topic is not Topic.OVERLAY)
    for value, facts in _sorted_by(seen, same_change).items():
        if value is not None and len(facts) > (1 if facts[0].is_update else _REPEATED):
            yield _group(Rule.ALIKE, facts)


def _placed(found: Sequence[Fact]) -> Iterator[Group]:
    for facts in _sorted_by(found, _place_key).values():
        yield _group(Rule.PLACED if len(facts) > 1 else Rule.ALONE, facts)


def _place_key(fact: Fact) -> Hashable:
    kind, topic = fact.edit.kind, fact.topic
    if topic is Topic.MARKUP or topic is Topic.LAYOUT:
        return topic
    if topic is Topic.OVERLAY:
        return topic, fact.at
    if kind is EditKind.UPDATE:
        change = fact.change
        return kind, topic, change and change.field, operation(fact), fact.place
    if kind is EditKind.MOVE:
        return kind, fact.place, around(fact.edit.parent)
    return kind, fact.place, topic is Topic.TEXT


def _sorted_by(
    found: Iterable[Fact], key: Callable[[Fact], Hashable | None]
) -> dict[Hashable | None, list[Fact]]:
    by: dict[Hashable | None, list[Fact]] = {}
    for fact in found:
        by.setdefault(key(fact), []).append(fact)
    return by


def _group(rule: Rule, facts: Iterable[Fact]) -> Group:
    return Group(rule, tuple(sorted(facts, key=lambda fact: fact.at)))
