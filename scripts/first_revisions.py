"""Write each service's first migration anew from its tables: `make revisions`.

Right until the first release: until then no database outlives a change of the tables. After it, a
change is a migration of its own, and this script goes.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any, Literal

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from sqlalchemy import TypeDecorator, create_engine

from systemzero_admin.schemas import installed
from systemzero_storage.database import Schema
from systemzero_storage.schema import revision_of

_TEXT = '''"""The first schema of the {name} service."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
{upgrade}
'''


def main() -> int:
    """Write them; the exit status is the formatter's."""
    paths = []
    for schema in installed():
        schema.migrations.mkdir(exist_ok=True)
        path = schema.migrations / f"{revision_of(1)}_first.py"
        path.write_text(first_revision(schema))
        paths.append(str(path))
    return subprocess.call([sys.executable, "-m", "ruff", "format", "--quiet", *paths])


def first_revision(schema: Schema) -> str:
    """The migration that makes the schema's tables, as a module's text."""
    with create_engine("sqlite://").connect() as connection:
        options = {"target_metadata": schema.metadata}
        context = MigrationContext.configure(connection, opts=options)
        operations = produce_migrations(context, schema.metadata).upgrade_ops
        assert operations is not None  # noqa: S101 - produce_migrations makes it
        text = render_python_code(operations, render_item=_plain_type)
        lines = text.splitlines()
    upgrade = "\n".join(line for line in lines if "###" not in line)
    return _TEXT.format(name=schema.name, revision=revision_of(1), upgrade=upgrade)


def _plain_type(kind: str, item: Any, _context: object) -> str | Literal[False]:
    """What a type of ours is to the database; a migration must not change when our type does."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{type(item.impl_instance).__name__}()"
    return False


if __name__ == "__main__":
    sys.exit(main())
