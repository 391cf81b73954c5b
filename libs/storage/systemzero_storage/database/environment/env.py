"""What Alembic runs for a migration: on the connection that `migrate` gives, in its transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], target_metadata=None)
context.run_migrations()
