"""What an event showed: its capture, held to the digest that the log recorded.

The log's entry of a drift event names its capture and the digest of that capture's tree. So whoever
has the proven entry can tell that the capture that the server gives is the one that was judged. So
it is with what is kept of the capture as it was sent, a screenshot or a native document.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from systemzero.capture.v1 import capture_pb2
from systemzero_client.client import Client
from systemzero_client.errors import SystemZeroError
from systemzero_client.messages import decode_tree
from systemzero_core.signature import sign
from systemzero_core.tlog import Entry, LogVerificationError

EVENT_KIND = "drift.event"
_ORIGINALS = ("native", "screenshot")


class Shown(StrEnum):
    """Whether an event's capture could be held to what was recorded; it is what people read."""

    PROVEN = "the tree that was recorded"
    GONE = "erased or no longer kept"
    NOT_STORED = "was not stored"


async def check_capture(client: Client, entry: Entry) -> Shown | None:
    """Hold an event's capture to its entry, which was proven; None for an entry of something else.

    Raises:
        LogVerificationError: the server gives another tree than the one recorded.
        SystemZeroError: a call failed.
    """
    if entry.kind != EVENT_KIND or entry.body is None:
        return None
    record = _record_of(entry)
    capture_id = record["capture_id"]
    if not capture_id:
        return Shown.NOT_STORED
    wanted = {f"include_{name}": f"{name}_sha256" in record for name in _ORIGINALS}
    try:
        capture = await client.captures.get(capture_id, include_tree=True, **wanted)
    except SystemZeroError as error:
        if error.reason not in ("NOT_FOUND", "FAILED_PRECONDITION"):
            raise
        return Shown.GONE
    if not capture.HasField("tree"):
        return Shown.GONE
    tree = sign(decode_tree(capture.tree)).full.hex()
    if tree != record["capture_digest"] or not _originals_stand(capture.originals, record):
        raise LogVerificationError(
            f"capture {capture_id} is not the one that entry {entry.index} was recorded of",
            metadata={"entry": str(entry.index)},
        )
    return Shown.PROVEN


def _record_of(entry: Entry) -> Mapping[str, str]:
    """The texts that an entry's body holds by name; those of a capture are among them."""
    try:
        found = json.loads(entry.body or b"")
    except (ValueError, RecursionError):
        found = None
    known = found if isinstance(found, dict) else {}
    record = {name: text for name, text in known.items() if isinstance(text, str)}
    if not {"capture_id", "capture_digest"} <= record.keys():
        raise LogVerificationError(
            f"entry {entry.index} names no capture", metadata={"entry": str(entry.index)}
        )
    return record


def _originals_stand(originals: capture_pb2.Originals, record: Mapping[str, Any]) -> bool:
    """Whether what is still kept of the capture as it was sent is what the entry recorded."""
    native = originals.native.SerializeToString(deterministic=True)
    kept = {"native": native, "screenshot": originals.screenshot}
    return all(
        hashlib.sha256(kept[name]).hexdigest() == record.get(f"{name}_sha256")
        for name in _ORIGINALS
        if originals.HasField(f"{name}_info") and f"{name}_sha256" in record  # type: ignore[arg-type]
    )
