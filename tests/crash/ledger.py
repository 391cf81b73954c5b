"""What the platform acknowledged, as its clients remember it."""

from __future__ import annotations

import threading
from typing import Any

from systemzero.capture.v1 import capture_service_pb2 as pb
from systemzero_core.tlog import parse_checkpoint


class Ledger:
    """Answers by request id, requests without an answer, and every checkpoint ever seen."""

    def __init__(self) -> None:
        self.answers: dict[str, pb.IngestResponse] = {}
        self.requests: dict[str, pb.IngestRequest] = {}
        self.unanswered: dict[str, pb.IngestRequest] = {}
        self.notes: dict[int, str] = {}
        self.failures = 0
        self._changed = threading.Condition()

    def answered(self, request: pb.IngestRequest, answer: Any) -> None:
        """The platform acknowledged a capture and its event."""
        with self._changed:
            first = self.answers.setdefault(request.request_id, answer)
            assert first == answer, "two answers to one request"
            self.requests[request.request_id] = request
            self.unanswered.pop(request.request_id, None)
            self._changed.notify_all()

    def failed(self, request: pb.IngestRequest) -> None:
        """A call ended without an answer: it may or may not have taken effect."""
        with self._changed:
            self.unanswered[request.request_id] = request
            self.failures += 1
            self._changed.notify_all()

    def published(self, note: str) -> None:
        """The platform handed out a checkpoint."""
        with self._changed:
            first = self.notes.setdefault(parse_checkpoint(note).size, note)
            assert parse_checkpoint(first) == parse_checkpoint(note), "two logs of one size"

    def wait_for_answers(self, more: int, seconds: float = 20) -> bool:
        """Wait until so many more were acknowledged; whether they were."""
        with self._changed:
            wanted = len(self.answers) + more
            return self._changed.wait_for(lambda: len(self.answers) >= wanted, seconds)

    def wait_for_failure(self, seconds: float = 20) -> bool:
        """Wait until one more call fails; whether one did."""
        with self._changed:
            before = self.failures
            return self._changed.wait_for(lambda: self.failures > before, seconds)
