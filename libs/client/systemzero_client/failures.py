"""Errors from the wire: decoded from gRPC's statuses and the contract's failures.

Source: https://google.aip.dev/193 and `systemzero/errors/v1/errors.proto`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from systemzero.errors.v1 import errors_pb2
from systemzero_client.errors import SystemZeroError
from systemzero_core.errors import FieldViolation

_PREFIX = "ERROR_REASON_"
_CODES = {code.value[0]: code for code in grpc.StatusCode}


def of_rpc(error: grpc.RpcError) -> SystemZeroError:
    """The failure of a call, as gRPC raised it."""
    found: Any = error  # both RpcError's and AioRpcError's answer to these
    code, message = found.code(), found.details() or ""
    made = SystemZeroError(code, "", message)
    # Details that are none, or contradict the status: believe the status alone.
    with suppress(ValueError, DecodeError):
        status = rpc_status.from_call(found)
        if status is not None:
            made = _of_details(code, message, status.details)
    trailers = dict(found.trailing_metadata() or ())
    made.request_id = str(trailers.get("x-request-id", ""))
    return made


def readable(response: Any) -> Any:
    """`response`, if it is one: gRPC hands out None for bytes that are no such message.

    Raises:
        SystemZeroError: it is none.
    """
    if response is None:
        raise SystemZeroError(grpc.StatusCode.INTERNAL, "", "the answer is none of the contract's")
    return response


def of_message(failure: errors_pb2.Failure) -> SystemZeroError:
    """The failure of one message inside a stream that goes on."""
    code = _CODES.get(failure.code, grpc.StatusCode.UNKNOWN)
    try:
        reason = errors_pb2.ErrorReason.Name(failure.reason).removeprefix(_PREFIX)
    except ValueError:  # a newer server's
        reason = ""
    violations = [FieldViolation(v.field, v.description) for v in failure.violations]
    return SystemZeroError(code, reason, failure.message, violations)


def _of_details(code: grpc.StatusCode, message: str, details: Any) -> SystemZeroError:
    info = error_details_pb2.ErrorInfo()
    bad = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    retry_after = None
    for packed in details:
        packed.Unpack(info)
        packed.Unpack(bad)
        if packed.Unpack(retry):
            retry_after = max(0.0, retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9)
    violations = [FieldViolation(v.field, v.description) for v in bad.field_violations]
    return SystemZeroError(code, info.reason, message, violations, retry_after, info.metadata)
