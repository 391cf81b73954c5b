"""The domain's errors: what went wrong, in a class a caller can branch on.

Invariants:
1. Every error the domain raises on purpose derives from `DomainError`.
2. `reason` is the name of a value of `systemzero.errors.v1.ErrorReason`, without its prefix; one
   table in `systemzero_wire.errors` maps classes to gRPC status codes.
3. No message holds a secret or a whole input; what is quoted of an input is cut by `quote`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, NamedTuple, Self

from systemzero_core.characters import escaped

_QUOTED_CHARACTERS = 80


def quote(text: str) -> str:
    """`text` as it may stand in an error message: quoted, escaped, at most 80 characters."""
    cut = text if len(text) <= _QUOTED_CHARACTERS else text[: _QUOTED_CHARACTERS - 1] + "…"
    if any(ord(c) < 32 or 0xD800 <= ord(c) < 0xE000 for c in cut):
        return ascii(cut)
    return escaped(repr(cut))


class FieldViolation(NamedTuple):
    """One thing wrong with one field of an input.

    `field` is a path as the caller knows it (`nodes[3].parent`, `line 12`).
    """

    field: str
    description: str


class DomainError(Exception):
    """Base of every error the domain raises on purpose."""

    reason: ClassVar[str] = "INTERNAL"

    def __init__(self, message: str, *, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.metadata: dict[str, str] = dict(metadata or {})


class InvalidInput(DomainError):
    """The input is malformed; `violations` names each field or line."""

    reason = "INVALID_INPUT"

    def __init__(
        self,
        message: str,
        violations: Iterable[FieldViolation] = (),
        *,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, metadata=metadata)
        self.violations: tuple[FieldViolation, ...] = tuple(violations)

    @classmethod
    def at(cls, field: str, description: str) -> Self:
        """One violation; the message repeats it, since many clients show only the message."""
        return cls(f"{field}: {description}", (FieldViolation(field, description),))


class TruncatedInput(InvalidInput):
    """The input ends before it is complete: cut off on its way, or empty."""

    reason = "TRUNCATED_INPUT"


class UnknownFormat(InvalidInput):
    """The bytes are of no format that can be read, or not of the one named."""

    reason = "UNKNOWN_FORMAT"


class MalformedTree(InvalidInput):
    """The input names a structure that is no tree: a cycle, a dangling or doubly-owned child."""

    reason = "MALFORMED_TREE"


class UnsafeInput(InvalidInput):
    """The input asks for something never done: entity expansion, an external entity."""

    reason = "UNSAFE_INPUT"


class TooLarge(DomainError):
    """A stated bound (bytes, nodes, depth) is exceeded; metadata has `limit` and `actual`."""

    reason = "TOO_LARGE"


class NotFound(DomainError):
    """The named thing does not exist for this tenant."""

    reason = "NOT_FOUND"


class AlreadyExists(DomainError):
    """The name is taken."""

    reason = "ALREADY_EXISTS"


class Conflict(DomainError):
    """The thing changed since it was read (etag), or a request id was used for another request."""

    reason = "CONFLICT"


class FailedPrecondition(DomainError):
    """The thing is not in the state that the request needs."""

    reason = "FAILED_PRECONDITION"


class Unauthenticated(DomainError):
    """No credential, or none that is accepted. The message never says which check failed."""

    reason = "UNAUTHENTICATED"


class PermissionDenied(DomainError):
    """The principal is known and may not do this."""

    reason = "PERMISSION_DENIED"


class RateLimited(DomainError):
    """A limit is used up; `retry_after` in seconds says when to try again."""

    reason = "RATE_LIMITED"

    def __init__(
        self, message: str, *, retry_after: float, metadata: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message, metadata=metadata)
        self.retry_after = retry_after


class TooManyInFlight(RateLimited):
    """The tenant has all the calls in flight that it may; `retry_after` guesses when one ends."""

    reason = "TOO_MANY_IN_FLIGHT"


class QuotaExceeded(DomainError):
    """The tenant stores as much as it may; metadata has `quota`, `used`, `limit`, `needed`."""

    reason = "QUOTA_EXCEEDED"


class Unavailable(DomainError):
    """A part that is needed does not answer; trying again may help."""

    reason = "UNAVAILABLE"


class Overloaded(Unavailable):
    """Load is shed rather than queued; `retry_after` in seconds says when to try again."""

    reason = "OVERLOADED"

    def __init__(
        self, message: str, *, retry_after: float, metadata: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message, metadata=metadata)
        self.retry_after = retry_after


class DataCorrupted(DomainError):
    """Stored data is not what was stored; never served."""

    reason = "DATA_CORRUPTED"


class UnknownMethod(DomainError):
    """No such method, or one that declares no access policy."""

    reason = "UNKNOWN_METHOD"


class DeadlineExceeded(DomainError):
    """The deadline passed before the answer was there."""

    reason = "DEADLINE_EXCEEDED"
