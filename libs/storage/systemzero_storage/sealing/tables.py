"""The table of data keys, in every database whose bodies can be sealed."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table, Text

NAME: Final = "data_keys"


def data_keys_table(metadata: MetaData) -> Table:
    """Declare the table: rows are added, wrapped anew and, when destroyed, left without a key."""
    return Table(
        NAME,
        metadata,
        Column("tenant", Text, primary_key=True),
        Column("number", Integer, primary_key=True, autoincrement=False),  # from 1, by tenant
        Column("kek", Text, nullable=False),  # the id of the KEK that wraps it
        Column("wrapped", LargeBinary),  # None once destroyed
        Column("uses", BigInteger, nullable=False),  # bodies it sealed at most
        Column("create_time", BigInteger, nullable=False),
        Column("destroy_time", BigInteger),
    )
