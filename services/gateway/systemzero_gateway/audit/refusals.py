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
from typing import Final, NamedTuple

from systemzero_gateway.audit.act import Act, Recorded

_NAMES: Final = 4
_TEXT: Final = 128


class _Whose(NamedTuple):
    """Whose refusals share a bound: a tenant's principals', or strangers'."""

    tenant: str
    known: bool


class Refusals:
    """Counts refusals until they are taken to be written."""

    def __init__(self, groups: int, clock: Callable[[], int]) -> None:
        """`clock` gives microseconds since 1970."""
        self._groups = groups
        self._clock = clock
        self._waiting: dict[_Whose, dict[Act, Recorded]] = {}
        self._apart: dict[_Whose, int] = {}

    def __len__(self) -> int:
        """How many entries they will be."""
        return sum(map(len, self._waiting.values()))

    def put(self, act: Act, address: str, trace_id: str, request_id: str) -> None:
        """Count a refusal."""
        now = self._clock()
        names = (act.method[:_TEXT],), (act.network[:_TEXT],)
        first = Recorded(
            act._replace(method=names[0][0], network=names[1][0]),
            address[:_TEXT],
            trace_id,
            now,
            now,
            request_id=request_id,
            methods=names[0],
            networks=names[1],
        )
        self._add(first)

    def take(self) -> list[Recorded]:
        """All that wait; `put_back` those that could not be written."""
        taken = [entry for group in self._waiting.values() for entry in group.values()]
        self._waiting = {}
        self._apart = {}
        return taken

    def put_back(self, entries: Iterable[Recorded]) -> None:
        """Have entries wait again, before those that came meanwhile."""
        later = self.take()
        for entry in (*entries, *later):
            self._add(entry)

    def _add(self, entry: Recorded) -> None:
        whose = _Whose(entry.act.tenant, bool(entry.act.principal))
        waiting = self._waiting.setdefault(whose, {})
        key = _key(entry.act)
        if not entry.others and key not in waiting:
            apart = self._apart.get(whose, 0)
            if apart < self._groups:
                self._apart[whose] = apart + 1
                waiting[key] = entry
                return
        if entry.others or key not in waiting:
            key, entry = _others(entry)
        before = waiting.get(key)
        waiting[key] = entry if before is None else _together(before, entry)


def _key(act: Act) -> Act:
    """What refusals that are one entry have in common."""
    if act.principal:
        return act._replace(method="", network="")
    return act._replace(method="")


def _others(entry: Recorded) -> tuple[Act, Recorded]:
    """As one of those that have no entry of their own; their principals, if any, are `*`."""
    principal = "*" if entry.act.principal else ""
    act = entry.act._replace(method="", network="", credential="", principal=principal)
    nobody = entry._replace(act=act, address="", trace_id="", request_id="", others=True)
    return act._replace(credential="others"), nobody


def _together(first: Recorded, later: Recorded) -> Recorded:
    return first._replace(
        times=first.times + later.times,
        told=first.told + later.told,
        first_time=min(first.first_time, later.first_time),
        last_time=max(first.last_time, later.last_time),
        methods=_some(first.methods, later.methods),
        networks=_some(first.networks, later.networks),
    )


def _some(first: tuple[str, ...], later: tuple[str, ...]) -> tuple[str, ...]:
    if len(first) >= _NAMES or set(later) <= set(first):
        return first
    return tuple(dict.fromkeys((*first, *later)))[:_NAMES]
