"""AuthService: makes, lists, rotates and revokes API keys, tokens and signing keys."""

from __future__ import annotations

from typing import Any

from systemzero.gateway.v1 import auth_service_pb2 as pb
from systemzero.gateway.v1 import auth_service_pb2_grpc
from systemzero_gateway.access.caller import current_caller
from systemzero_gateway.codec import messages
from systemzero_gateway.credentials.identity import Identity
from systemzero_gateway.credentials.keys import DEFAULT_OVERLAP, MICROSECONDS
from systemzero_wire import fields


class AuthServicer(auth_service_pb2_grpc.AuthServiceServicer):
    """Keys and tokens. Every change is followed by a look at the revision on the next call."""

    def __init__(self, identity: Identity) -> None:
        self._keys = identity.keys
        self._tokens = identity.tokens
        self._signing = identity.signing
        self._authenticator = identity.authenticator

    async def CreateApiKey(
        self, request: pb.CreateApiKeyRequest, context: Any
    ) -> pb.CreateApiKeyResponse:
        """See the contract."""
        wanted = request.api_key
        key, secret = await self._keys.create(
            current_caller(),
            wanted.name,
            messages.role_of(wanted.role, "api_key.role"),
            messages.scopes_of(wanted.scopes, "api_key.scopes"),
            messages.microseconds_of(wanted, "expire_time"),
        )
        self._authenticator.forget()
        return pb.CreateApiKeyResponse(api_key=messages.api_key(key), secret=secret.reveal())

    async def RotateApiKey(
        self, request: pb.RotateApiKeyRequest, context: Any
    ) -> pb.RotateApiKeyResponse:
        """See the contract."""
        key_id = fields.text(request.key_id, "key_id")
        overlap = messages.microseconds_of(request, "overlap")
        key, secret, old_expire_time = await self._keys.rotate(
            current_caller(), key_id, DEFAULT_OVERLAP if overlap is None else overlap
        )
        self._authenticator.forget()
        return pb.RotateApiKeyResponse(
            api_key=messages.api_key(key),
            secret=secret.reveal(),
            old_secret_expire_time=messages.timestamp(old_expire_time),
        )

    async def RevokeApiKey(
        self, request: pb.RevokeApiKeyRequest, context: Any
    ) -> pb.RevokeApiKeyResponse:
        """See the contract."""
        key_id = fields.text(request.key_id, "key_id")
        key = await self._keys.revoke(current_caller(), key_id)
        self._authenticator.forget()
        return pb.RevokeApiKeyResponse(api_key=messages.api_key(key))

    async def ListApiKeys(
        self, request: pb.ListApiKeysRequest, context: Any
    ) -> pb.ListApiKeysResponse:
        """See the contract."""
        keys, token = await self._keys.page(current_caller(), request.page_size, request.page_token)
        return pb.ListApiKeysResponse(
            api_keys=[messages.api_key(key) for key in keys], next_page_token=token
        )

    async def IssueToken(
        self, request: pb.IssueTokenRequest, context: Any
    ) -> pb.IssueTokenResponse:
        """See the contract."""
        token, claims = await self._tokens.issue(
            current_caller(),
            messages.microseconds_of(request, "lifetime"),
            messages.scopes_of(request.scopes, "scopes"),
        )
        return pb.IssueTokenResponse(
            token=token,
            expire_time=messages.timestamp(claims.exp * MICROSECONDS),
            token_id=claims.jti,
        )

    async def IntrospectToken(
        self, request: pb.IntrospectTokenRequest, context: Any
    ) -> pb.IntrospectTokenResponse:
        """See the contract."""
        found = await self._tokens.introspect(current_caller(), request.token)
        return pb.IntrospectTokenResponse() if found is None else messages.introspection(*found)

    async def RevokeToken(
        self, request: pb.RevokeTokenRequest, context: Any
    ) -> pb.RevokeTokenResponse:
        """See the contract."""
        await self._tokens.revoke(current_caller(), request.token, request.token_id)
        self._authenticator.forget()
        return pb.RevokeTokenResponse()

    async def ReplaceSigningKeys(
        self, request: pb.ReplaceSigningKeysRequest, context: Any
    ) -> pb.ReplaceSigningKeysResponse:
        """See the contract."""
        kid = await self._signing.replace()
        self._authenticator.forget()
        return pb.ReplaceSigningKeysResponse(kid=kid)

    async def GetJwks(self, request: pb.GetJwksRequest, context: Any) -> pb.GetJwksResponse:
        """See the contract."""
        return pb.GetJwksResponse(keys=[messages.jwk(key) for key in self._signing.published()])
