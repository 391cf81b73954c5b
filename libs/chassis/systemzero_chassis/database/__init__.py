"""The database under every store: short synchronous jobs, run and committed off the event loop.

`Database` is what stores are written against; `open_sqlite` gives the embedded one.
"""

from systemzero_chassis.database.protocol import Database
from systemzero_chassis.database.schema import SchemaMismatch
from systemzero_chassis.database.sqlite import SqliteDatabase, open_sqlite

__all__ = ["Database", "SchemaMismatch", "SqliteDatabase", "open_sqlite"]
