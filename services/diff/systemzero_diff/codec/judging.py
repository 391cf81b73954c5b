"""Requests to judge a tree or a stored capture, and the answers to them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from systemzero.diff.v1 import diff_service_pb2, verdict_pb2
from systemzero.diff.v1 import judgement_service_pb2 as pb
from systemzero.tree.v1 import tree_pb2
from systemzero_core.errors import InvalidInput
from systemzero_diff.codec.verdicts import KINDS
from systemzero_diff.model import Answered, Checked, Needs, Subject
from systemzero_wire import fields
from systemzero_wire.trees import decode_digest, decode_signatures

ORIGINALS: Final = ("native_sha256", "screenshot_sha256")
"""Fields with digests of what is kept of a capture as it was sent."""
_NO_REQUEST_ID: Final = Answered("", b"")


def decode_capture(request: pb.JudgeCaptureRequest) -> Subject:
    """A capture of the capture service, which is believed about what is stored.

    Raises:
        InvalidInput: a field is missing, too long, or none of the contract's.
    """
    capture_id = fields.text(request.capture_id, "capture_id", least=1)
    originals = {field: getattr(request, field) for field in ORIGINALS}
    return Subject(
        answered=_NO_REQUEST_ID,
        signatures=decode_signatures(request.signatures, "signatures"),
        document=request.document,
        reasons=tuple(decode_reasons(request.incompleteness)),
        screen_hint=fields.text(request.screen_hint, "screen_hint"),
        app=fields.text(request.app, "app"),
        session_id=fields.text(request.session_id, "session_id"),
        capture_id=capture_id,
        originals={f: decode_digest(value, f).hex() for f, value in originals.items() if value},
        event_id=event_id_of(capture_id),
        recordable=request.stored,
    )


def event_id_of(capture_id: str) -> str:
    """The id of the event that the judgement of a stored capture leaves."""
    return f"evt_{capture_id.removeprefix('cap_')}"


def decode_reasons(reasons: Iterable[tree_pb2.Incompleteness]) -> list[str]:
    """Why a capture is incomplete, in sentences, or words where there are none.

    Raises:
        InvalidInput: a reason is none of the contract's.
    """
    return [r.detail or _word(r, f"incompleteness[{n}]") for n, r in enumerate(reasons)]


def _word(incompleteness: tree_pb2.Incompleteness, field: str) -> str:
    if incompleteness.reason not in tree_pb2.IncompletenessReason.values():
        raise InvalidInput.at(f"{field}.reason", f"{incompleteness.reason} is no reason")
    name = tree_pb2.IncompletenessReason.Name(incompleteness.reason)
    return name.removeprefix("INCOMPLETENESS_REASON_").lower()


def encode_check(checked: Checked | Needs) -> diff_service_pb2.CheckResponse:
    """The answer to Check."""
    answer = diff_service_pb2.CheckResponse(tree_needed=isinstance(checked, Needs))
    if isinstance(checked, Checked):
        answer.verdict.MergeFromString(checked.body)
        answer.verdict.event_id, answer.verdict.log_index = checked.event_id, checked.log_index
    return answer


def encode_judgement(capture_id: str, checked: Checked | Needs) -> pb.JudgeCaptureResponse:
    """The answer to JudgeCapture."""
    if isinstance(checked, Needs):
        return pb.JudgeCaptureResponse(tree_needed=checked is Needs.TREE)
    return pb.JudgeCaptureResponse(verdict=encode_verdict(capture_id, checked))


def encode_verdict(capture_id: str, checked: Checked) -> pb.CaptureVerdict:
    """The verdict on a capture, for the capture service."""
    return pb.CaptureVerdict(
        capture_id=capture_id,
        verdict=checked.body,
        kind=KINDS[checked.kind],
        event_id=checked.event_id,
        log_index=checked.log_index,
    )


def kind_name(checked: Checked) -> str:
    """The contract's name of what a verdict says."""
    return verdict_pb2.VerdictKind.Name(KINDS[checked.kind])
