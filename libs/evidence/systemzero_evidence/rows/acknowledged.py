"""The entries that this process saw committed, and that no checkpoint covers yet.

The database alone can't tell that its last entry was deleted: what is left is a whole log. Who
appended remembers, as long as it runs: each entry's MAC, up to a bound.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from typing import Final

from systemzero_evidence.rows.errors import LogDiverged

MOST: Final = 4096
"""Entries of one log that are remembered; of more, those that were appended last."""


class Acknowledged:
    """What is remembered of each tenant's log. For one event loop, and its threads' reads."""

    def __init__(self) -> None:
        # ordered ones: of a plain dict, the first is looked for among all that were taken out
        self._macs: defaultdict[str, OrderedDict[int, bytes]] = defaultdict(OrderedDict)

    def add(self, tenant: str, position: int, mac: bytes) -> None:
        """Remember an entry, once its commit returned; what was remembered of the place stays."""
        macs = self._macs[tenant]
        macs.setdefault(position, mac)
        if len(macs) > MOST:
            macs.popitem(last=False)

    def size(self, tenant: str) -> int:
        """How many entries the log has at least; 0 where nothing is remembered."""
        return max(self._macs.get(tenant, ()), default=-1) + 1

    def check(self, tenant: str, position: int, mac: bytes) -> None:
        """Hold an entry as it is stored against what is remembered of its place.

        Raises:
            LogDiverged: another entry was committed there.
        """
        known = self._macs[tenant].get(position, mac) if tenant in self._macs else mac
        if known != mac:
            raise LogDiverged(tenant, f"entry {position} is not the one that was committed there")

    def check_size(self, tenant: str, size: int) -> None:
        """Check that a log of `size` entries holds all that are remembered.

        Raises:
            LogDiverged: one that was committed is gone.
        """
        gone = [position for position in self._macs.get(tenant, ()) if position >= size]
        if gone:
            raise LogDiverged(tenant, f"entry {min(gone)}, which was committed, is gone")

    def forget(self, tenant: str, size: int) -> None:
        """Forget what a committed checkpoint of `size` entries covers."""
        known = self._macs.pop(tenant, OrderedDict())
        left = OrderedDict((at, mac) for at, mac in known.items() if at >= size)
        if left:
            self._macs[tenant] = left
