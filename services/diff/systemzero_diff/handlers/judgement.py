"""JudgementService: verdicts on captures, for the capture service."""

from __future__ import annotations

from typing import Any

import msgspec

from systemzero.diff.v1 import judgement_service_pb2 as pb
from systemzero.diff.v1 import judgement_service_pb2_grpc
from systemzero_base.internal.identity import current_principal
from systemzero_core.errors import InvalidInput
from systemzero_diff.codec import judging as codec
from systemzero_diff.handlers.common import note
from systemzero_diff.intake.pairing import Pairing
from systemzero_diff.intake.sources import TreeSources
from systemzero_diff.model import Needs
from systemzero_diff.verdicts.check import Checker

_MOST_VERDICTS = 100


class JudgementServicer(judgement_service_pb2_grpc.JudgementServiceServicer):
    """See the contract for what each method does."""

    def __init__(self, checker: Checker, sources: TreeSources, pairing: Pairing) -> None:
        self._checker = checker
        self._sources = sources
        self._pairing = pairing

    async def JudgeCapture(
        self, request: pb.JudgeCaptureRequest, context: Any
    ) -> pb.JudgeCaptureResponse:
        self._pairing.require()
        principal, subject = current_principal(), codec.decode_capture(request)
        checked = await self._checker.check(principal, subject)
        if checked is Needs.TREE and subject.recordable:
            # who has stored it has not sent it: what was known of its signatures is not any more
            document = await self._sources.document(principal, subject.capture_id)
            subject = msgspec.structs.replace(subject, document=document)
            checked = await self._checker.check(principal, subject)
        note(checked)
        return codec.encode_judgement(subject.capture_id, checked)

    async def GetVerdicts(
        self, request: pb.GetVerdictsRequest, context: Any
    ) -> pb.GetVerdictsResponse:
        if len(request.capture_ids) > _MOST_VERDICTS:
            raise InvalidInput.at("capture_ids", f"at most {_MOST_VERDICTS}")
        events = {capture_id: codec.event_id_of(capture_id) for capture_id in request.capture_ids}
        found = await self._checker.verdicts_of(current_principal().tenant, [*events.values()])
        return pb.GetVerdictsResponse(
            verdicts=[
                codec.encode_verdict(capture_id, found[event_id])
                for capture_id, event_id in events.items()
                if event_id in found
            ]
        )
