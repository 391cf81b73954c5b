"""The one error that a call raises; `failures` makes it of what gRPC and the contract say.

It is known without gRPC: whoever catches it need not have loaded what makes calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from systemzero_core.errors import FieldViolation

if TYPE_CHECKING:
    import grpc

_LATER = frozenset(("UNAVAILABLE", "DEADLINE_EXCEEDED"))
_TRANSPORT_FAULTS = frozenset(("CANCELLED", "INTERNAL", "UNKNOWN"))


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
        if self.code.name in _LATER:
            return True
        if self.reason:
            return self.reason == "RATE_LIMITED"
        return self.code.name in _TRANSPORT_FAULTS
