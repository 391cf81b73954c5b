"""Rounds of crash and recovery, and what must hold after each."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

from systemzero.capture.v1 import capture_service_pb2 as capture_pb
from systemzero.diff.v1 import drift_service_pb2 as drift_pb
from systemzero.log.v1 import log_service_pb2 as log_pb
from systemzero_core.tlog import (
    Checkpoint,
    VerifierKey,
    verify_checkpoint,
    verify_consistency,
    verify_export,
)
from tests.crash.ledger import Ledger
from tests.crash.load import learn, under_load
from tests.support.platform import Platform, Services, running

Fault = Callable[[Platform, Ledger, random.Random], None]

_SAMPLE = 20
_PAGE = 200


def run(
    data: Path,
    rounds: int,
    faults: Sequence[Fault],
    seed: int,
    database: Path | None = None,
    tell: Callable[[str], None] = lambda _line: None,
) -> Ledger:
    """Crash so many times, and check all of it at the end; what was acknowledged.

    Args:
        data: the platform's folder, empty.
        rounds: how many crashes.
        faults: each round has one of them, in turn.
        seed: decides where in the work a crash comes.
        database: file with the URL of a migrated PostgreSQL; None for SQLite.
        tell: is told a line a round.

    Raises:
        AssertionError, LogVerificationError: something was lost, is there twice, or was rewritten.
    """
    ledger = Ledger()
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    known: set[str] = set()
    for number in range(rounds + 1):
        fault = faults[number % len(faults)]
        with (
            running("standalone", data, database=database) as platform,
            platform.services() as services,
        ):
            if number == 0:
                learn(services)
            settle(services, ledger)
            check_round(services, ledger, known, chance)
            known = set(ledger.answers)
            if number == rounds:
                check_all(services, ledger)
                break
            with under_load(platform, ledger, f"r{number}"):
                fault(platform, ledger, chance)
                platform.wait()
        name = getattr(fault, "__name__", type(fault).__name__)
        tell(
            f"round {number + 1}: {name}; {len(ledger.answers)} answers, {len(ledger.notes)} notes"
        )
    return ledger


def settle(services: Services, ledger: Ledger) -> None:
    """Repeat what was not answered: it took effect once, whether before the crash or now."""
    for request in list(ledger.unanswered.values()):
        ledger.answered(request, services.capture.Ingest(request))


def check_round(
    services: Services, ledger: Ledger, before: set[str], chance: random.Random
) -> None:
    """Everything acknowledged in this round, and some of earlier ones, is as it was answered."""
    older = chance.sample(sorted(before), min(_SAMPLE, len(before)))
    for request_id in [*(set(ledger.answers) - before), *older]:
        answer = ledger.answers[request_id]
        assert services.capture.Ingest(ledger.requests[request_id]) == answer
        wanted = capture_pb.GetCaptureRequest(capture_id=answer.capture.capture_id)
        assert services.capture.GetCapture(wanted).capture.capture_id == answer.capture.capture_id
        asked = drift_pb.GetEventRequest(event_id=answer.verdict.event_id)
        assert services.drift.GetEvent(asked).event.verdict == answer.verdict
    newest, key = newest_checkpoint(services)
    for size in sorted(ledger.notes)[-_SAMPLE:]:
        check_extends(services, verify_checkpoint(ledger.notes[size], [key]), newest)


def newest_checkpoint(services: Services) -> tuple[Checkpoint, VerifierKey]:
    """The newest checkpoint, and the key of the log."""
    answer = services.log.GetCheckpoint(log_pb.GetCheckpointRequest())
    key = VerifierKey.parse(answer.verifier_key)
    return verify_checkpoint(answer.note, [key]), key


def check_extends(services: Services, old: Checkpoint, new: Checkpoint) -> None:
    """The log extends a checkpoint that was published before a crash."""
    hashes: list[bytes] = []
    if 0 < old.size < new.size:
        asked = log_pb.GetConsistencyProofRequest(from_size=old.size, to_size=new.size)
        hashes = list(services.log.GetConsistencyProof(asked).hashes)
    verify_consistency(old.size, old.root, new.size, new.root, hashes)


def check_all(services: Services, ledger: Ledger) -> None:
    """Each acknowledged event is there once and nothing else is; the log is whole, and one."""
    events = _events(services)
    answered = [answer.verdict.event_id for answer in ledger.answers.values()]
    assert sorted(events) == sorted(answered), "an event is lost, or there twice"
    newest, key = newest_checkpoint(services)
    for note in ledger.notes.values():
        check_extends(services, verify_checkpoint(note, [key]), newest)
    chunks = services.log.ExportEntries(log_pb.ExportEntriesRequest())
    lines = b"".join(chunk.chunk for chunk in chunks).splitlines(keepends=True)
    report = verify_export(lines, vkeys=[key], pinned=newest)
    assert report.checkpoint.size == 1 + len(answered), "an entry is lost, or there twice"


def _events(services: Services) -> list[str]:
    found: list[str] = []
    request = drift_pb.ListEventsRequest(page_size=_PAGE)
    while True:
        page = services.drift.ListEvents(request)
        found += [event.event_id for event in page.events]
        request.page_token = page.next_page_token
        if not request.page_token:
            return found
