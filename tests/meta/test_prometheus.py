"""The platform as a real Prometheus sees it: three processes scraped, our rules, a real ingest."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

import grpc
import pytest

from scripts.observability.metrics import declared
from scripts.run_split import free_port
from systemzero.capture.v1 import capture_service_pb2 as capture_pb
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.tree.v1 import tree_pb2
from tests.meta.test_observability import rules
from tests.support.captures import capture
from tests.support.patience import PATIENCE
from tests.support.platform import Services, running
from tests.support.prometheus import Prometheus, program, prometheus, promtool

STATES = {
    "unchanged": ("1-console-reload", "4.15.5", "parcel-console"),
    "drift": ("1-console", "5.31.0", "parcel-console"),
    "inconclusive": ("1-console-loading", "4.15.5", "parcel-console"),
    "unknown_screen": ("1-login", "4.2.16", "stock-admin"),
}
"""A capture for each verdict, against the template of `1-console`."""
ABSENT = {
    "rpc_server_unguarded_refusals_total",
    "systemzero_captures_collected_total",
    "systemzero_gateway_altered_rows_total",
    "systemzero_gateway_stream_units_total",
    "systemzero_lanes_killed_total",
    "systemzero_lanes_work_refused_total",
    "systemzero_log_uncosigned_age_seconds",
    "systemzero_log_witness_refused",
    "systemzero_storage_refused_total",
    "systemzero_worker_restarts_total",
    "systemzero_workers",
}
"""What this platform has no occasion for: no witness, no workers, no streams, and (at 0)
nothing collected, refused, ended or altered."""


@dataclass
class Watched:
    """A running platform, its pages by service, and the Prometheus that scrapes them."""

    services: Services
    pages: dict[str, str]
    prometheus: Prometheus


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    program("prometheus")
    folder = tmp_path_factory.mktemp("watched")
    pages = {name: f"127.0.0.1:{free_port()}" for name in ("gateway", "capture", "diff")}
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv("SZ_CAPTURE_OPS__LISTEN", pages["capture"])
        environ.setenv("SZ_DIFF_OPS__LISTEN", pages["diff"])
        # where nobody listens: what counts here is that calls are recorded
        environ.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
        with running("split", folder / "data", {"OPS__LISTEN": pages["gateway"]}) as platform:
            targets = {f"systemzero-{name}": page for name, page in pages.items()}
            with (
                prometheus(folder, targets, free_port()) as server,
                platform.services() as services,
            ):
                work(services, learn=True)
                yield Watched(services, pages, server)


def ingest(services: Services, state: str, version: str, app: str, *, check: bool) -> str:
    found = capture(app, version, state)
    native = tree_pb2.NativeCapture(data=found.ax, dom=found.dom, frames=found.frames)
    answer = services.capture.Ingest(capture_pb.IngestRequest(native=native, check=check))
    capture_id: str = answer.capture.capture_id
    return capture_id


def work(services: Services, *, learn: bool = False) -> None:
    """A capture for each verdict, and a call that is refused."""
    if learn:
        capture_id = ingest(services, "1-console", "4.15.5", "parcel-console", check=False)
        sources = [tree_pb2.TreeSource(capture_id=capture_id)]
        request = template_pb.LearnTemplateRequest(screen_id="c", app="c", captures=sources)
        services.template.LearnTemplate(request)
    for state in STATES.values():
        ingest(services, *state, check=True)
    with pytest.raises(grpc.RpcError):
        services.capture.GetCapture(
            capture_pb.GetCaptureRequest(), metadata=(("authorization", "Bearer x"),)
        )


def page(address: str, accept: str = "text/plain") -> str:
    request = urllib.request.Request(f"http://{address}/metrics", headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 - it is HTTP
        text: str = answer.read().decode()
    return text


def test_every_record_has_a_value_after_a_real_ingest(watched: Watched) -> None:
    server, missing = watched.prometheus, set(rules("record"))
    deadline = time.monotonic() + PATIENCE
    while missing and time.monotonic() < deadline:
        work(watched.services)  # a rate is of what changes between two scrapes
        try:
            missing = {name for name in missing if not server.value(name)}
        except OSError:
            continue  # it has not started yet
    assert missing == set()
    for kind in STATES:
        assert server.value(f'systemzero_verdicts_total{{kind="{kind}"}}')[0] >= 1
        assert server.value(f'systemzero_capture_to_verdict_seconds_count{{verdict="{kind}"}}')
    assert server.value("count(up == 1)") == [3.0]
    assert server.value("systemzero:calls_failed:ratio_rate5m") == [0.0]
    assert 0 < server.value("systemzero:verdicts_inconclusive:ratio_rate15m")[0] < 1
    assert 0 < server.value("systemzero:captures_seen_before:ratio_rate5m")[0] <= 1
    assert all(0 < ratio < 1 for ratio in server.value("systemzero:data_free:ratio"))
    while not any(server.value('systemzero_log_entries{log="evidence"}')):  # in ten seconds
        assert time.monotonic() < deadline
        work(watched.services)
    assert server.value('systemzero_drift_events_total{kind!=""}')
    edge = server.value("count(systemzero:calls:rate5m)")
    everywhere = server.value("count(rate(rpc_server_call_duration_seconds_count[5m]))")
    assert edge < everywhere, "the edge is one process of three"


def test_every_metric_that_is_listed_is_there(watched: Watched) -> None:
    found = "\n".join(map(page, watched.pages.values()))
    missing = {m.name for m in declared() if f"\n{m.series[0]}" not in found}
    assert missing - ABSENT == set()


@pytest.mark.parametrize("service", ["gateway", "capture", "diff"])
def test_the_page_is_as_promtool_wants_it(watched: Watched, service: str) -> None:
    assert promtool("check", "metrics", given=page(watched.pages[service])) == ""


def test_no_page_names_a_tenant(watched: Watched) -> None:
    for address in watched.pages.values():
        text = page(address)
        assert 'service="' in text
        assert '="default"' not in text


def test_exemplars_lead_from_a_bucket_to_a_trace(watched: Watched) -> None:
    assert "# {trace_id=" in page(watched.pages["gateway"], "application/openmetrics-text")
    deadline = time.monotonic() + PATIENCE
    found: list[str] = []
    while not found and time.monotonic() < deadline:
        work(watched.services)
        query = "rpc_server_call_duration_seconds_bucket"
        window = {"start": str(time.time() - 600), "end": str(time.time() + 60)}
        try:
            series = watched.prometheus.get("query_exemplars", query=query, **window)
        except OSError:
            continue
        found = [each["labels"]["trace_id"] for one in series for each in one["exemplars"]]
    assert found
    assert all(len(trace_id) == 32 for trace_id in found)
