"""One table from the domain's errors to gRPC, and the rich status that goes over the wire.

Invariants:
1. Every failure carries google.rpc.ErrorInfo with the domain `systemzero` and a reason of
   `systemzero.errors.v1.ErrorReason`; bad input also BadRequest, a limit RetryInfo and
   QuotaFailure, a storage quota QuotaFailure alone, shed load RetryInfo.
2. What the table does not know is INTERNAL, sent generic; the whole error goes to the log alone.
3. A status fits into the trailers that every client takes: gRPC's clients may refuse more than
   8 KiB of metadata, and then nobody learns why the call failed. Texts are cut, violations counted.
Source: https://google.aip.dev/193.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, NoReturn

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from systemzero.errors.v1 import errors_pb2
from systemzero_core import errors as domain

ERROR_DOMAIN = "systemzero"
STATUS_DETAILS_KEY = "grpc-status-details-bin"

_CODES: dict[type[domain.DomainError], grpc.StatusCode] = {
    domain.InvalidInput: grpc.StatusCode.INVALID_ARGUMENT,
    domain.TooLarge: grpc.StatusCode.RESOURCE_EXHAUSTED,
    domain.NotFound: grpc.StatusCode.NOT_FOUND,
    domain.AlreadyExists: grpc.StatusCode.ALREADY_EXISTS,
    domain.Conflict: grpc.StatusCode.ABORTED,
    domain.FailedPrecondition: grpc.StatusCode.FAILED_PRECONDITION,
    domain.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    domain.PermissionDenied: grpc.StatusCode.PERMISSION_DENIED,
    domain.RateLimited: grpc.StatusCode.RESOURCE_EXHAUSTED,
    domain.QuotaExceeded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    domain.Unavailable: grpc.StatusCode.UNAVAILABLE,
    domain.DataCorrupted: grpc.StatusCode.DATA_LOSS,
    domain.UnknownMethod: grpc.StatusCode.UNIMPLEMENTED,
    domain.DeadlineExceeded: grpc.StatusCode.DEADLINE_EXCEEDED,
}
_INTERNAL = domain.DomainError("internal error")
_TEXT_BYTES = 400
"""Of any one text. A message is also sent percent-encoded, at up to three times its bytes."""
_VIOLATIONS_BYTES = 2_800
"""Of all violations. The details are sent in base 64, at 4/3 of their bytes."""


def code_of(error: BaseException) -> grpc.StatusCode:
    """The status code for `error`; INTERNAL for what is not a domain error."""
    for cls in type(error).__mro__:
        if cls in _CODES:
            return _CODES[cls]
    return grpc.StatusCode.INTERNAL


def to_status(error: BaseException) -> status_pb2.Status:
    """`error` as google.rpc.Status; what is not a domain error comes out generic."""
    known = error if isinstance(error, domain.DomainError) else _INTERNAL
    status = status_pb2.Status(code=code_of(known).value[0], message=_cut(known.message))
    for detail in _details(known):
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def to_failure(error: BaseException) -> errors_pb2.Failure:
    """`error` as the failure of one message inside a stream that goes on."""
    known = error if isinstance(error, domain.DomainError) else _INTERNAL
    return errors_pb2.Failure(
        code=code_of(known).value[0],
        reason=errors_pb2.ErrorReason.Value(f"ERROR_REASON_{known.reason}"),
        message=_cut(known.message),
        violations=[
            errors_pb2.FieldViolation(field=v.field, description=v.description)
            for v in _violations(known)
        ],
    )


async def abort(
    context: grpc.aio.ServicerContext[Any, Any],
    error: BaseException,
    trailing: tuple[tuple[str, str], ...] = (),
) -> NoReturn:
    """End the call with the status of `error`, the trailers set so far, and `trailing`."""
    status = to_status(error)
    details = (STATUS_DETAILS_KEY, status.SerializeToString())
    so_far: Any = context.trailing_metadata() or ()
    await end(context, code_of(error), status.message, (*so_far, *trailing, details))


async def end(
    context: grpc.aio.ServicerContext[Any, Any], code: grpc.StatusCode, message: str, trailing: Any
) -> NoReturn:
    """End the call with a status.

    Raises:
        AbortError: as it should be.
        CancelledError: the peer is gone, and nobody there to hear the status.
    """
    try:
        await context.abort(code, message, trailing)
    except grpc.aio.InternalError:
        raise asyncio.CancelledError from None


def refusal_of(error: grpc.aio.AioRpcError) -> domain.DomainError | None:
    """What another service refused for its size, or how much there is or is stored; else None."""
    if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
        return None
    trailing: Any = error.trailing_metadata() or ()
    status = status_pb2.Status.FromString(dict(trailing).get(STATUS_DETAILS_KEY, b""))
    reason, seconds, metadata = "", 1.0, dict[str, str]()
    for detail in status.details:
        info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            reason, metadata = info.reason, dict(info.metadata)
        elif detail.Unpack(retry):
            seconds = retry.retry_delay.ToNanoseconds() / 1e9
    message = error.details() or "refused"
    if reason == domain.TooManyInFlight.reason:
        return domain.TooManyInFlight(message, retry_after=seconds, metadata=metadata)
    for refusal in (domain.TooLarge, domain.QuotaExceeded):
        if reason == refusal.reason:
            return refusal(message, metadata=metadata)
    return None


def _details(error: domain.DomainError) -> list[Message]:
    details: list[Message] = [
        error_details_pb2.ErrorInfo(
            reason=error.reason,
            domain=ERROR_DOMAIN,
            metadata={key: _cut(value) for key, value in error.metadata.items()},
        )
    ]
    if isinstance(error, domain.InvalidInput) and error.violations:
        details.append(_bad_request(error))
    if isinstance(error, domain.RateLimited | domain.Overloaded):
        details.append(_retry_info(error.retry_after))
    if isinstance(error, domain.RateLimited | domain.QuotaExceeded):
        details.append(_quota_failure(error))
    return details


def _bad_request(error: domain.InvalidInput) -> error_details_pb2.BadRequest:
    return error_details_pb2.BadRequest(
        field_violations=[
            error_details_pb2.BadRequest.FieldViolation(field=v.field, description=v.description)
            for v in _violations(error)
        ]
    )


def _violations(error: domain.DomainError) -> Iterator[domain.FieldViolation]:
    """The first violations of `error`, as many as have room, and how many there are besides."""
    violations, room = getattr(error, "violations", ()), _VIOLATIONS_BYTES
    for i, violation in enumerate(violations):
        cut = domain.FieldViolation(_cut(violation.field), _cut(violation.description))
        room -= sum(len(text.encode()) + 8 for text in cut)
        if room < 0:
            yield domain.FieldViolation("", f"and {len(violations) - i} more")
            return
        yield cut


def _cut(text: str) -> str:
    """`text` within its bytes and without lone surrogates, which protobuf can't hold."""
    encoded = text.encode(errors="replace")
    if len(encoded) <= _TEXT_BYTES:
        return encoded.decode()
    return encoded[: _TEXT_BYTES - 3].decode(errors="ignore") + "…"


def _retry_info(seconds: float) -> error_details_pb2.RetryInfo:
    delay = duration_pb2.Duration()
    delay.FromNanoseconds(int(seconds * 1e9))
    return error_details_pb2.RetryInfo(retry_delay=delay)


def _quota_failure(error: domain.DomainError) -> error_details_pb2.QuotaFailure:
    violation = error_details_pb2.QuotaFailure.Violation(
        subject=_cut(error.metadata.get("subject", "tenant")), description=_cut(error.message)
    )
    return error_details_pb2.QuotaFailure(violations=[violation])
