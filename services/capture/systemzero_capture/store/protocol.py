"""What the service asks of its store.

Invariants:
1. Every method takes the tenant first and touches nothing of another.
2. Content-addressed: equal normalised trees of a tenant are one body.
3. `add` returns after the commit; for a week, a repeat of a request id returns the first row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from systemzero_capture.model import (
    NOBODY,
    Bounds,
    ContentFacts,
    ErasureNote,
    ErasureRequest,
    Original,
    OriginalKind,
    Sighting,
    StoredCapture,
)


class CaptureStore(Protocol):
    """Captures by tenant."""

    async def add(
        self,
        tenant: str,
        capture_id: str,
        create_time: int,
        known: ContentFacts,
        sighting: Sighting,
        *,
        body: bytes | None,
        verdict: bytes = b"",
        of_diff: bool = False,
    ) -> StoredCapture | None:
        """Store a capture; the row that stands for its request from now on.

        `body` None means that the body is stored already; if it is not, nothing is stored and the
        answer is None.

        Raises:
            Conflict: the request id belongs to another request.
            QuotaExceeded: the tenant stores as much as it may; nothing is stored.
        """
        ...

    async def set_verdict(
        self, tenant: str, capture: StoredCapture, verdict: bytes
    ) -> StoredCapture:
        """Keep the serialised verdict of a stored capture that has none; with what it has now.

        It is one that left no event. Of a capture that was erased meanwhile, none is kept. No quota
        stands in its way: what was found out about a capture that is there is not lost for want of
        room.

        Raises:
            NotFound: the tenant has no capture of this id.
        """
        ...

    def judged_elsewhere(self, tenant: str) -> None:
        """The diff service keeps a verdict now that it did not: nobody is shown what was before."""
        ...

    async def find_request(self, tenant: str, sighting: Sighting) -> StoredCapture | None:
        """The capture that the sighting's request id made, or None.

        Raises:
            Conflict: the request id belongs to another request.
        """
        ...

    async def get(self, tenant: str, capture_id: str) -> StoredCapture:
        """One capture.

        Raises:
            NotFound: the tenant has none of this id.
        """
        ...

    async def body(self, tenant: str, capture_id: str) -> bytes:
        """The stored body of a capture.

        Raises:
            NotFound: the tenant has no capture of this id.
            FailedPrecondition: the body was erased.
        """
        ...

    async def originals(
        self, tenant: str, capture_id: str, whole: Collection[OriginalKind] = ()
    ) -> tuple[Original, ...]:
        """What is kept of a capture as it was sent, of the kinds in `whole` with the bytes.

        Raises:
            NotFound: the tenant has no capture of this id.
        """
        ...

    async def collect_originals(self, tenant: str, before: int) -> int:
        """Erase some of what was kept as it was sent before a time; how many, 0 when all are."""
        ...

    async def hold(self, tenant: str, capture_ids: Sequence[str]) -> None:
        """Keep captures from being collected: something is made of them. One commit, or none.

        Raises:
            NotFound: the tenant has none of an id.
        """
        ...

    async def trees(
        self, tenant: str, capture_ids: Sequence[str]
    ) -> Sequence[tuple[StoredCapture, bytes]]:
        """Captures with their stored bodies, in the order of their ids.

        Raises:
            NotFound: the tenant has none of an id.
            FailedPrecondition: a body was erased.
        """
        ...

    async def collect(self, tenant: str, bounds: Bounds) -> int:
        """Delete some captures out of bounds that are settled and not held; how many, 0 at the end.

        With them goes what only they used: bodies, request ids.
        """
        ...

    async def unsettled(self, tenant: str, bounds: Bounds) -> Sequence[str]:
        """Some captures that are out of bounds, of which the diff service may keep an event."""
        ...

    async def settle(
        self, tenant: str, capture_ids: Collection[str], with_event: Collection[str]
    ) -> None:
        """Have captures collected in their turn, but for those of which there is an event."""
        ...

    async def next_tenant(self, after: str) -> str | None:
        """The first tenant with captures whose id sorts after `after`, or None."""
        ...

    async def known(self, tenant: str, full_digest: bytes) -> ContentFacts | None:
        """What is known of the stored tree with this digest; None if it was never seen complete."""
        ...

    async def newest(
        self, tenant: str, count: int, *, before: int | None, app: str, session_id: str
    ) -> Sequence[StoredCapture]:
        """Captures by falling position, below `before` if given; filtered by what is not empty."""
        ...

    async def after(self, tenant: str, position: int, count: int) -> Sequence[StoredCapture]:
        """Captures by rising position, above `position`."""
        ...

    async def last_position(self, tenant: str) -> int:
        """The highest position of the tenant; 0 without captures."""
        ...

    async def erase(
        self,
        tenant: str,
        capture_id: str,
        time: int,
        without_texts: Callable[[bytes], bytes],
        asked: ErasureRequest = NOBODY,
    ) -> StoredCapture:
        """Erase what was kept of a capture; the row stays, and notes an erasure to be finished.

        The body goes unless another capture shows the same; the verdict becomes what
        `without_texts` leaves of it. Erasing what is erased only notes it anew. The note has what
        was `asked`; one by nobody is not acted on.

        Raises:
            NotFound: the tenant has none of this id.
        """
        ...

    async def finish_erasure(self, tenant: str, capture_id: str) -> None:
        """Forget the note: other services have erased their part."""
        ...

    async def unfinished_erasures(self, skipped: int = 0) -> Sequence[ErasureNote]:
        """Some notes of erasures that are not finished, the oldest first, after so many."""
        ...
