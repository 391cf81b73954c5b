"""What the log's store refuses to do."""

from __future__ import annotations

from systemzero_core.errors import DataCorrupted


class LogDiverged(DataCorrupted):
    """The stored log does not extend a published checkpoint, or others wrote to it.

    `metadata` has the tenant. Nothing more is signed or served of it: a second history under the
    same name is what the log exists to exclude.
    """

    def __init__(self, tenant: str, what: str) -> None:
        super().__init__(
            f"the log of tenant {tenant!r} is damaged: {what}. Restore the newest backup that "
            "extends the last published checkpoint; if there is none, keep this database as "
            "evidence and begin a new log under another origin (docs/runbook.md)",
            metadata={"tenant": tenant},
        )
