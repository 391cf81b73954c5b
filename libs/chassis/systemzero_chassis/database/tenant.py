"""What a store is given instead of a connection: the rows of one tenant."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import Column, Connection, CursorResult, Executable

from systemzero_chassis.database.bodies import Bodies, PlainBodies
from systemzero_chassis.database.scope import check_scoped

T = TypeVar("T")

EVERY_TENANT = "*"
"""The scope of a transaction over all tenants; no tenant has this name."""

Values = Mapping[str, Any]
_PLAIN: Final = PlainBodies()


class TenantConnection:
    """An open transaction that reaches the rows of one tenant. Databases make it, nobody else."""

    __slots__ = ("_bodies", "_committed", "_connection", "tenant")

    def __init__(
        self,
        connection: Connection,
        tenant: str,
        bodies: Bodies = _PLAIN,
        committed: list[Callable[[], None]] | None = None,
    ) -> None:
        self._connection = connection
        self._bodies = bodies
        self._committed = [] if committed is None else committed
        self.tenant = tenant

    def execute(
        self, statement: Executable, values: Values | Sequence[Values] | None = None
    ) -> CursorResult[*tuple[Any, ...]]:
        """Run a statement on the tenant's rows.

        `TENANT` has its value, and a row that is inserted its `tenant`, by itself.

        Raises:
            Unscoped: the statement would reach other tenants' rows.
        """
        key = check_scoped(statement)
        own = {key: self.tenant} if key else {}
        if values is None or isinstance(values, Mapping):
            given: Any = {**(values or {}), **own}
        else:
            given = [{**row, **own} for row in values]
        result: CursorResult[*tuple[Any, ...]] = self._connection.execute(statement, given)
        return result

    def seal(self, column: Column[Any], body: bytes, *row: bytes | str | int) -> bytes:
        """`body` as it is to be stored in `column` of the row that `row` tells from others."""
        return self._bodies.seal(self, column, row, body)

    def open(self, column: Column[Any], stored: bytes, *row: bytes | str | int) -> bytes:
        """The body that is stored in `column` of the row that `row` tells from others.

        Raises:
            BodyErased: it was erased, or its data key destroyed.
            DataCorrupted: it is not what was stored there: altered, or another row's.
            FailedPrecondition: it is sealed, and no key is configured.
        """
        return self._bodies.open(self, column, row, stored)

    def with_bodies(self, bodies: Bodies) -> TenantConnection:
        """The same transaction, with `bodies` to seal and open them."""
        return TenantConnection(self._connection, self.tenant, bodies, self._committed)

    def after_commit(self, done: Callable[[], None]) -> None:
        """Have `done` called once the commit returned that has this write job, and only then.

        Not at all where the caller went away meanwhile.
        """
        self._committed.append(done)

    @property
    def unscoped(self) -> Connection:
        """The connection itself, for the log's store alone, whose statements name the tenant."""
        return self._connection


class TenantDatabase(Protocol):
    """A database's transactions of one tenant; see `Database.of`."""

    async def read(self, job: Callable[[TenantConnection], T]) -> T:
        """As `Database.read`."""
        ...

    async def look_up(self, job: Callable[[TenantConnection], T]) -> T:
        """As `read`, of a few rows by their keys.

        On SQLite it is done on the event loop: a thread costs more than such a job, which has to
        wait for the interpreter there after each of its statements.
        """
        ...

    async def write(self, job: Callable[[TenantConnection], T]) -> T:
        """As `Database.write`."""
        ...


async def committing(
    write: Callable[[Callable[[Connection], T]], Awaitable[T]],
    tenant: str,
    job: Callable[[TenantConnection], T],
) -> T:
    """The result of a tenant's job by `write`; then what it wanted to have done is done."""
    committed: list[Callable[[], None]] = []

    def run(connection: Connection) -> T:
        committed.clear()  # the job may be run again
        return job(TenantConnection(connection, tenant, committed=committed))

    value = await write(run)
    for done in committed:
        done()
    return value


def check_tenant(tenant: str) -> str:
    """`tenant`, unless it stands for none or for all.

    Raises:
        ValueError: it does.
    """
    if tenant in ("", EVERY_TENANT):
        raise ValueError(f"{tenant!r} is no tenant")
    return tenant
