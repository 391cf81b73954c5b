"""Answers as they are kept for repeats of their requests: beside their verdicts, which events have.

The answers to all decisions have the same fields, as far as they have them.
"""

from __future__ import annotations

from systemzero.diff.v1 import diff_service_pb2, drift_service_pb2, verdict_pb2
from systemzero_core.drift import Verdict
from systemzero_diff.model import Checked, RememberedAnswer


def keep_check(checked: Checked) -> RememberedAnswer:
    """The answer to Check, whose verdict its event has."""
    placed = verdict_pb2.Verdict(event_id=checked.event_id, log_index=checked.log_index)
    return RememberedAnswer(
        diff_service_pb2.CheckResponse(verdict=placed).SerializeToString(), checked.body
    )


def check_again(kept: RememberedAnswer) -> Checked:
    """The answer to Check that was kept."""
    placed = diff_service_pb2.CheckResponse.FromString(kept.answer).verdict
    return Checked(Verdict.DRIFT, kept.verdict, placed.event_id, placed.log_index)


def keep_decision(answer: bytes, verdict: bytes) -> RememberedAnswer:
    """The serialised answer to a decision, of an event with `verdict`."""
    message = drift_service_pb2.ApproveEventResponse.FromString(answer)
    message.event.verdict.CopyFrom(_placed(message.event.verdict))
    return RememberedAnswer(message.SerializeToString(), verdict)


def decision_again(kept: RememberedAnswer) -> bytes:
    """The serialised answer to a decision that was kept."""
    message = drift_service_pb2.ApproveEventResponse.FromString(kept.answer)
    _fill(message.event.verdict, kept.verdict)
    return message.SerializeToString()


def _placed(verdict: verdict_pb2.Verdict) -> verdict_pb2.Verdict:
    return verdict_pb2.Verdict(event_id=verdict.event_id, log_index=verdict.log_index)


def _fill(verdict: verdict_pb2.Verdict, body: bytes) -> None:
    event_id, log_index = verdict.event_id, verdict.log_index
    verdict.ParseFromString(body)
    verdict.event_id, verdict.log_index = event_id, log_index
