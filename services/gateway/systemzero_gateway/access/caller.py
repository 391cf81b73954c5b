"""The authenticated caller."""

from __future__ import annotations

from contextvars import ContextVar

import msgspec

from systemzero_base.internal.identity import Principal
from systemzero_core.errors import PermissionDenied, Unauthenticated
from systemzero_gateway.access.policy import Permissions
from systemzero_gateway.access.quotas import NO_QUOTAS, Quotas


class Caller(msgspec.Struct, frozen=True):
    """An authenticated caller.

    `expire_time` (microseconds since 1970, None for never) is when its credential stops working,
    and `certificate_expire_time` when the certificate does that it has shown beside it;
    `by_token` tells a token from an API key; `has_key` is off where there is neither, but a client
    certificate; `quotas` are its tenant's.
    """

    principal: Principal
    permissions: Permissions
    expire_time: int | None
    by_token: bool = False
    has_key: bool = True
    quotas: Quotas = NO_QUOTAS
    certificate_expire_time: int | None = None

    @property
    def end_time(self) -> int | None:
        """When what the caller has shown no longer lets it in; None for never."""
        return earliest(self.expire_time, self.certificate_expire_time)

    def require(self, permissions: Permissions) -> None:
        """Check that the caller holds all of `permissions`.

        Raises:
            PermissionDenied: it does not; the message names one that is missing.
        """
        missing = permissions - self.permissions
        if missing:
            raise PermissionDenied(f"this needs the permission {min(missing)}")

    def outlasts(self, expire_time: int | None) -> bool:
        """Whether the caller's own credential lasts as long as what ends at `expire_time`.

        A certificate beside it does not count: it is renewed by other means, and opens the way
        only.
        """
        if self.expire_time is None:
            return True
        return expire_time is not None and expire_time <= self.expire_time


def earliest(*times: int | None) -> int | None:
    """The first of `times`, in which None is never."""
    return min((time for time in times if time is not None), default=None)


_current: ContextVar[Caller] = ContextVar("systemzero_gateway_caller")


def set_current_caller(caller: Caller) -> None:
    """Make `caller` the current one for this task and those it starts."""
    _current.set(caller)


def current_caller() -> Caller:
    """The caller on whose behalf the gateway's own handler runs.

    Raises:
        Unauthenticated: there is none: the call did not come through the gateway's admission.
    """
    try:
        return _current.get()
    except LookupError:
        raise Unauthenticated("the call has no caller") from None
