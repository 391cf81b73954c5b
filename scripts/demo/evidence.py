"""The second half: the drift is in the log, provably, and a log that was tampered with tells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from scripts.demo.page import Page
from scripts.demo.steps import Unexpected, expect
from systemzero.diff.v1.verdict_pb2 import Verdict
from systemzero.log.v1.log_service_pb2 import GetCheckpointResponse
from systemzero_client import Client
from systemzero_core.tlog import (
    Checkpoint,
    LogVerificationError,
    VerifierKey,
    checkpoint_line,
    hash_leaf,
    verify_checkpoint,
    verify_consistency,
    verify_export,
    verify_inclusion,
)


class Evidence(NamedTuple):
    """What the client has fetched, before anything of it is believed.

    Attributes:
        key: the log's key, pinned when the log was first seen.
        pinned: the signed checkpoint of that time.
        newest: the signed checkpoint after the drift.
        position: the index of the entry of the drift event.
        leaf: that entry's leaf.
        inclusion: the proof that it is in the newest log.
        consistency: the proof that the newest log extends the pinned one.
        export: the file with the whole log.
    """

    key: VerifierKey
    pinned: str
    newest: str
    position: int
    leaf: bytes
    inclusion: Sequence[bytes]
    consistency: Sequence[bytes]
    export: Path


async def keep(
    page: Page, client: Client, folder: Path, pinned: GetCheckpointResponse, drift: Verdict
) -> Evidence:
    """Fetch the drift's entry, its proofs and an export of the log."""
    page.step("The drift is an event, and the event is in the log")
    event = await client.events.get(drift.event_id)
    entry = await anext(client.log.entries(start=drift.log_index))
    expect(drift.event_id.encode() in entry.body, True, "the event's id in the log's entry")
    page.result("LOGGED", f"event {event.event_id} is entry {entry.index} ({entry.kind})")
    key = VerifierKey.parse(pinned.verifier_key)
    newest = await client.log.checkpoint()
    old, new = (verify_checkpoint(c.note, [key]).size for c in (pinned, newest))
    inclusion = await client.log.inclusion_proof(entry.index, tree_size=new)
    consistency = await client.log.consistency_proof(old, to_size=new)
    export = folder / "log.jsonl"
    export.write_bytes(b"".join([chunk async for chunk in client.log.export()]))
    return Evidence(
        key,
        pinned.note,
        newest.note,
        entry.index,
        entry.leaf,
        inclusion.hashes,
        consistency.hashes,
        export,
    )


def prove(page: Page, evidence: Evidence) -> None:
    """Verify every proof, with nothing but the pinned key and checkpoint."""
    page.step("Verify, offline, with the key and the checkpoint kept from before the drift")
    old, new = (verify_checkpoint(n, [evidence.key]) for n in (evidence.pinned, evidence.newest))
    leaf = hash_leaf(evidence.leaf)
    verify_inclusion(leaf, evidence.position, new.size, list(evidence.inclusion), new.root)
    page.result(
        "VERIFIED",
        f"inclusion: entry {evidence.position} is in the signed log of {new.size} entries",
    )
    verify_consistency(old.size, old.root, new.size, new.root, list(evidence.consistency))
    page.result(
        "VERIFIED",
        f"consistency: the log of {new.size} entries extends the one of {old.size}; nothing in it "
        "was rewritten",
    )
    with evidence.export.open("rb") as lines:
        report = verify_export(lines, vkeys=[evidence.key], pinned=new)
    page.result("VERIFIED", f"export: all {report.checkpoint.size} entries, each byte of them")


def tamper(page: Page, evidence: Evidence) -> None:
    """Alter copies of the export; verification has to find out, and name the entry."""
    lines = evidence.export.read_bytes().splitlines(keepends=True)
    pinned = verify_checkpoint(evidence.newest, [evidence.key])

    page.step(
        f"One byte of entry {evidence.position}, in a copy of the exported log: “3.0” becomes “3.1”"
    )
    altered = lines.copy()
    altered[evidence.position + 1] = _one_byte_altered(altered[evidence.position + 1])
    _found_out(page, evidence, "log-altered.jsonl", altered, pinned)

    page.step(
        "The tail of another copy is cut off, and the older checkpoint, signed as it is, put last"
    )
    older = verify_checkpoint(evidence.pinned, [evidence.key])
    cut = [*lines[: older.size + 1], checkpoint_line(evidence.pinned)]
    _found_out(page, evidence, "log-cut.jsonl", cut, pinned)


def _one_byte_altered(line: bytes) -> bytes:
    """The entry with one digit of what it says changed, so that it reads well still."""
    altered = line.replace(b"OAS 3.0", b"OAS 3.1", 1)
    expect(sum(a != b for a, b in zip(line, altered, strict=True)), 1, "the bytes altered")
    return altered


def _found_out(
    page: Page, evidence: Evidence, name: str, lines: Sequence[bytes], pinned: Checkpoint
) -> None:
    copy = evidence.export.with_name(name)
    copy.write_bytes(b"".join(lines))
    try:
        verify_export(lines, vkeys=[evidence.key], pinned=pinned)
    except LogVerificationError as error:
        page.result("FOUND OUT", str(error), colour="yellow")
        expect(f"entry {evidence.position}" in str(error), True, "the entry named by verification")
        return
    raise Unexpected(f"{copy} was tampered with, and verification did not notice")
