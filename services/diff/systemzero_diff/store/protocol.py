"""What the service asks of its store: transactions that belong to one tenant.

Invariants:
1. A transaction knows its tenant; there is no way to name another within it.
2. A row and its entry in the log are written in one transaction, or neither is.
3. `write` returns after the commit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from systemzero_core.drift import Decision
from systemzero_core.template import Template
from systemzero_diff.model import (
    Answered,
    Checked,
    Counts,
    EventFilter,
    NewEvent,
    RememberedAnswer,
    Session,
    StoredDecision,
    StoredEvent,
    StoredTemplate,
)
from systemzero_diff.store.packed import PackedTemplate
from systemzero_diff.work.packed import ListedTemplate

T = TypeVar("T")


class Transaction(Protocol):
    """One tenant's rows, within one transaction."""

    def answer(self, answered: Answered) -> RememberedAnswer | None:
        """The answer given to this request before, or None.

        Raises:
            Conflict: the request id belongs to another request.
            FailedPrecondition: the answer was erased with the capture that it is about.
        """
        ...

    def keep_answer(
        self, answered: Answered, kept: RememberedAnswer, time: int, capture_id: str = ""
    ) -> None:
        """Keep the answer to a request for a week; nothing if it has no request id.

        `capture_id` names the capture whose screen it speaks of. Its verdict is that of an event.
        """
        ...

    def append(self, kind: str, body: Mapping[str, Any], time: int) -> int:
        """Append an entry to the tenant's log; its index, not to be told before the commit."""
        ...

    def template(self, name: str, version: int = 0) -> StoredTemplate:
        """A template by its id or screen id; its newest version for 0. Deleted ones by id alone.

        Raises:
            NotFound: there is none.
        """
        ...

    def find_screen(self, screen_id: str) -> StoredTemplate | None:
        """The newest version of the template of this screen, or None."""
        ...

    def templates(self, after: str, count: int, app: str) -> Sequence[ListedTemplate]:
        """Newest versions of templates that are not deleted, by screen id, above `after`.

        Without their trees, and not yet read: a page of them may be a hundred times what it says.
        """
        ...

    def template_changes(self, after: int, count: int) -> Sequence[PackedTemplate]:
        """The newest versions above position `after`, the first of them, deletions too."""
        ...

    def put_template(
        self, template: Template, time: int, etag: str, *, deleted: bool = False
    ) -> StoredTemplate:
        """Store a version, which becomes the newest.

        Raises:
            Conflict: the version is there already.
        """
        ...

    def put_event(self, event: NewEvent, log_index: int) -> StoredEvent:
        """Store an event.

        Raises:
            FailedPrecondition: its capture was erased.
        """
        ...

    def erase_capture(
        self, capture_id: str, time: int, without_texts: Callable[[bytes], bytes]
    ) -> int:
        """Erase what the events of a capture say of its screen; how many events said something.

        Their verdicts become what `without_texts` leaves of them, the bodies of their log entries
        go, and so do answers kept for repeats. No event of the capture is stored from now on.
        """
        ...

    def recorded(self, event_ids: Sequence[str]) -> Mapping[str, Checked]:
        """The verdicts of events, by the events' ids; of those that there are."""
        ...

    def event(self, event_id: str) -> StoredEvent:
        """One event.

        Raises:
            NotFound: there is none of this id.
        """
        ...

    def events(self, before: int | None, count: int, chosen: EventFilter) -> Sequence[StoredEvent]:
        """Events by falling position, below `before` if given."""
        ...

    def events_after(self, position: int, count: int) -> Sequence[StoredEvent]:
        """Events by rising position, above `position`."""
        ...

    def last_event(self) -> int:
        """The highest position of the tenant's events; 0 without any."""
        ...

    def put_decision(self, decision: Decision, event_id: str, log_index: int) -> StoredDecision:
        """Store a decision about an event; events have their states from the decisions there are.

        It covers, too, the events before it that show the same values on the same screen, in the
        same application or of the whole tenant, where the scope says so.
        """
        ...

    def decisions_after(self, position: int) -> tuple[int, Sequence[Decision]]:
        """The next decisions above `position`, oldest first, and the position of the last.

        That is `position` itself where there are no more.
        """
        ...

    def session(self, session_id: str) -> Session | None:
        """A session; None for one that is not known, and for no id."""
        ...

    def put_session(self, session_id: str, session: Session, forget_before: int) -> None:
        """Store a session in the place of what was known of it.

        A new one has two others forgotten that were not seen since `forget_before`, if there are.
        """
        ...

    def count_verdicts(self, counts: Mapping[tuple[str, str], int]) -> None:
        """Add to the numbers of verdicts by (day, kind)."""
        ...

    def summary(self, first_day: str, last_day: str, now: int) -> Counts:
        """The figures from `first_day` to `last_day`, both included."""
        ...


class DiffStore(Protocol):
    """Runs transactions."""

    async def read(self, tenant: str, job: Callable[[Transaction], T]) -> T:
        """The result of `job`, which only reads."""
        ...

    async def look_up(self, tenant: str, job: Callable[[Transaction], T]) -> T:
        """The result of `job`, which reads a few rows by their keys."""
        ...

    async def write(self, tenant: str, job: Callable[[Transaction], T]) -> T:
        """The result of `job`, after what it wrote is durable.

        Raises:
            QuotaExceeded: the tenant would store more than it may; nothing was written.
        """
        ...

    async def write_anyhow(self, tenant: str, job: Callable[[Transaction], T]) -> T:
        """As `write`, whatever the tenant stores: for what deletes, and what the service counts."""
        ...
