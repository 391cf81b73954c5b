"""What can be set of the audit log."""

from __future__ import annotations

from systemzero_chassis.config import Count, Settings
from systemzero_chassis.logstore import Witness


class AuditSettings(Settings, frozen=True):
    """The audit log.

    Attributes:
        origin: the start of every tenant's log name; choose it once, it stands in every checkpoint.
            Empty for one that is made up at the first start and kept in the data folder.
        queue: entries that may wait to be written; beyond it what would have to be recorded is
            refused.
        witnesses: who is to cosign the log's checkpoints: the `url` below which each takes them
            (`add-checkpoint`), and its `key`, a C2SP verifier key of type 4.
    """

    origin: str = ""
    queue: Count = 10_000
    witnesses: tuple[Witness, ...] = ()
