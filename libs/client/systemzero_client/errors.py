"""The one error that a call raises, decoded from the wire's google.rpc.Status.

Source: https://google.aip.dev/193 and `systemzero/errors/v1/errors.proto`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from systemzero.errors.v1 import errors_pb2
from systemzero_core.errors import FieldViolation

_PREFIX = "ERROR_REASON_"
_CODES = {code.value[0]: code for code in grpc.StatusCode}


class SystemZeroError(Exception):
    """A call failed.

    Attributes:
        code: the gRPC status code.
        reason: why, for programs: a name of `ErrorReason` without its prefix; empty where the
            failure is the transport's and no service of the platform answered.
        message: why, for people.
        violations: what is wrong with which field, for bad input.
        retry_after: seconds after which a retry may be answered; None where the server says none.
        metadata: further facts by name, such as `limit`.
        request_id: what the call is called in the platform's logs and traces; empty where none
            of its services answered.
    """

    request_id = ""

    def __init__(
        self,
        code: grpc.StatusCode,
        reason: str,
        message: str,
        violations: Iterable[FieldViolation] = (),
        retry_after: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.violations = tuple(violations)
        self.retry_after = retry_after
        self.metadata = dict(metadata or {})

    def __str__(self) -> str:
        return f"{self.reason or self.code.name}: {self.message}"

    @property
    def is_transient(self) -> bool:
        """Whether the same call may be answered later: the way to the service broke, not the call.

        A stream that a server ends because its connection is old counts as one.
        """
        if self.code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
            return True
        if self.reason:
            return self.reason == "RATE_LIMITED"
        return self.code in _TRANSPORT_FAULTS

    @classmethod
    def from_rpc(cls, error: grpc.RpcError) -> SystemZeroError:
        """The failure of a call, as gRPC raised it."""
        found: Any = error  # both RpcError's and AioRpcError's answer to these
        code, message = found.code(), found.details() or ""
        try:
            status = rpc_status.from_call(found)
        except ValueError:  # the details contradict the status: believe the status alone
            status = None
        made = cls(code, "", message)
        if status is not None:
            made = cls._from_details(code, message, status.details)
        trailers = dict(found.trailing_metadata() or ())
        made.request_id = str(trailers.get("x-request-id", ""))
        return made

    @classmethod
    def _from_details(cls, code: grpc.StatusCode, message: str, details: Any) -> SystemZeroError:
        info = error_details_pb2.ErrorInfo()
        bad = error_details_pb2.BadRequest()
        retry = error_details_pb2.RetryInfo()
        retry_after = None
        for packed in details:
            packed.Unpack(info)
            packed.Unpack(bad)
            if packed.Unpack(retry):
                retry_after = retry.retry_delay.ToNanoseconds() / 1e9
        violations = [FieldViolation(v.field, v.description) for v in bad.field_violations]
        return cls(code, info.reason, message, violations, retry_after, info.metadata)

    @classmethod
    def from_failure(cls, failure: errors_pb2.Failure) -> SystemZeroError:
        """The failure of one message inside a stream that goes on."""
        code = _CODES.get(failure.code, grpc.StatusCode.UNKNOWN)
        try:
            reason = errors_pb2.ErrorReason.Name(failure.reason).removeprefix(_PREFIX)
        except ValueError:  # a newer server's
            reason = ""
        violations = [FieldViolation(v.field, v.description) for v in failure.violations]
        return cls(code, reason, failure.message, violations)


_TRANSPORT_FAULTS = frozenset(
    (grpc.StatusCode.CANCELLED, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN)
)
