"""The example of an extension, built and installed by itself, in a service that runs beside it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from systemzero.capture.v1 import capture_service_pb2
from systemzero.diff.v1 import diff_service_pb2, template_service_pb2, verdict_pb2
from systemzero.tree.v1 import tree_pb2
from tests.support.cli import COMMAND
from tests.support.documents import PREAMBLE, ROOT, blocks, link
from tests.support.platform import KINDS, Platform, running

APPROVED = b"""\
%outline 1
main Checkout
  heading Your basket
  text Two coffees
  text Total 12.40
  button Pay
  button Cancel
"""
LATER = APPROVED.replace(b"Two coffees", b"Two coffees, non-refundable")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example in it, and nothing else: made as docs/extending.md says."""
    folder = tmp_path_factory.mktemp("checkout")
    link(folder)
    (script,) = blocks("docs/extending.md", "sh")
    told = subprocess.run(
        ["bash"],
        input=PREAMBLE + script,
        cwd=folder,
        env={**os.environ, "ROOT": str(ROOT), "PIP_NO_INDEX": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    return folder / "kiosk"


@pytest.fixture(scope="module", params=KINDS)
def extended(
    installed: Path, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(installed))
        with running(request.param, tmp_path_factory.mktemp(request.param)) as platform:
            yield platform


def native(data: bytes, name: str = "") -> tree_pb2.NativeCapture:
    form = tree_pb2.FORMAT_EXTENSION if name else tree_pb2.FORMAT_UNSPECIFIED
    return tree_pb2.NativeCapture(data=data, format=form, format_name=name)


def test_a_service_reads_its_format_and_asks_its_detector(extended: Platform) -> None:
    with extended.services() as services:
        approved = tree_pb2.TreeSource(native=native(APPROVED, "outline"))
        services.template.LearnTemplate(
            template_service_pb2.LearnTemplateRequest(screen_id="checkout", captures=[approved])
        )
        stored = services.capture.Ingest(
            capture_service_pb2.IngestRequest(native=native(APPROVED), check=True)
        )
        assert stored.verdict.kind == verdict_pb2.VERDICT_KIND_UNCHANGED
        assert stored.capture.format == tree_pb2.FORMAT_EXTENSION
        assert stored.capture.format_name == "outline"
        read = services.capture.GetCapture(
            capture_service_pb2.GetCaptureRequest(capture_id=stored.capture.capture_id)
        )
        assert read.capture.format_name == "outline"

        source = tree_pb2.TreeSource(native=native(LATER))
        verdict = services.diff.Check(diff_service_pb2.CheckRequest(tree=source)).verdict
    assert verdict.kind == verdict_pb2.VERDICT_KIND_DRIFT
    assert verdict.severity == verdict_pb2.SEVERITY_CRITICAL
    findings = {(one.detector, one.code): one.sentence for one in verdict.findings}
    assert findings["small-print", "term_appeared"] == "the screen now says “non-refundable”"


def test_what_is_wrong_with_its_input_is_named_by_line(extended: Platform) -> None:
    with extended.services() as services, pytest.raises(grpc.RpcError) as refused:
        services.capture.Ingest(
            capture_service_pb2.IngestRequest(native=native(APPROVED + b"   button Three blanks\n"))
        )
    assert "line 8: expected pairs of blanks" in str(refused.value)


def test_the_command_line_reads_it_offline(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(APPROVED)
    (tmp_path / "b").write_bytes(LATER)
    command = [*COMMAND, "diff", "--format", "outline", "a", "b"]
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    told = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert told.returncode == 1, told.stderr
    assert "non-refundable" in told.stdout
    environment["PYTHONPATH"] = ""
    without = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert without.returncode == 2
    assert "no format is named 'outline'; known are cdp, " in without.stderr
