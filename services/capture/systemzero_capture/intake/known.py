"""The keys under which a capture's content is known, so that it need not be parsed again.

Content is known by the digest of the client's bytes, and by the full digest of the normal form that
a client computed itself; each key belongs to one tenant. What is forgotten costs a parse, no more;
whether the body is still stored is for the store to say, at every use.
"""

from __future__ import annotations

from systemzero_base.lru import Lru
from systemzero_capture.digests import tree_digest
from systemzero_capture.model import Arrival, ContentFacts
from systemzero_capture.store import CaptureStore

_ENTRY = 1_000
"""Bytes that what is known takes beside its texts."""
_REASON = 200
_WIDEST = 4
"""Bytes of a text's widest character."""


def known_memory(_key: bytes, known: ContentFacts) -> int:
    """Bytes that an entry takes in memory, about."""
    return _ENTRY + sum(_REASON + _WIDEST * len(why.detail) for why in known.incompleteness)


class KnownContents:
    """What is known of contents, of all tenants."""

    def __init__(self, memory: Lru[bytes, ContentFacts], store: CaptureStore) -> None:
        self._memory = memory
        self._store = store

    async def find(self, tenant: str, arrival: Arrival) -> ContentFacts | None:
        """What is known of a content; None if it was never seen, or not whole."""
        found = self._memory.get(_key(tenant, arrival))
        if found is None and arrival.content is None:
            found = await self._store.known(tenant, arrival.digest)
        return found

    def has_form(self, tenant: str, known: ContentFacts) -> bool:
        """Whether a tree of this form was seen lately, so that it is stored in all likelihood."""
        return self._memory.get(tree_digest(tenant, known.signatures.full)) is not None

    def remember(
        self, tenant: str, arrival: Arrival, known: ContentFacts, *, was_decoded: bool
    ) -> None:
        """Know a content from now on, and where it was decoded, its form."""
        self._memory.put(_key(tenant, arrival), known)
        if was_decoded and not known.incompleteness:
            plain = ContentFacts(known.signatures, known.node_count, None)
            self._memory.put(tree_digest(tenant, known.signatures.full), plain)

    def forget(self, tenant: str, arrival: Arrival) -> None:
        """Do not know a content any more."""
        self._memory.forget(_key(tenant, arrival))


def _key(tenant: str, arrival: Arrival) -> bytes:
    return tree_digest(tenant, arrival.digest) if arrival.content is None else arrival.digest
