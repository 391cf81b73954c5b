"""Databases (SQLite, PostgreSQL), migrations, tenant scope, encryption at rest."""
