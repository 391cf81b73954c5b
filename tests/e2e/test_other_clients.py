"""Clients that are not ours: grpcurl, which knows reflection alone, and Node with the protos."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import google.rpc
import pytest

from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.tree.v1 import tree_pb2
from tests.support.captures import CAPTURES, capture
from tests.support.patience import PATIENCE
from tests.support.platform import Platform, Services

ROOT = Path(__file__).parent.parent.parent
NODE = Path(__file__).parent / "node"
GRPCURL = Path(sys.executable).parent / "grpcurl"
CONSOLE = "parcel-console"
SERVICES = {
    "grpc.health.v1.Health",
    "grpc.reflection.v1alpha.ServerReflection",
    "systemzero.capture.v1.CaptureService",
    "systemzero.diff.v1.DiffService",
    "systemzero.diff.v1.DriftService",
    "systemzero.diff.v1.TemplateService",
    "systemzero.gateway.v1.AuthService",
    "systemzero.gateway.v1.StatusService",
    "systemzero.log.v1.LogService",
}


def grpcurl(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return run([str(GRPCURL), "-plaintext", *arguments], given)


def run(command: Sequence[str], given: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, input=given, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def bearer(platform: Platform) -> tuple[str, str]:
    return "-H", f"authorization: Bearer {platform.admin_key}"


class TestGrpcurl:
    def test_lists_every_service(self, platform: Platform) -> None:
        told = grpcurl(platform.target, "list")
        assert set(told.stdout.split()) >= SERVICES, told.stderr

    def test_describes_a_method_with_its_policy(self, platform: Platform) -> None:
        told = grpcurl(platform.target, "describe", "systemzero.capture.v1.CaptureService.Ingest")
        assert "rpc Ingest ( .systemzero.capture.v1.IngestRequest )" in told.stdout, told.stderr
        assert "permission:PERMISSION_CAPTURE_WRITE" in told.stdout.replace(" ", "")

    def test_describes_a_message_and_nothing_that_is_not(self, platform: Platform) -> None:
        told = grpcurl(platform.target, "describe", "systemzero.diff.v1.Verdict")
        assert "VerdictKind kind = 1;" in told.stdout, told.stderr
        for name in ("CaptureService.Forget", "CaptureServant.Ingest"):
            told = grpcurl(platform.target, "describe", f"systemzero.capture.v1.{name}")
            assert "Symbol not found" in told.stderr

    def test_takes_in_a_capture(self, platform: Platform, screen: str) -> None:
        recorded = capture(CONSOLE, "4.15.5", "1-console-reload")
        native = {
            "data": base64.b64encode(recorded.ax).decode(),
            "dom": base64.b64encode(recorded.dom).decode(),
        }
        told = grpcurl(
            *bearer(platform),
            *("-d", "@", platform.target, "systemzero.capture.v1.CaptureService/Ingest"),
            given=json.dumps({"native": native, "screen_hint": screen, "check": True}),
        )
        assert json.loads(told.stdout)["verdict"]["kind"] == "VERDICT_KIND_UNCHANGED", told.stderr

    def test_shows_why_a_call_failed(self, platform: Platform) -> None:
        told = grpcurl(
            *bearer(platform),
            *("-d", '{"capture_id": "nothing"}', platform.target),
            "systemzero.capture.v1.CaptureService/GetCapture",
        )
        assert told.returncode != 0
        assert "Code: NotFound" in told.stderr
        assert '"reason":"NOT_FOUND"' in told.stderr.replace(" ", "")

    def test_is_told_that_it_has_no_key(self, platform: Platform) -> None:
        told = grpcurl(platform.target, "systemzero.gateway.v1.StatusService/GetStatus")
        assert "Code: Unauthenticated" in told.stderr
        assert '"reason":"UNAUTHENTICATED"' in told.stderr.replace(" ", "")


class TestNode:
    """Not run where there is no Node: the project itself needs none."""

    @pytest.fixture(autouse=True)
    def _installed(self) -> None:
        if shutil.which("node") is None:
            pytest.skip("node is not installed here")
        if not (NODE / "node_modules" / ".package-lock.json").is_file():
            pytest.skip("the Node client's packages are not installed: make node-modules")

    def test_takes_in_a_capture(self, platform: Platform, screen: str) -> None:
        assert node("ingest", platform, screen)["kind"] == "VERDICT_KIND_UNCHANGED"

    def test_gets_an_answer_to_each_of_a_stream(self, platform: Platform, screen: str) -> None:
        first, second, third = node("stream", platform, screen)
        assert (first["index"], first["kind"]) == ("0", "VERDICT_KIND_UNCHANGED")
        assert (second["index"], second["outcome"]) == ("1", "failure")
        assert second["reason"] == "ERROR_REASON_UNKNOWN_FORMAT"
        assert (third["index"], third["kind"]) == ("2", "VERDICT_KIND_DRIFT")

    def test_resumes_a_watch_without_loss_or_repeat(self, platform: Platform, screen: str) -> None:
        told = node("watch", platform, screen)
        assert len(set(told["made"])) == 3
        assert told["seen"] == told["made"]

    def test_reads_the_details_of_a_failure(self, platform: Platform, screen: str) -> None:
        told = node("errors", platform, screen)
        malformed = told["malformed"]
        assert malformed["code"] == "INVALID_ARGUMENT"
        info = malformed["google.rpc.ErrorInfo"]
        assert (info["domain"], info["reason"]) == ("systemzero", "MALFORMED_TREE")
        assert malformed["google.rpc.BadRequest"]["fieldViolations"][0]["field"]
        assert told["nobody"]["google.rpc.ErrorInfo"]["reason"] == "UNAUTHENTICATED"


@pytest.fixture
def screen(services: Services) -> Iterator[str]:
    """The console of the old release, learnt, under a name of its own."""
    name = f"console-{uuid.uuid4().hex[:8]}"
    recorded = capture(CONSOLE, "4.15.5", "1-console")
    native = tree_pb2.NativeCapture(data=recorded.ax, dom=recorded.dom)
    template = services.template.LearnTemplate(
        template_pb.LearnTemplateRequest(
            screen_id=name, captures=[tree_pb2.TreeSource(native=native)]
        )
    ).template
    yield name
    deletion = template_pb.DeleteTemplateRequest(template_id=template.template_id)
    services.template.DeleteTemplate(deletion)


def node(scenario: str, platform: Platform, screen: str) -> Any:
    """What the Node client says about a scenario."""
    settings = {
        "target": platform.target,
        "key": platform.admin_key,
        "screen": screen,
        "protos": str(ROOT / "protos"),
        "common": str(Path(google.rpc.__path__[0]).parent.parent),
        "captures": {
            "reload": files("4.15.5", "1-console-reload"),
            "later": files("5.31.0", "1-console"),
            "another": files("5.31.0", "4-authorize"),
        },
    }
    told = run(["node", str(NODE / "client.mjs"), scenario], json.dumps(settings))
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout)


def files(version: str, state: str) -> list[str]:
    return [
        str(CAPTURES / CONSOLE / f"{version}__{state}.{part}.json.gz") for part in ("ax", "dom")
    ]
