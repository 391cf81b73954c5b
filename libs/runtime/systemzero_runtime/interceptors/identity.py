"""The interceptor that lets in whoever has a good internal identity."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

from systemzero_base.internal.identity import (
    METADATA_KEY,
    IdentityVerifier,
    set_current_principal,
)
from systemzero_base.telemetry.observed import current_call
from systemzero_core.errors import PermissionDenied, Unauthenticated
from systemzero_runtime.interceptors.chain import Call, Interceptor
from systemzero_wire.callers import callers_of


def identity_interceptor(
    verifier: IdentityVerifier, refused: Callable[[Call], None] = lambda _call: None
) -> Interceptor:
    """Refuses calls without a good internal identity; makes the principal the current one.

    An internal method is for the services alone that its policy names. `refused` is told of each
    call that is refused: in a platform that is set up well there is none.
    """
    return partial(_Identity, verifier, refused)


class _Identity(AbstractAsyncContextManager[None]):
    __slots__ = ("_call", "_refused", "_verifier")

    def __init__(
        self, verifier: IdentityVerifier, refused: Callable[[Call], None], call: Call
    ) -> None:
        self._verifier = verifier
        self._refused = refused
        self._call = call

    async def __aenter__(self) -> None:
        try:
            principal, issuer = self._verifier.identify(self._call.text(METADATA_KEY))
            _check_caller(self._call.method, issuer)
        except (PermissionDenied, Unauthenticated):
            self._refused(self._call)
            raise
        set_current_principal(principal)
        seen = current_call()
        if seen is not None:
            seen.tenant, seen.principal = principal.tenant, principal.principal_id

    async def __aexit__(self, *_error: object) -> None:
        return None


def _check_caller(method: str, issuer: str) -> None:
    callers = callers_of(method)
    if callers is not None and issuer not in callers:
        name = method.rpartition("/")[2]
        raise PermissionDenied(f"{name} is for the platform's own services: {_listed(callers)}")


def _listed(callers: frozenset[str]) -> str:
    return ", ".join(sorted(callers)) or "none"
