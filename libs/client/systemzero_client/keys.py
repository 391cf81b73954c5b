"""API keys and tokens. A secret is in the response that makes it, and nowhere else."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime, timedelta

from google.protobuf.duration_pb2 import Duration

from systemzero.gateway.v1 import auth_service_pb2 as pb
from systemzero.gateway.v1 import auth_service_pb2_grpc
from systemzero.policy.v1 import policy_pb2
from systemzero_client.channel import Transport
from systemzero_client.messages import timestamp


class Keys:
    """AuthService."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._stub = auth_service_pb2_grpc.AuthServiceStub(transport.channel)

    async def create(
        self,
        name: str,
        role: pb.Role.ValueType,
        *,
        scopes: Sequence[policy_pb2.Permission.ValueType] = (),
        expires: datetime | None = None,
    ) -> pb.CreateApiKeyResponse:
        """Create a key for the caller's tenant; never sent twice, since each call makes one."""
        key = pb.ApiKey(
            name=name,
            role=role,
            scopes=scopes,
            expire_time=timestamp(expires) if expires else None,
        )
        response: pb.CreateApiKeyResponse = await self._transport.unary(
            self._stub.CreateApiKey, pb.CreateApiKeyRequest(api_key=key)
        )
        return response

    async def rotate(
        self, key_id: str, *, overlap: timedelta | None = None
    ) -> pb.RotateApiKeyResponse:
        """Give a key a new secret; the old one goes on for `overlap` (None: a day)."""
        request = pb.RotateApiKeyRequest(key_id=key_id, overlap=_duration(overlap))
        response: pb.RotateApiKeyResponse = await self._transport.unary(
            self._stub.RotateApiKey, request
        )
        return response

    async def revoke(self, key_id: str) -> pb.ApiKey:
        """Revoke a key, its secrets and the tokens made from it."""
        request = pb.RevokeApiKeyRequest(key_id=key_id)
        response: pb.RevokeApiKeyResponse = await self._transport.unary(
            self._stub.RevokeApiKey, request
        )
        return response.api_key

    async def list(self, *, page_size: int = 200) -> AsyncGenerator[pb.ApiKey]:
        """The tenant's keys, without secrets."""
        request = pb.ListApiKeysRequest(page_size=page_size)
        async for key in self._transport.pages(self._stub.ListApiKeys, request, "api_keys"):
            yield key

    async def issue_token(
        self,
        *,
        lifetime: timedelta | None = None,
        scopes: Sequence[policy_pb2.Permission.ValueType] = (),
    ) -> pb.IssueTokenResponse:
        """Exchange the client's API key for a token (None: of ten minutes)."""
        request = pb.IssueTokenRequest(lifetime=_duration(lifetime), scopes=scopes)
        response: pb.IssueTokenResponse = await self._transport.unary(
            self._stub.IssueToken, request
        )
        return response

    async def introspect_token(self, token: str) -> pb.IntrospectTokenResponse:
        """Whether a token of the tenant is active, and what it says."""
        request = pb.IntrospectTokenRequest(token=token)
        response: pb.IntrospectTokenResponse = await self._transport.unary(
            self._stub.IntrospectToken, request
        )
        return response

    async def revoke_token(self, token: str = "", *, token_id: str = "") -> None:
        """Revoke a token, by its text or its id."""
        request = pb.RevokeTokenRequest(token=token, token_id=token_id)
        await self._transport.unary(self._stub.RevokeToken, request)

    async def replace_signing_keys(self) -> str:
        """Replace the keys that sign tokens, which ends every token; the new key's id."""
        response: pb.ReplaceSigningKeysResponse = await self._transport.unary(
            self._stub.ReplaceSigningKeys, pb.ReplaceSigningKeysRequest()
        )
        return response.kid

    async def jwks(self) -> pb.GetJwksResponse:
        """The public keys that verify tokens; its JSON form is a JSON Web Key Set."""
        response: pb.GetJwksResponse = await self._transport.unary(
            self._stub.GetJwks, pb.GetJwksRequest()
        )
        return response


def _duration(span: timedelta | None) -> Duration | None:
    if span is None:
        return None
    message = Duration()
    message.FromTimedelta(span)
    return message
