"""One trace of one call, through all services and their databases, as a collector gets it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from systemzero.capture.v1 import capture_service_pb2 as capture_pb
from systemzero.tree.v1 import tree_pb2
from tests.support.captures import capture
from tests.support.otlp import Received, Receiver, receiving
from tests.support.platform import KINDS, Platform, running, until_serving

PARENT = "00f067aa0ba902b7"
INGEST = "systemzero.capture.v1.CaptureService/Ingest"
CHECK = "systemzero.diff.v1.JudgementService/JudgeCapture"
SECRET = "a-text-that-is-nobodys-business"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


@pytest.fixture(scope="module", params=KINDS)
def platform(
    request: pytest.FixtureRequest, receiver: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    """A platform that exports what is sampled, and samples nothing by itself."""
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.target)
        environ.setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")
        environ.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
        data: Path = tmp_path_factory.mktemp(request.param)
        with running(request.param, data) as started:
            yield started


def ingest(
    platform: Platform, *metadata: tuple[str, str], state: str = "1-console"
) -> dict[str, str]:
    """Have a capture stored and judged; the trailers."""
    recorded = capture("parcel-console", "4.15.5", state)
    native = tree_pb2.NativeCapture(data=recorded.ax, dom=recorded.dom, frames=recorded.frames)
    request = capture_pb.IngestRequest(native=native, check=True, app=SECRET)
    with platform.services() as services:
        all_metadata = [("authorization", f"Bearer {platform.admin_key}"), *metadata]
        stub = services.capture_stub
        _, call = stub.Ingest.with_call(request, metadata=all_metadata)
        return {key: value for key, value in call.trailing_metadata() if isinstance(value, str)}


def new_trace() -> str:
    return uuid.uuid4().hex


def traced(
    platform: Platform, trace: str, *others: tuple[str, str], state: str = "1-console"
) -> dict[str, str]:
    return ingest(platform, ("traceparent", f"00-{trace}-{PARENT}-01"), *others, state=state)


def servers(spans: list[Received]) -> set[tuple[str, str]]:
    return {(s.service, s.span.name) for s in spans if s.span.kind == s.span.SPAN_KIND_SERVER}


def test_an_ingest_is_one_trace_from_the_client_to_the_databases(
    platform: Platform, receiver: Receiver
) -> None:
    trace = new_trace()
    trailers = traced(platform, trace, ("x-request-id", "r-1"), state="3-try")
    assert trailers["x-request-id"] == "r-1"
    everybody = {("systemzero-standalone", INGEST)}
    if platform.kind == "split":
        everybody = {
            ("systemzero-gateway", INGEST),
            ("systemzero-capture", INGEST),
            ("systemzero-diff", CHECK),
        }
    # what is done the first time that a capture is seen: the diff service is asked twice
    stages = {"decode", "lane", "store", "match", "judge"}

    def whole(spans: list[Received]) -> bool:
        return servers(spans) == everybody and steps(spans) == stages and roots(spans) == {PARENT}

    spans = receiver.until(whole, trace)
    for one in spans:
        within(one, spans)


def steps(spans: list[Received]) -> set[str]:
    return {one.span.name for one in spans if one.span.kind == one.span.SPAN_KIND_INTERNAL}


def roots(spans: list[Received]) -> set[str]:
    """The parents that are not among the spans: of one trace that is whole, the client's alone."""
    known = {one.span.span_id.hex() for one in spans}
    return {one.span.parent_span_id.hex() for one in spans} - known


def within(one: Received, spans: list[Received]) -> None:
    """A span lies within its parent's time: here all clocks are one."""
    for parent in spans:
        if parent.span.span_id == one.span.parent_span_id:
            assert parent.span.start_time_unix_nano <= one.span.start_time_unix_nano
            assert one.span.end_time_unix_nano <= parent.span.end_time_unix_nano


def test_what_the_spans_say(platform: Platform, receiver: Receiver) -> None:
    trace = new_trace()
    traced(platform, trace)
    count = 3 if platform.kind == "split" else 1
    spans = receiver.until(lambda them: len(servers(them)) == count, trace)
    served = [one for one in spans if one.span.kind == one.span.SPAN_KIND_SERVER]
    for one in served:
        assert one.attributes["rpc.system.name"] == "grpc"
        assert one.attributes["rpc.method"] == one.span.name
        assert one.attributes["rpc.response.status_code"] == "OK"
        assert one.attributes["systemzero.tenant"] == "default"
        if one.service in ("systemzero-standalone", "systemzero-capture"):
            assert one.attributes["systemzero.verdict"] == "UNKNOWN_SCREEN"
    called = {one.attributes["server.address"] for one in spans if is_call(one)}
    assert called == {"capture", "diff"}
    asked = {(one.service, one.span.name) for one in spans if "db.system.name" in one.attributes}
    stores = "standalone" if platform.kind == "standalone" else "capture"
    assert (f"systemzero-{stores}", "INSERT captures") in asked
    assert (f"systemzero-{stores}", "COMMIT") in asked
    assert SECRET not in str(spans)
    assert platform.admin_key not in str(spans)


def is_call(one: Received) -> bool:
    return one.span.kind == one.span.SPAN_KIND_CLIENT and "rpc.method" in one.attributes


def test_a_call_without_an_id_gets_one(platform: Platform) -> None:
    first, second = (ingest(platform)["x-request-id"] for _ in range(2))
    assert len(bytes.fromhex(first)) == 16
    assert first != second


def test_every_services_line_has_the_trace_and_the_request_id(platform: Platform) -> None:
    trace = new_trace()
    traced(platform, trace, ("x-request-id", "of-these-lines"))
    split = {"gateway", "capture", "diff"}
    services = {"gateway"} if platform.kind == "standalone" else split
    with platform.services() as asking:
        while {one["service"] for one in calls_of(platform, trace)} < services:
            until_serving(asking)  # lines are written a moment after their call
    calls = calls_of(platform, trace)
    assert {one["service"] for one in calls} == services
    assert {one["request_id"] for one in calls} == {"of-these-lines"}
    assert {one["tenant"] for one in calls} == {"default"}
    assert SECRET not in platform.log.read_text()


def calls_of(platform: Platform, trace: str) -> list[dict[str, str]]:
    """What the log says of a trace's calls."""
    text = platform.log.read_text()
    whole = text[: text.rfind("\n") + 1].splitlines()
    lines = [json.loads(line) for line in whole if line.startswith("{")]
    return [one for one in lines if one["event"] == "rpc" and one.get("trace_id") == trace]
