"""The capture service's own values.

Times are microseconds since 1970, UTC.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from systemzero_core.formats import Format, own
from systemzero_core.signature import Signatures
from systemzero_core.tree import Tree


class Reason(msgspec.Struct, frozen=True):
    """Why a capture is incomplete: a word of `IncompletenessReason` and a sentence."""

    reason: str
    detail: str


class ContentFacts(msgspec.Struct, frozen=True):
    """What is known of a capture's content once it has been decoded.

    Attributes:
        signatures: of the normalised tree.
        node_count: nodes of the normalised tree.
        format: the format it came in, by name; None for a tree message.
        incompleteness: why it can't be judged; empty for a complete capture.
    """

    signatures: Signatures
    node_count: int
    format: str | None
    incompleteness: tuple[Reason, ...] = ()


class Decoded(msgspec.Struct, frozen=True):
    """A capture's content, decoded: what is known of it, and the normalised tree."""

    known: ContentFacts
    tree: Tree


class ErasureRequest(msgspec.Struct, frozen=True):
    """Who asked for an erasure, and what shows that this service noted it; see `peers.notes`."""

    principal_id: str = ""
    mac: bytes = b""


NOBODY: Final = ErasureRequest()


class ErasureNote(msgspec.Struct, frozen=True):
    """That a capture was erased here at `create_time`, and others have their part to erase yet."""

    tenant: str
    capture_id: str
    create_time: int
    asked: ErasureRequest


class OriginalKind(StrEnum):
    """What was kept of a capture as the client sent it."""

    NATIVE = "native"
    SCREENSHOT = "screenshot"


class Original(msgspec.Struct, frozen=True, kw_only=True):
    """Something kept of a capture as the client sent it.

    Attributes:
        kind: what it is of the capture.
        media_type: what its bytes are.
        size: how many bytes it has.
        sha256: the digest of its bytes, 32 bytes.
        body: the bytes as they are stored, a native document compressed (`originals.py`); empty
            where only the description was read.
    """

    kind: OriginalKind
    media_type: str
    size: int
    sha256: bytes
    body: bytes = b""


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """What the client said around the content.

    Attributes:
        request_id: stands for the one that the client made, of its principal; empty for none.
        request_digest: digest of the whole request, so that a reused request id is noticed.
        capture_time: when the client took it; None if it did not say.
        app: the application.
        screen_hint: the screen it is believed to be.
        session_id: the client's session.
        claimed_by_digest: whether the digest alone was sent.
        originals: what is kept of the capture as it was sent.
    """

    request_id: str = ""
    request_digest: bytes = b""
    capture_time: int | None = None
    app: str = ""
    screen_hint: str = ""
    session_id: str = ""
    claimed_by_digest: bool = False
    originals: tuple[Original, ...] = ()


NODE_BYTES: Final = 128
"""What a node takes in own tree JSON, as a rule."""


class Native(NamedTuple):
    """A capture's bytes as the client sent them."""

    data: bytes
    form: str | None
    dom: bytes | None
    frames: tuple[bytes, ...]

    @property
    def size(self) -> int:
        """The bytes of own tree JSON that may hold as much to be read."""
        if self.form == Format.TREE:
            return len(self.data)
        return own.TERSEST * (len(self.data) + len(self.dom or b"") + sum(map(len, self.frames)))


def size_of(content: Native | bytes | None) -> int:
    """The bytes of own tree JSON that may hold as much to be read as this content."""
    if isinstance(content, Native):
        return content.size
    return own.TERSEST * len(content or b"")


class Offered(NamedTuple):
    """What a client offers to have kept of a capture as it is sent.

    Attributes:
        content: as of an `Arrival`.
        native: the native document as its message is kept, serialised; empty where there is none.
        screenshot: an image's bytes; empty for none.
        asked: whether the native document is asked to be kept.
    """

    content: Native | bytes | None
    native: bytes
    screenshot: bytes
    asked: bool


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """A capture as it comes.

    Attributes:
        content: a native document, or a serialised tree message; None where its digest alone came.
        digest: of the content, by which it is known: of the bytes, or the full digest that came.
        sighting: what the client said around it.
        check: whether a verdict is asked for.
        offered: what may be kept of it as it was sent; None for nothing.
    """

    content: Native | bytes | None
    digest: bytes
    sighting: Sighting
    check: bool
    offered: Offered | None = None

    def with_originals(self, originals: tuple[Original, ...]) -> Arrival:
        """The same, of which these are kept as they were sent."""
        if not originals:
            return self
        sighting = msgspec.structs.replace(self.sighting, originals=originals)
        return msgspec.structs.replace(self, sighting=sighting)


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """Which of a tenant's captures are kept.

    Attributes:
        before: those from before this time go; 0 for none.
        most: of more than so many, the oldest go; 0 for no bound.
        settled: none from this time on goes.
    """

    before: int
    most: int
    settled: int


class Event(msgspec.Struct, frozen=True):
    """The drift event that a verdict left: its id, and the index of its entry in the log."""

    event_id: str
    log_index: int


class Judgement(msgspec.Struct, frozen=True):
    """A verdict: serialised, without its event; and the event, if it left one."""

    verdict: bytes
    event: Event | None = None


class NotYet(msgspec.Struct, frozen=True):
    """There is no verdict before the capture is stored, and, if needed, its tree is sent."""

    tree_needed: bool


class StoredCapture(msgspec.Struct, frozen=True, kw_only=True):
    """One row of captures.

    Attributes:
        capture_id: `cap_…`.
        position: place in the order of commits, from 1; what cursors and pages count by.
        create_time: when it was taken in.
        known: its content's digests and size.
        sighting: what the client said.
        erase_time: when the body was erased; None while it is there.
        verdict: the serialised verdict given at ingest, without its event; empty for none, and
            where the diff service keeps it.
        event: the verdict's event; None where it left none.
        of_diff: whether the diff service was asked once the capture was stored: a verdict that left
            an event is there, and nowhere else.
    """

    capture_id: str
    position: int
    create_time: int
    known: ContentFacts
    sighting: Sighting
    erase_time: int | None = None
    verdict: bytes = b""
    event: Event | None = None
    of_diff: bool = False
