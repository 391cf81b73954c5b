"""The diff service's own values.

Times are microseconds since 1970, UTC.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from systemzero_core.completeness import Incompleteness
from systemzero_core.drift import DecisionKind, SessionCapture, Severity, Verdict
from systemzero_core.signature import Signatures
from systemzero_core.template import Template

NO_EVENT = -1
"""The index in the log of a verdict that left no event."""


class Drifted(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What differs from a template: all that is recorded of it but when, and of which capture.

    Attributes:
        app: the application, as the template says, or else the client.
        template_id: the template.
        template_version: its version.
        severity: how much it matters.
        similarity: of the two trees.
        fingerprint: of the open edits.
        values_digest: of the values that they show.
        detector: of the gravest finding; empty without findings.
        edits: the first of them, as the log tells them.
        findings: as the edits.
    """

    app: str
    template_id: str
    template_version: int
    severity: Severity
    similarity: float
    fingerprint: str
    values_digest: str
    detector: str
    edits: tuple[str, ...]
    findings: tuple[str, ...]


class Judged(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A verdict, before anything is recorded of it.

    Attributes:
        kind: what it says.
        body: the whole of it as it is stored and told: the serialised message, without an event.
        screen_id: of the template that fits; empty for none.
        decided: whether decisions had a say, which may expire: not to be used again.
        drift: what an event is made of; None of what leaves none.
    """

    kind: Verdict
    body: bytes
    screen_id: str = ""
    decided: bool = False
    drift: Drifted | None = None


class Checked(msgspec.Struct, frozen=True):
    """The verdict on a capture, and the event that it left: its id, and its index in the log."""

    kind: Verdict
    body: bytes
    event_id: str = ""
    log_index: int = NO_EVENT


class Needs(Enum):
    """What has to be done before there is a verdict: store the capture, or send its tree, too."""

    STORED = "stored"
    TREE = "tree"


class StoredTemplate(msgspec.Struct, frozen=True):
    """One version of a template.

    Attributes:
        template: the template itself.
        position: place in the order of commits; what followers count by.
        create_time: when the version was made.
        etag: changes with every version.
        deleted: whether the template was taken out with this version.
    """

    template: Template
    position: int
    create_time: int
    etag: str
    deleted: bool = False


class Answered(msgspec.Struct, frozen=True):
    """A principal's request id and the digest of its request, so that repeat is told from reuse."""

    request_id: str
    digest: bytes


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be judged, and what the client said of it.

    `document` is the tree as own tree JSON, in normal form; empty where it was not sent.
    `originals` are digests of what is kept of the capture as it was sent, for the log. `hold` has
    the capture service keep the capture, where that does not do so by itself. `event_id` is the one
    that drift's event is to have; empty for a new one. Of what is not `recordable` nothing is
    recorded: the capture is not stored yet, or there is no tree.
    """

    answered: Answered
    signatures: Signatures
    document: bytes
    reasons: tuple[str, ...] = ()
    screen_hint: str = ""
    app: str = ""
    session_id: str = ""
    capture_id: str = ""
    originals: Mapping[str, str] = MappingProxyType({})
    hold: Callable[[], Awaitable[None]] | None = None
    event_id: str = ""
    recordable: bool = True


class RememberedAnswer(msgspec.Struct, frozen=True):
    """An answer that is kept for repeats of its request.

    Attributes:
        answer: the serialised answer, of whose verdict only event and index in the log are there.
        verdict: that verdict, serialised, as its event has it; empty for an answer without one.
    """

    answer: bytes
    verdict: bytes = b""


class Session(msgspec.Struct, frozen=True):
    """The path of one client through its screens.

    Attributes:
        path: the last visits, oldest first; there is one at least.
        seen_time: when the session was seen; brought up to date now and then, as an index has it.
    """

    path: tuple[SessionCapture, ...]
    seen_time: int


class NewEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A drift event to be recorded.

    Attributes:
        event_id: `evt_…`.
        create_time: when it is recorded.
        capture_id: the capture; empty for a tree that was not stored.
        app: the application.
        screen_id: the template's screen.
        template_id: the template.
        template_version: its version.
        severity: how much it matters.
        fingerprint: of the open edits: what it is grouped by.
        values_digest: of the values that they show: what is decided about together.
        verdict: the serialised verdict; its place in the log is filled in when it is read.
    """

    event_id: str
    create_time: int
    capture_id: str
    app: str
    screen_id: str
    template_id: str
    template_version: int
    severity: Severity
    fingerprint: str
    values_digest: str
    verdict: bytes


class DecisionEffect(NamedTuple):
    """What a decision says of events until its end; None for ever."""

    kind: DecisionKind
    expire_time: int | None


class StoredEvent(msgspec.Struct, frozen=True):
    """A drift event: what happened, its place among events and in the log, what was decided.

    `decision` is the last one about it. `held` are those that hold at some time, oldest first: of
    many that were taken, few outlast all that came after. `erase_time`: when the verdict's texts
    were erased with the capture; None while they are there.
    """

    event: NewEvent
    position: int
    log_index: int
    decision: StoredDecision | None = None
    held: tuple[DecisionEffect, ...] = ()
    erase_time: int | None = None

    def holding(self, now: int) -> DecisionEffect | None:
        """What the latest decision says that has not expired at the time `now`."""
        for held in reversed(self.held):
            if held.expire_time is None or now < held.expire_time:
                return held
        return None


class StoredDecision(msgspec.Struct, frozen=True, kw_only=True):
    """A decision about an event, as people see it."""

    decision_id: str
    event_id: str
    kind: DecisionKind
    scope: str
    reason: str
    actor: str
    create_time: int
    expire_time: int | None
    log_index: int
    patterns: tuple[str, ...] = ()


class EventFilter(msgspec.Struct, frozen=True):
    """Which events to list; what is empty does not filter. `state` is a word of `EventState`."""

    state: str = ""
    screen_id: str = ""
    min_severity: int = 0
    fingerprint: str = ""
    now: int = 0


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Events with one fingerprint.

    Attributes:
        fingerprint: what they share.
        events: how many.
        open_events: how many of them nobody has decided about.
        severity: the worst rank among them.
        screen_ids: the screens by name, the first of them.
        screens: how many screens.
        first_time: when the first was recorded.
        last_time: when the last was recorded.
        last: the last of them that was not erased; of erased ones alone, the last.
    """

    fingerprint: str
    events: int
    open_events: int
    severity: int
    screen_ids: tuple[str, ...]
    screens: int
    first_time: int
    last_time: int
    last: NewEvent


class Source(NamedTuple):
    """A tree, not yet read.

    Attributes:
        kind: `tree`, `native` or `capture`.
        message: the serialised message; of a capture its tree as it is stored.
        field: its path in the request.
        size: bytes of own tree JSON that may hold as much to be read.
        capture_id: the capture that it is of, by its tree's `signatures`; empty for none.
        incompleteness: why a capture is incomplete.
    """

    kind: str
    message: bytes
    field: str
    size: int
    capture_id: str = ""
    signatures: tuple[bytes, ...] = ()
    incompleteness: tuple[Incompleteness, ...] = ()


class Counts(msgspec.Struct, frozen=True):
    """Figures of a summary: verdicts as (day, kind, count), events as (day, severity, count).

    `severity` is a rank, as everywhere in the store. `groups`: the largest, largest first.
    """

    verdicts: tuple[tuple[str, str, int], ...]
    events: tuple[tuple[str, int, int], ...]
    open_events: int
    groups: tuple[Group, ...] = ()


class Mark(NamedTuple):
    """A mark by which a capture database is known again, and its number there; 0 for no mark."""

    number: int = 0
    mark: bytes = b""
