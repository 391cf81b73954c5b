"""The gateway's own services. They run behind its own admission, as backends do."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import grpc

from systemzero.gateway.v1 import auth_service_pb2 as pb
from systemzero.gateway.v1 import auth_service_pb2_grpc, status_service_pb2, status_service_pb2_grpc
from systemzero_chassis.identity import IdentitySigner
from systemzero_core.errors import InvalidInput, PermissionDenied
from systemzero_core.tlog import LogVerificationError, parse_checkpoint
from systemzero_gateway import codec
from systemzero_gateway.authenticate import Authenticator
from systemzero_gateway.caller import Caller, current_caller
from systemzero_gateway.keys import DEFAULT_OVERLAP, MICROSECONDS, KeyRing
from systemzero_gateway.status import newest_checkpoint, probe_all
from systemzero_gateway.tokens import MAX_LIFETIME, TokenIssuer

_DEFAULT_LIFETIME = 600 * MICROSECONDS


class AuthServicer(auth_service_pb2_grpc.AuthServiceServicer):
    """`systemzero.gateway.v1.AuthService`."""

    def __init__(
        self,
        keys: KeyRing,
        tokens: TokenIssuer,
        authenticator: Authenticator,
        clock: Callable[[], int],
    ) -> None:
        """`clock` gives microseconds since 1970."""
        self._keys = keys
        self._tokens = tokens
        self._authenticator = authenticator
        self._clock = clock

    async def CreateApiKey(
        self, request: pb.CreateApiKeyRequest, context: Any
    ) -> pb.CreateApiKeyResponse:
        """See the contract."""
        wanted = request.api_key
        key, secret = await self._keys.create(
            current_caller(),
            wanted.name,
            codec.role_of(wanted.role, "api_key.role"),
            codec.scopes_of(wanted.scopes, "api_key.scopes"),
            codec.microseconds_of(wanted, "expire_time"),
        )
        self._authenticator.forget()
        return pb.CreateApiKeyResponse(api_key=codec.api_key(key), secret=secret.reveal())

    async def RotateApiKey(
        self, request: pb.RotateApiKeyRequest, context: Any
    ) -> pb.RotateApiKeyResponse:
        """See the contract."""
        overlap = codec.microseconds_of(request, "overlap")
        key, secret, old_expire_time = await self._keys.rotate(
            current_caller(), request.key_id, DEFAULT_OVERLAP if overlap is None else overlap
        )
        self._authenticator.forget()
        return pb.RotateApiKeyResponse(
            api_key=codec.api_key(key),
            secret=secret.reveal(),
            old_secret_expire_time=codec.timestamp(old_expire_time),
        )

    async def RevokeApiKey(
        self, request: pb.RevokeApiKeyRequest, context: Any
    ) -> pb.RevokeApiKeyResponse:
        """See the contract."""
        key = await self._keys.revoke(current_caller(), request.key_id)
        self._authenticator.forget()
        return pb.RevokeApiKeyResponse(api_key=codec.api_key(key))

    async def ListApiKeys(
        self, request: pb.ListApiKeysRequest, context: Any
    ) -> pb.ListApiKeysResponse:
        """See the contract."""
        keys, token = await self._keys.page(current_caller(), request.page_size, request.page_token)
        return pb.ListApiKeysResponse(
            api_keys=[codec.api_key(key) for key in keys], next_page_token=token
        )

    async def IssueToken(
        self, request: pb.IssueTokenRequest, context: Any
    ) -> pb.IssueTokenResponse:
        """See the contract."""
        caller = current_caller()
        if caller.by_token:
            raise PermissionDenied("a token is issued for an API key, not for a token")
        permissions = caller.permissions
        if request.scopes:
            permissions &= frozenset(codec.scopes_of(request.scopes, "scopes"))
            if not permissions:
                raise InvalidInput.at("scopes", "holds none of the key's permissions")
        role = await self._keys.role_of(caller)
        token, claims = self._tokens.issue(
            caller.principal.principal_id,
            caller.principal.tenant,
            role,
            sorted(permissions),
            self._lifetime(request, caller),
        )
        return pb.IssueTokenResponse(
            token=token, expire_time=codec.timestamp(claims.exp * MICROSECONDS)
        )

    def _lifetime(self, request: pb.IssueTokenRequest, caller: Caller) -> int:
        """Seconds, cut to what is left of the key's own life."""
        wanted = codec.microseconds_of(request, "lifetime")
        lifetime = _DEFAULT_LIFETIME if wanted is None else wanted
        if not MICROSECONDS <= lifetime <= MAX_LIFETIME * MICROSECONDS:
            raise InvalidInput.at("lifetime", "must be between one second and one hour")
        if caller.expire_time is not None:
            lifetime = min(lifetime, caller.expire_time - self._clock())
        return lifetime // MICROSECONDS


class StatusServicer(status_service_pb2_grpc.StatusServiceServicer):
    """`systemzero.gateway.v1.StatusService`."""

    def __init__(
        self,
        version: str,
        backends: Mapping[str, grpc.aio.Channel],
        log_backend: str,
        signer: IdentitySigner,
    ) -> None:
        """`backends` by name, without the gateway itself; `log_backend` has the evidence log."""
        self._version = version
        self._start_time = datetime.now(UTC)
        self._backends = backends
        self._log_backend = log_backend
        self._signer = signer

    async def GetStatus(
        self, request: status_service_pb2.GetStatusRequest, context: Any
    ) -> status_service_pb2.GetStatusResponse:
        """See the contract."""
        principal = current_caller().principal
        response = status_service_pb2.GetStatusResponse(
            version=self._version, tenant=principal.tenant, principal=principal.principal_id
        )
        response.start_time.FromDatetime(self._start_time)
        for probe in await probe_all(self._backends):
            backend = response.backends.add(name=probe.name, serving=probe.serving)
            backend.latency.FromNanoseconds(int(probe.latency * 1e9))
        channel = self._backends[self._log_backend]
        newest = await newest_checkpoint(channel, self._log_backend, self._signer, principal)
        with suppress(LogVerificationError):
            response.log_size = parse_checkpoint(newest.note).size
        if newest.HasField("create_time"):
            age = time.time() - newest.create_time.ToMicroseconds() / MICROSECONDS
            response.checkpoint_age.FromMicroseconds(int(max(0.0, age) * MICROSECONDS))
        return response
