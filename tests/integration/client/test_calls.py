"""The SDK's unary calls on a real wire: credentials, retries, deadlines, errors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2

from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.gateway.v1 import auth_service_pb2
from systemzero_client import Client, SystemZeroError, Tls
from systemzero_core.errors import FieldViolation
from tests.support.patience import PATIENCE
from tests.support.wire import FlakyKeys, FlakyTemplates, client_of, serving


async def test_the_credential_goes_as_bearer() -> None:
    templates = FlakyTemplates(0)
    async with client_of(templates.add) as client:
        await client.templates.get("x")
    assert templates.metadata["authorization"] == "Bearer s0_test"
    assert templates.metadata["user-agent"].startswith("systemzero-client")


async def test_the_callers_trace_goes_with_each_call_and_nothing_else_of_it() -> None:
    numbers = iter(range(10))

    def context() -> dict[str, str]:
        return {"traceparent": f"00-{next(numbers)}", "x-request-id": "r-1", "baggage": "mine"}

    templates = FlakyTemplates(0)
    async with serving(templates.add) as target, Client(target, context=context) as client:
        for number in range(2):
            await client.templates.get("x")
            assert templates.metadata["traceparent"] == f"00-{number}"
    assert templates.metadata["x-request-id"] == "r-1"
    assert "baggage" not in templates.metadata


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED])
async def test_an_idempotent_call_is_retried(code: grpc.StatusCode) -> None:
    templates = FlakyTemplates(2, code)
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
    assert error.request_id == ""


class Refusing(FlakyTemplates):
    """Fails the first `failures` calls with every detail that the platform sends."""

    def __init__(self, failures: int, seconds: float) -> None:
        super().__init__(failures)
        self.seconds = seconds

    async def get(self, request: template_pb.GetTemplateRequest, context: Any) -> Any:
        self.calls += 1
        if self.calls <= self.failures:
            await self._refuse(context)
        return template_pb.GetTemplateResponse()

    async def _refuse(self, context: Any) -> None:
        delay = duration_pb2.Duration()
        delay.FromNanoseconds(int(self.seconds * 1e9))
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
        trailers = (trailer, ("x-request-id", "r-1"))
        await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too much", trailers)


async def test_a_rich_error_is_decoded_whole() -> None:
    async with client_of(Refusing(1, 100.5).add) as client:
        with pytest.raises(SystemZeroError) as caught:
            await client.templates.get("x")
    error = caught.value
    assert error.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert (error.reason, error.message) == ("RATE_LIMITED", "too much")
    assert error.violations == (FieldViolation("f", "is bad"),)
    assert error.retry_after == 100.5
    assert error.metadata == {"limit": "60"}
    assert error.request_id == "r-1"
    assert str(error) == "RATE_LIMITED: too much"


async def test_a_secret_is_in_no_text_about_a_client() -> None:
    async with Client("127.0.0.1:1", api_key="s0_admin_hidden") as client:
        shown = [repr(client), repr(client.transport), str(client.captures)]
        with pytest.raises(SystemZeroError) as caught:
            await client.status()
    assert "hidden" not in " ".join([*shown, repr(caught.value), str(caught.value)])


async def test_a_rate_limit_that_ends_before_the_deadline_is_waited_for() -> None:
    templates = Refusing(3, 0.001)
    async with client_of(templates.add) as client:
        await client.templates.get("x")
    assert templates.calls == 4


@pytest.fixture
def tls_key() -> tuple[bytes, bytes]:
    """A private key and a certificate of `gateway.test`, signed by itself; PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway.test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("gateway.test")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private, certificate.public_bytes(Encoding.PEM)


async def test_calls_are_encrypted_to_a_server_with_the_right_name_alone(
    tls_key: tuple[bytes, bytes],
) -> None:
    templates = FlakyTemplates(0)
    server = grpc.aio.server()
    templates.add(server)
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([tls_key]))
    await server.start()
    target, ca = f"127.0.0.1:{port}", tls_key[1]
    async with Client(target, api_key="s0_x", tls=Tls(ca=ca, server_name="gateway.test")) as good:
        await good.templates.get("x")
    async with Client(target, tls=Tls(ca=ca), timeout=PATIENCE) as misnamed:
        with pytest.raises(SystemZeroError) as caught:
            await misnamed.templates.get("x")
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE
    async with Client(target, tls=True, timeout=PATIENCE) as untrusting:
        with pytest.raises(SystemZeroError):
            await untrusting.templates.get("x")
    assert templates.calls == 1
    await server.stop(0)
