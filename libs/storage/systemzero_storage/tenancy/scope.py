"""A statement that touches nothing but one tenant's rows, or does not run.

Every table with a column `tenant` that a statement reads or changes MUST be held, by conditions
that all rows meet, to the tenant of the transaction: `table.c.tenant == TENANT`, or an equality
with the tenant of a table that is held. This is checked on the statement's structure, once for each
statement, so that a query that forgets its tenant fails at its first run, not at its first leak.

1. Conditions under OR or NOT hold nothing.
2. A subquery holds its own tables, or ties them to a table of the query around it.
3. SQL as text is refused: nobody can say what it touches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import Alias, BinaryExpression, ColumnElement, Executable, Join, Text, bindparam
from sqlalchemy.sql import dml, operators, schema, selectable, visitors
from sqlalchemy.sql.elements import BindParameter, BooleanClauseList, Grouping, TextClause

COLUMN: Final = "tenant"
TENANT: Final[BindParameter[str]] = bindparam("this_tenant", type_=Text())
"""Stands for the transaction's tenant in a statement; its value is given by `TenantConnection`."""

_GIVEN: Final = object()
_checked: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


class Unscoped(AssertionError):
    """A statement that would reach across tenants: a mistake in the code, never a caller's."""


def check_scoped(statement: Executable) -> str:
    """Check a statement as the module says; under which name it takes the tenant, empty for none.

    Raises:
        Unscoped: names the table that is not held.
    """
    if statement not in _checked:
        _check(statement, frozenset())
        _checked[statement] = _key(statement)
    return _checked[statement]


def _key(statement: Any) -> str:
    if isinstance(statement, dml.Insert) and statement.select is None:
        return COLUMN if COLUMN in statement.table.c else ""
    return TENANT.key if any(map(_is_given, visitors.iterate(statement))) else ""


def _is_given(element: Any) -> bool:
    return isinstance(element, BindParameter) and element.key == TENANT.key


def _check(element: Any, around: frozenset[Any]) -> None:
    if isinstance(element, TextClause) or _is_literal(element):
        raise Unscoped("SQL as text")
    if isinstance(element, dml.Insert):
        _check_insert(element)
    elif isinstance(element, selectable.Select):
        around |= _hold(_tables(element.get_final_froms()), _conditions_of(element), around)
    elif isinstance(element, dml.Update | dml.Delete):
        named = {element.table, *_named(element)}  # UPDATE ... FROM others that it names
        around |= _hold(named, _anded(element.whereclause), frozenset())
    elif isinstance(element, selectable.Subquery | selectable.CTE):
        around = frozenset()  # what stands in FROM sees nothing of the query around it
    for child in element.get_children():
        _check(child, around)


def _is_literal(element: Any) -> bool:
    return bool(getattr(element, "is_literal", False)) and str(element) != "*"  # as in count(*)


def _named(element: Any) -> Iterator[Any]:
    """The tables of every column that stands in `element`, but not in a subquery of it."""
    for child in element.get_children():
        if isinstance(child, schema.Column):
            yield child.table
        elif not isinstance(child, selectable.Select | selectable.FromClause):
            yield from _named(child)


def _hold(
    tables: set[Any], conditions: Iterable[ColumnElement[Any]], around: frozenset[Any]
) -> frozenset[Any]:
    """Check that `conditions` hold all `tables`, some of which may be of the query around."""
    own = tables - around or tables
    held, pairs = {_GIVEN, *(around - own)}, list(_equalities(conditions))
    before = 0
    while len(held) > before:  # equal to what is held is held, too
        before = len(held)
        held |= {b for pair in pairs for a, b in (pair, pair[::-1]) if a in held}
    for table in own:
        if COLUMN in table.c and table not in held:
            raise Unscoped(f"{table.name}: no condition holds it to the tenant")
    return frozenset(tables)


def _equalities(conditions: Iterable[ColumnElement[Any]]) -> Iterator[tuple[Any, Any]]:
    """Pairs of what the conditions say is of one tenant: tables, or the given one."""
    for condition in conditions:
        if isinstance(condition, BinaryExpression) and condition.operator is operators.eq:
            left, right = _tenant_of(condition.left), _tenant_of(condition.right)
            if left is not None and right is not None:
                yield left, right


def _tenant_of(side: Any) -> Any:
    if isinstance(side, BindParameter):
        return _GIVEN if _is_given(side) else None
    return side.table if getattr(side, "name", None) == COLUMN else None


def _conditions_of(query: selectable.Select[Any]) -> Iterator[ColumnElement[Any]]:
    yield from _anded(query.whereclause)
    for joined in query.get_final_froms():
        yield from _join_conditions(joined)


def _join_conditions(joined: Any) -> Iterator[ColumnElement[Any]]:
    if isinstance(joined, Join):
        # of an outer join, rows of the left stand whatever the condition says
        if not (joined.isouter or joined.full):
            yield from _anded(joined.onclause)
        yield from _join_conditions(joined.left)
        yield from _join_conditions(joined.right)


def _anded(condition: Any) -> Iterator[ColumnElement[Any]]:
    if isinstance(condition, Grouping):
        yield from _anded(condition.element)
    elif isinstance(condition, BooleanClauseList) and condition.operator is operators.and_:
        for part in condition.clauses:
            yield from _anded(part)
    elif condition is not None:
        yield condition


def _tables(froms: Iterable[Any]) -> set[Any]:
    found: set[Any] = set()
    for one in froms:
        if isinstance(one, Join):
            found |= _tables((one.left, one.right))
        elif not isinstance(one, selectable.Subquery | selectable.CTE) or isinstance(one, Alias):
            found.add(one)
    return found


def _check_insert(statement: dml.Insert) -> None:
    if COLUMN not in statement.table.c or statement.select is None:
        return  # its rows' tenant is set where it is executed
    names = [getattr(name, "name", name) for name in statement._select_names or ()]  # noqa: SLF001
    query: Any = statement.select
    given = dict(zip(names, query.selected_columns, strict=True)).get(COLUMN)
    if given is None or not any(map(_is_given, visitors.iterate(given))):
        raise Unscoped(f"{statement.table.name}: rows are inserted for no tenant")
