"""Which tables of one capture hold data: those with a header and rows of one shape.

How many rows there are, in which order, their texts and where their links lead is data. What stays
is a row's shape: its cells, its controls, whether a box in it is checked, and what is written in
the same way in every row ("Edit"). A table without a header names in its rows what it tells of, and
one with fields to fill in is a form: both are compared as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from systemzero_core.roles import CONTROLS
from systemzero_core.template.model import MatchLevel, Rows, Rule, Scope, Selector
from systemzero_core.template.patterns import escape
from systemzero_core.template.validate import MAX_TOLERANCE
from systemzero_core.tree import Tree

_TABLES = frozenset({"table", "grid", "treegrid"})
_CELLS = frozenset({"cell", "gridcell", "rowheader"})
_FIELDS = frozenset({"textbox", "searchbox", "combobox", "spinbutton", "slider", "radio"})
_BOXES = frozenset({"checkbox", "switch"})
_PARTS = ("text", "link", "generic", "paragraph", "img", "emphasis", "strong", "time", "code")
"""What a cell's text is made of: one record has a picture or a link where another has none."""
_ALIKE = 0.6
"""The share of rows that have the most frequent number of cells, at least."""
_MAX_ROWS_READ = 1_000


class DataTable(NamedTuple):
    """A table of data.

    Attributes:
        at: the table's.
        headers: its header rows.
        rows: its rows of data, in order.
    """

    at: int
    headers: tuple[int, ...]
    rows: tuple[int, ...]


def data_tables(tree: Tree) -> Iterator[DataTable]:
    """The tables of data, in document order; those within tables are part of these."""
    end = 0
    for i, node in enumerate(tree.nodes):
        if i >= end and node.role in _TABLES:
            end = tree.ends[i]
            if table := _data_table(tree, i):
                yield table


def table_rules(tree: Tree, table: DataTable, under: tuple[Selector, ...]) -> Iterator[Rule]:
    """What may vary in a table that `under` selects, and what in it may not."""
    # Columns are as wide as what stands in them.
    yield Rule(last_of(under), box_tolerance=MAX_TOLERANCE)
    row = Selector(role="row", under=under)
    yield Rule(row, level=MatchLevel.LAYOUT, rows=Rows())
    places = {i: place for place, i in enumerate(_all_rows(tree, table.at), 1)}
    for header in table.headers:
        select = Selector(role="row", under=under, nth=places[header])
        once = Rows(minimum=1, maximum=1)
        yield Rule(select, level=MatchLevel.STRICT, rows=once)
    cells = sorted({tree.nodes[i].role for i in _cells(tree, table)} or {"cell"})
    for cell in cells:
        inside = (*under, Selector(role="row"), Selector(role=cell))
        yield from _parts(tree, table, inside)


def last_of(under: tuple[Selector, ...]) -> Selector:
    """Selects what stands under `under` as its last part: the table itself."""
    return msgspec.structs.replace(under[-1], under=under[:-1])


def _data_table(tree: Tree, index: int) -> DataTable | None:
    headers, rows = [], []
    for row in _all_rows(tree, index):
        kinds = {tree.nodes[child].role for child in tree.children[row]}
        if "columnheader" in kinds:
            headers.append(row)
        elif kinds & _CELLS:
            rows.append(row)
    if not headers or headers[0] > min(rows, default=headers[0]):
        return None
    if any(tree.nodes[i].role in _FIELDS for row in rows for i in range(row, tree.ends[row])):
        return None
    widths = Counter(len(tree.children[row]) for row in rows)
    if rows and max(widths.values()) < _ALIKE * len(rows):
        return None
    return DataTable(index, tuple(headers), tuple(rows))


def _all_rows(tree: Tree, table: int) -> Iterator[int]:
    """The rows of a table, those of tables within its cells included, as selectors see them."""
    return (i for i in range(table + 1, tree.ends[table]) if tree.nodes[i].role == "row")


def _cells(tree: Tree, table: DataTable) -> Iterator[int]:
    for row in table.rows[:_MAX_ROWS_READ]:
        yield from (i for i in tree.children[row] if tree.nodes[i].role in _CELLS)


def _parts(tree: Tree, table: DataTable, inside: tuple[Selector, ...]) -> Iterator[Rule]:
    constant = _constant(tree, table)
    for role in _PARTS:
        yield Rule(Selector(role=role, under=inside), scope=Scope.NODE, optional=True)
    for role in sorted(_BOXES):
        select = Selector(role=role, under=inside)
        yield Rule(select, level=MatchLevel.CONTENT, name="{any}", value="{any}")
    for role, name in constant:
        select = Selector(role=role, name=escape(name), under=inside)
        yield Rule(select, level=MatchLevel.CONTENT, optional=False)


def _constant(tree: Tree, table: DataTable) -> list[tuple[str, str]]:
    """The controls that every row has, by role and name; of one row nobody can tell."""
    rows = table.rows[:_MAX_ROWS_READ]
    if len(rows) < 2:
        return []
    named = [
        {
            (node.role, node.name)
            for node in tree.nodes[row : tree.ends[row]]
            if node.name and node.role in CONTROLS
        }
        for row in rows
    ]
    return sorted(set.intersection(*named))
