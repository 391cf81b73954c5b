"""A statement that forgets its tenant is refused; one that holds every table of it runs."""

from __future__ import annotations

import pytest
from sqlalchemy import (
    Column,
    Executable,
    Integer,
    MetaData,
    Table,
    Text,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    text,
    update,
)

from systemzero_storage.database import TENANT, Unscoped
from systemzero_storage.tenancy.scope import check_scoped

M = MetaData()
A = Table("a", M, Column("tenant", Text, primary_key=True), Column("x", Integer))
B = Table("b", M, Column("tenant", Text, primary_key=True), Column("x", Integer))
SHARED = Table("shared", M, Column("x", Integer))
OTHER = A.alias("other")
MINE, B_MINE = A.c.tenant == TENANT, B.c.tenant == TENANT
TIED = A.c.tenant == B.c.tenant
OF_EACH = select(B.c.x).where(TIED).scalar_subquery()

HELD: dict[str, Executable] = {
    "select": select(A).where(MINE),
    "count": select(func.count()).select_from(A).where(MINE),
    "more conditions": select(A).where(MINE, or_(A.c.x == 1, A.c.x == 2)),
    "join, tied": select(A).join(B, TIED & (A.c.x == B.c.x)).where(B_MINE),
    "join, both": select(A).join(B, (A.c.x == B.c.x) & B_MINE).where(MINE),
    "subquery tied to the outer": select(A, OF_EACH).where(MINE),
    "subquery of its own": select(A).where(MINE, A.c.x.in_(select(B.c.x).where(B_MINE))),
    "from a subquery": select(select(A.c.x).where(MINE).subquery()),
    "update": update(A).where(MINE).values(x=1),
    "delete": delete(A).where(MINE, A.c.x < 5),
    "insert": insert(A),
    "insert from": insert(A).from_select(
        ["tenant", "x"], select(TENANT, OTHER.c.x).where(OTHER.c.tenant == TENANT)
    ),
    "what has no tenant": select(SHARED),
}
REFUSED: dict[str, Executable] = {
    "select": select(A),
    "count": select(func.count()).select_from(A),
    "under or": select(A).where(or_(MINE, A.c.x == 1)),
    "not": select(A).where(~MINE),
    "unequal": select(A).where(A.c.tenant != TENANT),
    "another value": select(A).where(A.c.tenant == bindparam("given")),
    "a literal": select(A).where(A.c.tenant == "acme"),
    "join by something else": select(A).join(B, A.c.x == B.c.x).where(B_MINE),
    "outer join": select(A).outerjoin(B, TIED).where(B_MINE),
    "product": select(A, OTHER).where(MINE),
    "tied to nothing held": select(A).join(B, TIED),
    "subquery tied to nothing held": select(A, OF_EACH),
    "subquery of the same table": select(A).where(MINE, A.c.x.in_(select(A.c.x))),
    "subquery of another": select(A).where(MINE, A.c.x.in_(select(B.c.x))),
    "exists": select(literal(1)).where(exists(select(A.c.x))),
    "from a subquery": select(select(A.c.x).subquery()),
    "union": select(A.c.x).where(MINE).union(select(B.c.x)),
    "update": update(A).values(x=1),
    "update from": update(A).where(A.c.x == B.c.x).where(MINE).values(x=B.c.x),
    "delete": delete(A).where(A.c.x == 1),
    "insert for another": insert(A).from_select(
        ["tenant", "x"], select(literal("z"), OTHER.c.x).where(OTHER.c.tenant == TENANT)
    ),
    "insert from all": insert(A).from_select(["tenant", "x"], select(TENANT, OTHER.c.x)),
    "text": text("SELECT * FROM a"),
    "text within": select(A).where(MINE, text("1 = 1")),
    "literal column": select(literal_column("(SELECT max(x) FROM a)")),
}


@pytest.mark.parametrize("statement", HELD.values(), ids=HELD)
def test_what_is_held_to_the_tenant_runs(statement: Executable) -> None:
    check_scoped(statement)


@pytest.mark.parametrize("statement", REFUSED.values(), ids=REFUSED)
def test_what_reaches_further_is_refused(statement: Executable) -> None:
    with pytest.raises(Unscoped):
        check_scoped(statement)
