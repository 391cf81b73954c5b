"""PairingService: whether this database belongs to the diff service's."""

from __future__ import annotations

from typing import Any, Final

from systemzero.capture.v1 import pairing_service_pb2 as pb
from systemzero.capture.v1 import pairing_service_pb2_grpc
from systemzero_capture.store import Marks
from systemzero_core.errors import InvalidInput

_BYTES: Final = 16
_MOST: Final = 2**62


class PairingServicer(pairing_service_pb2_grpc.PairingServiceServicer):
    """See the contract for what each method does."""

    def __init__(self, marks: Marks) -> None:
        self._marks = marks

    async def Pair(self, request: pb.PairRequest, context: Any) -> pb.PairResponse:
        if not 0 <= request.number < _MOST:
            raise InvalidInput.at("number", "is none of a mark")
        if len(request.next) != _BYTES:
            raise InvalidInput.at("next", f"{_BYTES} bytes are needed")
        number = await self._marks.meet(request.number, request.mark, request.next)
        return pb.PairResponse(known=number > 0, number=number)
