"""Refusals that wait to be recorded: counted in a bounded number of groups.

Strangers choose how often they are refused, from which of their many addresses, with what, and by
which method. So nothing that they choose makes the log grow: in each interval the refusals that are
alike are one entry, and past a number of entries all others of a reason are one more. What a known
principal is refused is one entry for each reason, whatever else it changes; a tenant's principals
have a number of their own, so that neither strangers nor other tenants crowd them out.

Invariants:
1. Of strangers, and of each tenant's principals, there are at most `groups` entries, and one more
   for each reason.
2. Each refusal is counted in exactly one entry; none is lost, however many there are.
3. An entry names at most `_NAMES` methods and networks, each of at most `_TEXT` characters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from systemzero_gateway.audit.act import Act, Recorded

_NAMES: Final = 4
_TEXT: Final = 128

_Whose = tuple[str, bool]
"""Whose refusals share a bound: a tenant's principals', or strangers'."""
_Key = tuple[str, ...]
"""What refusals that are one entry have in common."""


class _Group:
    """Refusals that will be one entry; `first` has the details of the first."""

    __slots__ = ("first", "first_time", "last_time", "methods", "networks", "times", "told")

    def __init__(self, first: Recorded) -> None:
        self.first = first
        self.first_time, self.last_time = first.first_time, first.last_time
        self.times = self.told = 0
        self.methods: list[str] = []
        self.networks: list[str] = []

    def count(self, method: str, network: str, time: int) -> None:
        """One more; changed in place, since strangers choose how often."""
        self.times += 1
        self.last_time = time
        _name(self.methods, method)
        _name(self.networks, network)

    def merge(self, entry: Recorded) -> None:
        """As many more as there are in `entry`."""
        self.times += entry.times
        self.told += entry.told
        self.first_time = min(self.first_time, entry.first_time)
        self.last_time = max(self.last_time, entry.last_time)
        for method in entry.methods:
            _name(self.methods, method)
        for network in entry.networks:
            _name(self.networks, network)

    def entry(self) -> Recorded:
        """As it is to be written."""
        return self.first._replace(
            times=self.times,
            told=self.told,
            first_time=self.first_time,
            last_time=self.last_time,
            methods=tuple(self.methods),
            networks=tuple(self.networks),
        )


class Refusals:
    """Counts refusals until they are taken to be written."""

    def __init__(self, groups: int, clock: Callable[[], int]) -> None:
        """`clock` gives microseconds since 1970."""
        self._groups = groups
        self._clock = clock
        self._waiting: dict[_Whose, dict[_Key, _Group]] = {}
        self._apart: dict[_Whose, int] = {}

    def __len__(self) -> int:
        """How many entries they will be."""
        return sum(map(len, self._waiting.values()))

    def put(self, act: Act, address: str, trace_id: str, request_id: str) -> None:
        """Count a refusal."""
        now = self._clock()
        group = self._found(act)
        if group is None:
            first = Recorded(act, address, trace_id, now, now, request_id=request_id)
            group = self._made(first, others=False)
        group.count(act.method, act.network, now)

    def take(self) -> list[Recorded]:
        """All that wait; `put_back` those that could not be written."""
        taken = [group.entry() for groups in self._waiting.values() for group in groups.values()]
        self._waiting = {}
        self._apart = {}
        return taken

    def put_back(self, entries: Iterable[Recorded]) -> None:
        """Have entries wait again, before those that came meanwhile."""
        later = self.take()
        for entry in (*entries, *later):
            group = None if entry.others else self._found(entry.act)
            (group or self._made(entry, others=entry.others)).merge(entry)

    def _found(self, act: Act) -> _Group | None:
        groups = self._waiting.get(_whose(act))
        return groups.get(_key(act)) if groups else None

    def _made(self, first: Recorded, *, others: bool) -> _Group:
        """A group that begins with `first`, or the one of all others where there are too many."""
        act = first.act
        whose = _whose(act)
        groups = self._waiting.setdefault(whose, {})
        apart = self._apart.get(whose, 0)
        if not others and apart < self._groups:
            self._apart[whose] = apart + 1
            group = groups[_key(act)] = _Group(_cut(first))
            return group
        key = ("others", "", "", act.reason)
        if key not in groups:
            groups[key] = _Group(_without_name(first))
        return groups[key]


def _whose(act: Act) -> _Whose:
    return act.tenant, bool(act.principal)


def _key(act: Act) -> _Key:
    if act.principal:
        return act.principal, act.reason
    return act.network, act.credential, act.reason


def _name(names: list[str], name: str) -> None:
    if len(names) < _NAMES and name[:_TEXT] not in names:
        names.append(name[:_TEXT])


def _cut(first: Recorded) -> Recorded:
    act = first.act
    return first._replace(
        act=act._replace(method=act.method[:_TEXT], network=act.network[:_TEXT]),
        address=first.address[:_TEXT],
    )


def _without_name(first: Recorded) -> Recorded:
    """As one of those that have no entry of their own; their principals, if any, are `*`."""
    principal = "*" if first.act.principal else ""
    act = first.act._replace(method="", network="", credential="", principal=principal)
    return first._replace(act=act, address="", trace_id="", request_id="", others=True)
