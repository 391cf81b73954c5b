"""TLS on the gateway's port: reloading under open streams, client certificates as callers."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from sqlalchemy import update

from systemzero.gateway.v1 import tenant_service_pb2, tenant_service_pb2_grpc
from systemzero.log.v1 import log_service_pb2
from systemzero_base.settings.config import ConfigError
from systemzero_client import Client
from systemzero_client.channel import Tls
from systemzero_gateway.access.policy import Role
from systemzero_gateway.config import GatewayTlsSettings
from systemzero_gateway.credentials.certificates import ClientCertificate
from systemzero_gateway.store.tables import TENANTS
from systemzero_runtime.running.channels import service_channel
from systemzero_runtime.running.service import Listener
from systemzero_runtime.serving.tls import (
    BackendTlsSettings,
    ServerTls,
    TlsSettings,
    read_server_files,
)
from tests.support.certificates import DAY, Authority, replace, write
from tests.support.cli import Sz
from tests.support.gateway import SERVICE, World, refused, world
from tests.support.patience import PATIENCE
from tests.support.platform import running

ROBOT = "spiffe://example.org/ci/robot"
CLIENTS = (
    ClientCertificate(ROBOT, "default", Role.OPERATOR),
    ClientCertificate("spiffe://example.org/ci/*", "default", Role.VIEWER, (), "ci"),
    ClientCertificate("spiffe://example.org/gone/*", "no-such-tenant", Role.OPERATOR),
    ClientCertificate("spiffe://other.example/*", "platform", Role.ADMIN),
)


class Log:
    """The events that were logged."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def _note(self, event: str, **_fields: Any) -> None:
        self.events.append(event)

    info = warning = _note


def settings(folder: Path, authority: Authority, **more: Any) -> GatewayTlsSettings:
    """A server's files by `authority`; with `clients` it is theirs, too."""
    certificate, key = write(folder, *authority.issue())
    if "clients" in more:
        more["client_ca"] = folder / "ca.pem"
        more["client_ca"].write_bytes(authority.pem)
    return GatewayTlsSettings(certificate=certificate, key=key, **more)


def channel(port: int, authority: Authority, *own: bytes) -> Any:
    """A channel that trusts `authority` and shows `own`, a certificate and its key."""
    certificate, key = own or (None, None)
    credentials = grpc.ssl_channel_credentials(authority.pem, key, certificate)
    # no connection is shared with another channel of this process
    options = [("grpc.use_local_subchannel_pool", 1)]
    return grpc.aio.secure_channel(f"localhost:{port}", credentials, options)


def call(channel: Any, method: str, request: bytes, metadata: Any = ()) -> Any:
    return channel.unary_unary(f"/{SERVICE}/{method}")(request, metadata=metadata, timeout=PATIENCE)


def shown(port: int) -> bytes:
    """The certificate that a new connection to `port` is shown."""
    return ssl.get_server_certificate(("127.0.0.1", port)).encode()


def the_one(certificate: bytes) -> str:
    return certificate.decode().strip()


@asynccontextmanager
async def strict_world(folder: Path) -> AsyncIterator[tuple[World, Authority]]:
    """A gateway whose clients all need certificates, by the authority that comes with it."""
    authority = Authority()
    tls = settings(folder, authority, clients=CLIENTS)
    async with world(folder / "data", local=True, tls=tls) as running:
        yield running, authority


async def test_a_new_certificate_serves_new_connections_and_streams_go_on(tmp_path: Path) -> None:
    authority = Authority()
    tls = settings(tmp_path, authority)
    async with (
        world(tmp_path / "data", local=True, tls=tls) as running,
        channel(running.port, authority) as connected,
    ):
        stream: Any = connected.stream_stream(f"/{SERVICE}/Both")(metadata=running.bearer())
        await stream.write(b"before")
        assert await stream.read() == b"before"

        certificate, key = authority.issue()
        write(tmp_path, certificate, key)
        assert (await asyncio.to_thread(shown, running.port)).decode().strip() == the_one(
            certificate
        )

        await stream.write(b"after")
        assert await stream.read() == b"after"
        async with channel(running.port, authority) as fresh:
            assert await call(fresh, "Unary", b"new", running.bearer()) == b"new"


UNUSABLE = ["half", "half chain", "other key", "gone", "readable"]


@pytest.mark.parametrize("what", [*UNUSABLE, "expired", "early"])
async def test_files_that_cannot_be_used_leave_the_old_certificate(
    tmp_path: Path, what: str
) -> None:
    authority, log = Authority(), Log()
    tls = settings(tmp_path, authority)
    before = tls.certificate.read_bytes()
    server = Listener([], [], 1_000, ServerTls(tls, log))  # type: ignore[arg-type]
    port = await server.start("127.0.0.1:0")
    certificate, key = authority.issue()
    spoil(tls, what, authority, certificate, key)
    for _ in range(3):
        assert the_one(await asyncio.to_thread(shown, port)) == the_one(before)
    assert log.events == ["certificate not reloaded"]

    write(tmp_path, certificate, key)
    assert the_one(await asyncio.to_thread(shown, port)) == the_one(certificate)
    assert log.events[-1] == "certificate reloaded"
    await server.stop(0)


async def test_a_key_that_is_closed_to_others_later_is_taken_then(tmp_path: Path) -> None:
    authority, log = Authority(), Log()
    tls = settings(tmp_path, authority)
    server = Listener([], [], 1_000, ServerTls(tls, log))  # type: ignore[arg-type]
    port = await server.start("127.0.0.1:0")
    certificate, key = authority.issue()
    spoil(tls, "readable", authority, certificate, key)
    await asyncio.to_thread(shown, port)
    tls.key.chmod(0o600)  # which is no other file, nor of another time
    assert the_one(await asyncio.to_thread(shown, port)) == the_one(certificate)
    assert log.events == ["certificate not reloaded", "certificate reloaded"]
    await server.stop(0)


def spoil(
    tls: TlsSettings, what: str, authority: Authority, certificate: bytes, key: bytes
) -> None:
    match what:
        case "half":
            replace(tls.certificate, certificate[: len(certificate) // 2])
        case "other key":
            replace(tls.certificate, certificate)
        case "gone":
            tls.key.unlink()
        case "readable":
            replace(tls.key, key)
            replace(tls.certificate, certificate)
            tls.key.chmod(0o644)
        case "half chain":
            replace(tls.key, key)
            replace(tls.certificate, certificate + authority.pem[:200])
        case "early":
            write(tls.key.parent, *authority.issue(age=-3 * DAY))
        case "expired":
            write(tls.key.parent, *authority.issue(age=3 * DAY))


async def test_a_certificate_is_a_caller(tmp_path: Path) -> None:
    async with strict_world(tmp_path) as (running, authority):
        async with channel(running.port, authority, *authority.issue(ROBOT)) as robot:
            assert await call(robot, "Unary", b"who") == f"default {ROBOT}".encode()
            assert await call(robot, "Unary", b"who") == f"default {ROBOT}".encode()  # known now
            issue = robot.unary_unary("/systemzero.gateway.v1.AuthService/IssueToken")
            assert (await refused(issue(b"")))[0] is grpc.StatusCode.PERMISSION_DENIED
            identity = running.app._identity
            await identity.tenants.suspend("default")
            identity.authenticator.forget()
            assert (await refused(call(robot, "Unary", b"who")))[1] == "UNAUTHENTICATED"
            await identity.tenants.resume("default")
            identity.authenticator.forget()
            assert await call(robot, "Unary", b"who") == f"default {ROBOT}".encode()
        other = authority.issue("spiffe://example.org/ci/a/b")
        async with channel(running.port, authority, *other) as viewer:
            code, reason, _ = await refused(call(viewer, "Unary", b"who"))
            assert (code, reason) == (grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")


async def test_a_tenant_that_was_resumed_in_the_database_has_no_certificates(
    tmp_path: Path,
) -> None:
    async with strict_world(tmp_path) as (running, authority):
        identity = running.app._identity
        await identity.tenants.suspend("default")
        resume = update(TENANTS).values(suspend_time=None)
        await running.app._database.write(lambda connection: connection.execute(resume).rowcount)
        async with channel(running.port, authority, *authority.issue(ROBOT)) as robot:
            assert (await refused(call(robot, "Unary", b"who")))[1] == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    "uris",
    [
        ["spiffe://example.org/citadel/robot"],  # shares letters with a prefix, not a segment
        ["spiffe://example.org/ci"],
        ["spiffe://example.org/gone/robot"],  # its tenant does not exist
        ["spiffe://example.com/ci/robot"],
        [ROBOT, "spiffe://example.org/ci/other"],
        [ROBOT, "https://example.org/"],
        ["https://example.org/ci/robot"],
        ["spiffe://example.org/ci//robot"],
        ["spiffe://example.org/ci/../ci/robot"],
        ["spiffe://example.org/ci/robot/"],
        ["spiffe://example.org/ci/robot?x"],
        ["spiffe://EXAMPLE.org/ci/robot"],
        ["spiffe://user@example.org/ci/robot"],
        ["spiffe://example.org:8443/ci/robot"],
        ["spiffe://example.org/ci/rob%6ft"],
        [],  # a server's: names of hosts alone
    ],
)
async def test_a_certificate_that_stands_for_nobody_is_refused(
    tmp_path: Path, uris: list[str]
) -> None:
    async with (
        strict_world(tmp_path) as (running, authority),
        channel(running.port, authority, *authority.issue(*uris)) as stranger,
    ):
        for metadata in ((), running.bearer()):
            code, reason, _ = await refused(call(stranger, "Unary", b"who", metadata))
            assert (code, reason) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")


async def test_the_sdk_speaks_tls_with_a_certificate_alone_or_with_a_key(tmp_path: Path) -> None:
    async with strict_world(tmp_path) as (running, authority):
        target = f"localhost:{running.port}"
        certificate, key = authority.issue(ROBOT)
        tls = Tls(ca=authority.pem, certificate=certificate, key=key)
        async with Client(target, tls=tls) as robot:
            assert (await robot.status()).principal == ROBOT
        async with Client(target, api_key=running.secret, tls=tls) as both:
            assert (await both.status()).principal.startswith("key_")


async def test_sz_shows_a_certificate_instead_of_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    async with strict_world(tmp_path) as (running, authority):
        certificate, key = write(tmp_path, *authority.issue(ROBOT), "robot")
        ca = tmp_path / "ca.pem"
        ca.write_bytes(authority.pem)
        shown = ["--ca-file", ca, "--certificate", certificate]
        sz, server = Sz(tmp_path / "home", monkeypatch, capfd), f"localhost:{running.port}"

        half = await asyncio.to_thread(sz, "status", "--server", server, *shown)
        assert (half.status, "--certificate-key go together" in half.err) == (2, True)
        shown += ["--certificate-key", key]
        by_flags = await asyncio.to_thread(sz, "status", "--server", server, *shown)
        assert f"you are {ROBOT}" in by_flags.out
        assert (await asyncio.to_thread(sz, "login", server, *shown)).status == 0
        stored = await asyncio.to_thread(sz, "status")
        assert f"you are {ROBOT}" in stored.out


async def test_an_authority_s_own_certificate_is_no_caller(tmp_path: Path) -> None:
    async with (
        strict_world(tmp_path) as (running, authority),
        channel(running.port, authority, *authority.issue(ROBOT, ca=True)) as signer,
    ):
        assert (await refused(call(signer, "Unary", b"who")))[1] == "UNAUTHENTICATED"


async def test_no_certificate_or_one_of_another_authority_gets_no_connection(
    tmp_path: Path,
) -> None:
    async with strict_world(tmp_path) as (running, authority):
        for own in ((), Authority().issue(ROBOT), authority.issue(ROBOT, age=3 * DAY)):
            async with channel(running.port, authority, *own) as stranger:
                with pytest.raises(grpc.aio.AioRpcError) as failed:
                    await call(stranger, "Unary", b"who", running.bearer())
                assert failed.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_with_both_the_bearer_calls_and_may_do_what_both_may(tmp_path: Path) -> None:
    async with strict_world(tmp_path) as (running, authority):
        bearer = running.bearer()
        async with channel(running.port, authority, *authority.issue(ROBOT)) as robot:
            who = await call(robot, "Unary", b"who", bearer)
            assert who.startswith(b"default key_")
            keys = robot.unary_unary("/systemzero.gateway.v1.AuthService/ListApiKeys")
            code, _, _ = await refused(keys(b"", metadata=bearer))  # the robot is no admin
            assert code is grpc.StatusCode.PERMISSION_DENIED
            for bad in (running.bearer("s0_live_no"), bearer + bearer):
                assert (await refused(call(robot, "Unary", b"who", bad)))[1] == "UNAUTHENTICATED"
        other = authority.issue("spiffe://other.example/admin")
        async with channel(running.port, authority, *other) as foreign:
            found = await refused(call(foreign, "Unary", b"who", bearer))
            assert found[1] == "UNAUTHENTICATED"  # another tenant's certificate


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tls: tls.certificate.write_bytes(b""), "tls.certificate: .* holds no certificate"),
        (lambda tls: tls.key.write_bytes(b"x"), "tls.key: .* holds no private key"),
        (lambda tls: tls.key.unlink(), "tls.key: .*No such file"),
        (lambda tls: tls.key.chmod(0o604), "tls.key: .*0604 lets others read"),
        (lambda tls: write(tls.key.parent, tls.certificate.read_bytes(), Authority().issue()[1]),
         "is not the key of"),
    ],
)  # fmt: skip
def test_a_start_with_files_that_cannot_be_used_is_refused(
    tmp_path: Path, change: Any, message: str
) -> None:
    tls = settings(tmp_path, Authority())
    read_server_files(tls)
    change(tls)
    with pytest.raises(ConfigError, match=message):
        read_server_files(tls)


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "spiffe://example.org/*/x"},
        {"id": "spiffe://example.org"},
        {"id": "spiffe:///x"},
        {"id": "https://example.org/x"},
        {"id": "*"},
        {"scopes": ("key_manage",)},
        {"scopes": ("tenant_manage",), "role": Role.ADMIN},
    ],
)
def test_a_mapping_that_would_let_in_whom_it_does_not_say_is_refused(fields: Any) -> None:
    usual = {"id": ROBOT, "tenant": "default", "role": Role.OPERATOR}
    ClientCertificate(**usual)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"SPIFFE id|permission"):
        ClientCertificate(**{**usual, **fields})


def test_a_platform_in_three_processes_works_over_mutual_tls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority()
    ca = tmp_path / "ca.pem"
    ca.write_bytes(authority.pem)
    certificate, key = map(str, write(tmp_path, *authority.issue()))
    server = {"certificate": certificate, "key": key, "client_ca": str(ca)}
    for name in ("CAPTURE", "DIFF"):
        monkeypatch.setenv(f"SZ_{name}_TLS", json.dumps(server))
    towards = {"ca": str(ca), "certificate": certificate, "key": key, "server_name": "localhost"}
    for name in ("GATEWAY", "CAPTURE", "DIFF"):
        monkeypatch.setenv(f"SZ_{name}_BACKEND_TLS", json.dumps(towards))
    with running("split", tmp_path / "data") as platform, platform.services() as services:
        assert services.log.GetCheckpoint(log_service_pb2.GetCheckpointRequest(), timeout=PATIENCE)


async def test_services_speak_mutual_tls_to_one_another(tmp_path: Path) -> None:
    authority = Authority()
    ca = tmp_path / "ca.pem"
    ca.write_bytes(authority.pem)
    server = write(tmp_path, *authority.issue())
    own = write(tmp_path, *authority.issue("spiffe://example.org/gateway"), "gateway")
    listener = Listener([], ["x"], 1_000, ServerTls(TlsSettings(*server, ca), Log()))  # type: ignore[arg-type]
    port = await listener.start("127.0.0.1:0")
    health = "/grpc.health.v1.Health/Check"
    good = BackendTlsSettings(ca=ca, certificate=own[0], key=own[1], server_name="localhost")
    async with service_channel(f"127.0.0.1:{port}", good) as channel:
        await channel.unary_unary(health, None, None)(b"", timeout=PATIENCE)
    for bad in (None, BackendTlsSettings(ca=ca)):
        async with service_channel(f"127.0.0.1:{port}", bad) as channel:
            with pytest.raises(grpc.aio.AioRpcError):
                await channel.unary_unary(health, None, None)(b"", timeout=PATIENCE)
    await listener.stop(0)


async def test_a_stream_by_certificate_goes_on_until_its_tenant_is_suspended(
    tmp_path: Path,
) -> None:
    async with strict_world(tmp_path) as (running, authority):
        robot, admin = authority.issue(ROBOT), authority.issue("spiffe://other.example/admin")
        async with (
            channel(running.port, authority, *robot) as connected,
            channel(running.port, authority, *admin) as of_platform,
        ):
            stream: Any = connected.stream_stream(f"/{SERVICE}/Both")()
            await stream.write(b"before")
            assert await stream.read() == b"before"
            await running.app._streams.check()
            await stream.write(b"after")
            assert await stream.read() == b"after"
            tenants: Any = tenant_service_pb2_grpc.TenantServiceStub(of_platform)
            await tenants.SuspendTenant(
                tenant_service_pb2.SuspendTenantRequest(tenant_id="default")
            )
            _, reason, _ = await asyncio.wait_for(refused(stream.read()), PATIENCE)
            assert reason == "UNAUTHENTICATED"
