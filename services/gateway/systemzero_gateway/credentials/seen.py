"""A cache of the credentials that were accepted here, by their digest.

Bounded in all and for each principal: a key with very many tokens pushes out its own alone.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from systemzero_gateway.access.caller import Caller

ENTRIES: Final = 20_000
OF_ONE: Final = 100
"""Credentials of one principal."""


class Seen:
    """Callers by the digests of their credentials; oldest out first."""

    def __init__(self, entries: int = ENTRIES, of_one: int = OF_ONE) -> None:
        self._entries = entries
        self._of_one = of_one
        self._callers: dict[bytes, Caller | None] = {}  # None: good once, to be looked up again
        self._principals: dict[bytes, str] = {}
        self._digests: dict[str, deque[bytes]] = {}

    def __len__(self) -> int:
        return len(self._callers)

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._callers

    def has_of(self, principal_id: str) -> bool:
        """Whether a credential of this principal was good."""
        return principal_id in self._digests

    def caller(self, digest: bytes) -> Caller | None:
        """Whose credential it is, unless that has to be looked up."""
        return self._callers.get(digest)

    def put(self, digest: bytes, caller: Caller) -> None:
        """Remember a good credential."""
        if digest not in self._callers:
            principal = caller.principal.principal_id
            own = self._digests.get(principal)
            if own is not None and len(own) >= self._of_one:
                self.drop(own[0])
            elif len(self._callers) >= self._entries:
                self.drop(next(iter(self._callers)))
            self._principals[digest] = principal
            self._digests.setdefault(principal, deque()).append(digest)
        self._callers[digest] = caller

    def drop(self, digest: bytes) -> None:
        """Forget a credential: it is no good any more, or makes room."""
        self._callers.pop(digest, None)
        principal = self._principals.pop(digest, None)
        if principal is not None:
            own = self._digests[principal]
            own.remove(digest)
            if not own:
                del self._digests[principal]

    def look_up_again(self, tenants: frozenset[str] | None) -> None:
        """Have the credentials of `tenants` looked up at their next use; None: all of them."""
        for digest, caller in self._callers.items():
            if tenants is None or (caller is not None and caller.principal.tenant in tenants):
                self._callers[digest] = None
