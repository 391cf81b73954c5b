"""The SDK's unary calls on a real wire: credentials, retries, deadlines, errors."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2

from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.gateway.v1 import auth_service_pb2
from systemzero_client import Client, SystemZeroError
from systemzero_core.errors import FieldViolation
from tests.support.wire import FlakyKeys, FlakyTemplates, client_of, serving


async def test_the_credential_goes_as_bearer() -> None:
    templates = FlakyTemplates(0)
    async with client_of(templates.add) as client:
        await client.templates.get("x")
    assert templates.metadata["authorization"] == "Bearer s0_test"
    assert templates.metadata["user-agent"].startswith("systemzero-client")


async def test_an_idempotent_call_is_retried() -> None:
    templates = FlakyTemplates(2)
    async with client_of(templates.add) as client:
        await client.templates.get("x")
    assert templates.calls == 3


async def test_a_call_that_is_not_idempotent_is_sent_once() -> None:
    keys = FlakyKeys()
    async with client_of(keys.add) as client:
        with pytest.raises(SystemZeroError) as caught:
            await client.keys.create("ci", auth_service_pb2.ROLE_VIEWER)
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE
    assert keys.calls == 1


async def test_a_call_has_a_deadline_though_nobody_set_one() -> None:
    templates = FlakyTemplates(0)
    async with serving(templates.add) as target, Client(target, timeout=0.2) as client:
        with pytest.raises(SystemZeroError) as caught:
            await client.templates.get("slow")
    assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert caught.value.is_transient


async def test_nobody_listening_is_unavailable() -> None:
    async with serving() as target:
        pass
    async with Client(target) as client:
        with pytest.raises(SystemZeroError) as caught:
            await client.status()
    error = caught.value
    assert (error.code, error.reason) == (grpc.StatusCode.UNAVAILABLE, "")


class Refusing(FlakyTemplates):
    """Fails with every detail that the platform sends."""

    async def get(self, request: template_pb.GetTemplateRequest, context: Any) -> None:
        delay = duration_pb2.Duration(seconds=2, nanos=500_000_000)
        details = [
            error_details_pb2.ErrorInfo(
                reason="RATE_LIMITED", domain="systemzero", metadata={"limit": "60"}
            ),
            error_details_pb2.BadRequest(
                field_violations=[
                    error_details_pb2.BadRequest.FieldViolation(field="f", description="is bad")
                ]
            ),
            error_details_pb2.RetryInfo(retry_delay=delay),
        ]
        status = status_pb2.Status(code=8, message="too much")
        for detail in details:
            packed = any_pb2.Any()
            packed.Pack(detail)
            status.details.append(packed)
        trailer = ("grpc-status-details-bin", status.SerializeToString())
        await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too much", (trailer,))


async def test_a_rich_error_is_decoded_whole() -> None:
    async with client_of(Refusing(0).add) as client:
        with pytest.raises(SystemZeroError) as caught:
            await client.templates.get("x")
    error = caught.value
    assert error.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert (error.reason, error.message) == ("RATE_LIMITED", "too much")
    assert error.violations == (FieldViolation("f", "is bad"),)
    assert error.retry_after == 2.5
    assert error.metadata == {"limit": "60"}
    assert str(error) == "RATE_LIMITED: too much"


async def test_a_secret_is_in_no_text_about_a_client() -> None:
    async with Client("127.0.0.1:1", api_key="s0_admin_hidden") as client:
        shown = [repr(client), repr(client.transport), str(client.captures)]
        with pytest.raises(SystemZeroError) as caught:
            await client.status()
    assert "hidden" not in " ".join([*shown, repr(caught.value), str(caught.value)])
