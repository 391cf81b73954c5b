"""The database under every store: short synchronous jobs, run and committed off the event loop.

`Database` is what stores are written against; `open_database` gives the one that settings name.
PostgreSQL's is in `postgres`, and imported with it alone.
"""

from systemzero_storage.database.opening import Schema, look_at_database, open_database
from systemzero_storage.protocol import Database
from systemzero_storage.schema import SchemaMismatch
from systemzero_storage.settings import DatabaseSettings
from systemzero_storage.sqlite.database import SqliteDatabase, open_sqlite
from systemzero_storage.tenancy.bodies import ERASED, BodyErased
from systemzero_storage.tenancy.scope import TENANT, Unscoped
from systemzero_storage.tenancy.tenant import TenantConnection, TenantDatabase

__all__ = [
    "ERASED",
    "TENANT",
    "BodyErased",
    "Database",
    "DatabaseSettings",
    "Schema",
    "SchemaMismatch",
    "SqliteDatabase",
    "TenantConnection",
    "TenantDatabase",
    "Unscoped",
    "look_at_database",
    "open_database",
    "open_sqlite",
]
