"""The database under every store: short synchronous jobs, run and committed off the event loop.

`Database` is what stores are written against; `open_database` gives the one that settings name.
PostgreSQL's is in `postgres`, and imported with it alone.
"""

from systemzero_chassis.database.bodies import ERASED, BodyErased
from systemzero_chassis.database.opening import Schema, look_at_database, open_database
from systemzero_chassis.database.protocol import Database
from systemzero_chassis.database.schema import SchemaMismatch
from systemzero_chassis.database.scope import TENANT, Unscoped
from systemzero_chassis.database.settings import DatabaseSettings
from systemzero_chassis.database.sqlite import SqliteDatabase, open_sqlite
from systemzero_chassis.database.tenant import TenantConnection, TenantDatabase

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
