"""What can be set of the audit log."""

from __future__ import annotations

from typing import Annotated

import msgspec

from systemzero_base.settings.config import Count, Settings
from systemzero_evidence.log import Witness

Interval = Annotated[float, msgspec.Meta(gt=0, le=3_600)]
Days = Annotated[int, msgspec.Meta(ge=0, le=36_500)]


class RefusalSettings(Settings, frozen=True):
    """Refusals in the audit log.

    Attributes:
        interval: seconds in which those that are alike become one entry; a gateway that is killed
            loses those of as long.
        groups: entries of an interval that strangers are recorded in, and as many for each
            tenant's principals; all others of a reason are one more.
        days: how long what an entry of refusals says is kept; 0 is for good.
    """

    interval: Interval = 60.0
    groups: Count = 16
    days: Days = 30


class AuditSettings(Settings, frozen=True):
    """The audit log.

    Attributes:
        origin: the start of every tenant's log name; choose it once, it stands in every checkpoint.
            Empty for one that is made up at the first start and kept in the data folder.
        queue: acts that may wait to be written; beyond it what would have to be recorded is
            refused.
        refusals: how refusals are recorded.
        witnesses: who is to cosign the log's checkpoints: the `url` below which each takes them
            (`add-checkpoint`), and its `key`, a C2SP verifier key of type 4.
    """

    origin: str = ""
    queue: Count = 10_000
    refusals: RefusalSettings = RefusalSettings()
    witnesses: tuple[Witness, ...] = ()
