"""What a store is given instead of a connection: the rows of one tenant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Generic, Protocol, TypeVar

from sqlalchemy import Column, Connection, CursorResult, Executable

from systemzero_storage.tenancy.bodies import Bodies, PlainBodies
from systemzero_storage.tenancy.scope import check_scoped

T = TypeVar("T")

EVERY_TENANT = "*"
"""The scope of a transaction over all tenants; no tenant has this name."""

Values = Mapping[str, Any]
Done = tuple[Callable[..., None], tuple[object, ...]]
"""What is to be called once a write job is committed, and with what."""
_PLAIN: Final = PlainBodies()


class TenantConnection:
    """An open transaction that reaches the rows of one tenant. Databases make it, nobody else."""

    __slots__ = ("_bodies", "_committed", "_connection", "tenant")

    def __init__(
        self,
        connection: Connection,
        tenant: str,
        bodies: Bodies = _PLAIN,
        committed: list[Done] | None = None,
    ) -> None:
        self._connection = connection
        self._bodies = bodies
        self._committed = committed
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

    def after_commit(self, done: Callable[..., None], *values: object) -> None:
        """Have `done(*values)` called once the commit that has this write job returned.

        Only then, and also where the caller went away meanwhile.
        """
        if self._committed is not None:  # None of those that only read
            self._committed.append((done, values))

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


class Write(Generic[T]):
    """A write job of a tenant's, and what it wants to have done once it is committed."""

    __slots__ = ("_done", "_job", "_tenant")

    def __init__(self, tenant: str, job: Callable[[TenantConnection], T]) -> None:
        self._tenant = tenant
        self._job = job
        self._done: list[Done] = []

    def __call__(self, connection: Connection) -> T:
        """Run it; it may be run again, from its start."""
        self._done.clear()
        return self._job(TenantConnection(connection, self._tenant, committed=self._done))

    def committed(self) -> None:
        """Do what it wants to have done."""
        for done, values in self._done:
            done(*values)


def check_tenant(tenant: str) -> str:
    """`tenant`, unless it stands for none or for all.

    Raises:
        ValueError: it does.
    """
    if tenant in ("", EVERY_TENANT):
        raise ValueError(f"{tenant!r} is no tenant")
    return tenant
