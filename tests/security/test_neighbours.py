"""What one tenant, or a stranger, makes of the machine that others work on: bounds, by counting.

A case each for the attacks that once stopped everybody; `python -m benchmarks.neighbours` measures
what a quiet tenant notices of them. Nothing here depends on how fast the machine is.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from grpc_status import rpc_status

from systemzero.capture.v1 import capture_service_pb2 as capture_pb
from systemzero.diff.v1 import diff_service_pb2 as diff_pb
from systemzero.diff.v1 import drift_service_pb2 as drift_pb
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.diff.v1 import verdict_pb2
from systemzero.gateway.v1 import auth_service_pb2 as auth_pb
from systemzero.gateway.v1 import status_service_pb2 as status_pb
from systemzero.gateway.v1 import tenant_service_pb2 as tenant_pb
from systemzero.tree.v1 import tree_pb2
from systemzero_gateway.limits import Rate
from tests.support import heavy
from tests.support.attacked import (
    KINDS,
    LAVISH,
    Attacked,
    Tenant,
    attacked,
    entries_of,
    peak_memory,
    refusal,
    stored_bytes,
)
from tests.support.exposed import METHODS, attempt
from tests.support.patience import PATIENCE
from tests.support.platform import Services

Code = grpc.StatusCode
DRIFT = verdict_pb2.VERDICT_KIND_DRIFT
LARGEST_ANSWER, LARGEST_EVENT = 8_000_000, 1_000_000
GIBI = 1 << 30
REPEATS = 40
STREAM = "/systemzero.capture.v1.CaptureService/IngestStream"
HEALTH = "/grpc.health.v1.Health/Watch"
REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"


def viewer(tenant: Tenant) -> Services:
    """Who may do no more than look, and diff."""
    return tenant.by(tenant.new_key(auth_pb.ROLE_VIEWER))


def diff_request(shape: Callable[[int, int], tree_pb2.Tree], nodes: int) -> diff_pb.DiffRequest:
    a, b = (tree_pb2.TreeSource(tree=shape(nodes, salt)) for salt in (1, 5_003))
    return diff_pb.DiffRequest(a=a, b=b)


def learn(services: Services, screen: str, tree: tree_pb2.Tree) -> None:
    request = template_pb.LearnTemplateRequest(
        screen_id=screen, captures=[tree_pb2.TreeSource(tree=tree)]
    )
    services.template.LearnTemplate(request, timeout=PATIENCE)


def ingest(services: Services, screen: str, tree: tree_pb2.Tree) -> Any:
    request = capture_pb.IngestRequest(tree=tree, check=True, screen_hint=screen, app="an app")
    return services.capture.Ingest(request, timeout=PATIENCE)


def reason_of(error: Any) -> str:
    info = error_details_pb2.ErrorInfo()
    status = rpc_status.from_call(error)
    assert status is not None
    assert any(detail.Unpack(info) for detail in status.details)
    return str(info.reason)


@pytest.mark.slow
def test_two_long_chains_take_little_memory_and_a_small_answer(platform: Attacked) -> None:
    """C2. What it took: 5.2 GB and 65 s."""
    request = diff_request(heavy.chain, heavy.LONGEST_CHAIN)
    with viewer(platform.tenant(LAVISH)) as services:
        answer: Any = services.diff.Diff(request, timeout=PATIENCE)
        assert answer.ByteSize() <= LARGEST_ANSWER
        assert answer.script.edits
        assert answer.script.more_edits > 0
    assert peak_memory(platform) < GIBI


def test_a_small_capture_makes_no_large_answer_and_no_large_event(platform: Attacked) -> None:
    """C3. What it made of 672 KB: an answer of 147 MB, and 290 MB on disk."""
    tenant = platform.tenant(LAVISH)
    with tenant.by() as services:
        learn(services, "deep", heavy.chain(12_000, 1))
        before = stored_bytes(platform)
        changed = heavy.chain(12_000, 5_003)
        answer = ingest(services, "deep", changed)
        assert answer.verdict.kind == DRIFT
        assert answer.ByteSize() <= LARGEST_EVENT
        assert answer.verdict.script.more_edits > 0
        stored = stored_bytes(platform) - before
        assert stored <= 8 * changed.ByteSize() + 1_000_000
        event_id = answer.verdict.event_id
        event = services.drift.GetEvent(drift_pb.GetEventRequest(event_id=event_id))
        assert event.ByteSize() <= LARGEST_EVENT + 10_000
        listed = services.drift.ListEvents(drift_pb.ListEventsRequest(page_size=100))
        assert listed.ByteSize() <= LARGEST_ANSWER


def test_what_was_not_shown_is_not_approved_for_good(platform: Attacked) -> None:
    """C1 and C3 together: consent covers what it was shown."""
    with platform.tenant(LAVISH).by() as services:
        learn(services, "deep", heavy.chain(12_000, 1))
        verdict = ingest(services, "deep", heavy.chain(12_000, 5_003)).verdict
        approve = drift_pb.ApproveEventRequest(event_id=verdict.event_id, reason="all of it")
        assert refusal(lambda: services.drift.ApproveEvent(approve))[0] is Code.FAILED_PRECONDITION
        assert ingest(services, "deep", heavy.chain(12_000, 5_003)).verdict.kind == DRIFT


def test_drift_that_is_seen_again_costs_a_row_and_not_its_verdict(platform: Attacked) -> None:
    """C3, by staying: a screen that has drifted is sent for ever."""
    with platform.tenant(LAVISH).by() as services:
        learn(services, "page", heavy.page(1_000, "learnt"))
        changed = heavy.page(1_000, "changed", lines=300)
        first = ingest(services, "page", changed)
        assert first.verdict.kind == DRIFT
        before = stored_bytes(platform)
        for _ in range(REPEATS):
            assert ingest(services, "page", changed).verdict.kind == DRIFT
        # 2 KB of rows, as much of log entry, and what a database takes in advance
        assert stored_bytes(platform) - before <= REPEATS * 8_000 + 1_000_000


@pytest.mark.slow
def test_a_template_of_many_rules_holds_up_nobody(platform: Attacked) -> None:
    """C4. What it did: both threads of diff for four minutes, others UNAVAILABLE."""
    loud, quiet = platform.tenant(LAVISH), platform.tenant(LAVISH)
    with loud.by() as services:
        yaml = heavy.many_rules("rules", 500, 16, 12_000, 400)
        services.template.ImportTemplate(
            template_pb.ImportTemplateRequest(yaml=yaml), timeout=PATIENCE
        )
    with loud.by() as loudly, quiet.by() as quietly, ThreadPoolExecutor(4) as threads:
        learn(quietly, "page", heavy.page(1_500, "learnt"))
        trees = [heavy.below_a_chain(12_000, 400, f"x{number}") for number in range(4)]
        under_way = [threads.submit(_outcome, ingest, loudly, "rules", tree) for tree in trees]
        for number in range(8):
            answer = ingest(quietly, "page", heavy.page(1_500, f"{number}"))
            assert answer.verdict.kind == DRIFT
        for each in under_way:
            assert each.result() in (Code.OK, Code.RESOURCE_EXHAUSTED)


@pytest.mark.slow
def test_a_tenant_with_much_to_do_is_overtaken_by_one_with_little(platform: Attacked) -> None:
    """H2. What 20 Diffs did to a quiet tenant's p95: from 113 ms to 30 s."""
    loud, quiet = platform.tenant(LAVISH), platform.tenant(LAVISH)
    request, done = diff_request(heavy.comb, 30_000), itertools.count()
    finished: list[int] = []
    with viewer(loud) as loudly, quiet.by() as quietly, ThreadPoolExecutor(20) as threads:
        learn(quietly, "page", heavy.page(1_500, "learnt"))
        begun = threading.Barrier(21)

        def diff() -> Code:
            begun.wait()
            code = _outcome(loudly.diff.Diff, request, timeout=PATIENCE)
            finished.append(next(done))
            return code

        under_way = [threads.submit(diff) for _ in range(20)]
        begun.wait()
        answer = ingest(quietly, "page", heavy.page(1_500, "changed"))
        overtaken = 20 - len(finished)
        assert answer.verdict.kind == DRIFT
        codes = Counter(each.result() for each in under_way)
    assert codes.keys() <= {Code.OK, Code.RESOURCE_EXHAUSTED}
    assert overtaken >= codes[Code.OK] / 2  # whatever runs, runs; what waits is not before it


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_process_that_is_busy_stops_when_it_is_told(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """C4, for the operator: SIGTERM did not end it."""
    with (
        attacked(kind, request, tmp_path, {"GRACE": "1"}) as found,
        found.tenant(LAVISH).by() as services,
        ThreadPoolExecutor(4) as threads,
    ):
        started, asked = threading.Barrier(5), diff_request(heavy.chain, 100_000)

        def diff() -> Code:
            started.wait()
            return _outcome(services.diff.Diff, asked, timeout=PATIENCE)

        under_way = [threads.submit(diff) for _ in range(4)]
        started.wait()
        services.status.GetStatus(status_pb.GetStatusRequest())
        assert found.platform.stop() == 0
        for each in under_way:
            each.result()  # nobody waits for an answer that does not come


@pytest.mark.parametrize("streams", [1, 8])
def test_a_stream_is_held_to_the_rate_of_its_tenant(platform: Attacked, streams: int) -> None:
    """H1. What one unit carried: 20,890 captures in 8 s."""
    tenant, rate = platform.tenant(), Rate()
    numbers = itertools.count()
    start = time.monotonic()

    def tiny() -> Iterator[bytes]:
        for _ in range(400):
            node = tree_pb2.Node(role="document", name=f"S{next(numbers)}", parent=-1)
            ingest = capture_pb.IngestRequest(tree=tree_pb2.Tree(nodes=[node]))
            yield capture_pb.IngestStreamRequest(ingest=ingest).SerializeToString()

    def flood(_number: int) -> int:
        answered = 0
        with tenant.by() as services:
            method: Any = services.channel.stream_stream(STREAM, None, None)
            metadata = (("authorization", f"Bearer {tenant.key}"),)
            try:
                for response in method(tiny(), metadata=metadata, timeout=1):
                    said = capture_pb.IngestStreamResponse.FromString(response)
                    answered += said.HasField("ingest")
            except grpc.RpcError as error:
                ended: Any = error
                assert ended.code() in (Code.DEADLINE_EXCEEDED, Code.RESOURCE_EXHAUSTED)
        return answered

    with ThreadPoolExecutor(streams) as threads:
        answered = sum(threads.map(flood, range(streams)))
    seconds = time.monotonic() - start
    assert 1 <= answered <= rate.burst + rate.per_minute / 60 * seconds + 1


def test_calls_that_are_cancelled_in_mass_take_no_lane_along(platform: Attacked) -> None:
    """Each at another moment: read, waiting, under way. More: integration/base/lanes."""
    request = diff_request(heavy.chain, 3_000)
    begun = threading.Event()
    with viewer(platform.tenant(LAVISH)) as services:
        calls = [
            services.diff.Diff.func.future(request, **services.diff.Diff.keywords) for _ in range(8)
        ]
        calls[0].add_done_callback(lambda _call: begun.set())
        assert begun.wait(PATIENCE)
        for _ in range(15):
            calls += [
                services.diff.Diff.func.future(request, **services.diff.Diff.keywords)
                for _ in range(8)
            ]
            calls[-9].cancel()
            calls[-2].cancel()
        for call in calls:
            call.cancel()
        for _ in range(3):
            assert services.diff.Diff(request, timeout=PATIENCE).script.edits


@pytest.mark.parametrize("quota", ["captures", "templates", "events", "stored_bytes"])
def test_storage_ends_where_the_tenants_quota_does(platform: Attacked, quota: str) -> None:
    """H1, by staying: nobody fills the disk of others."""
    limit = 400_000 if quota == "stored_bytes" else 3
    quotas: Any = tenant_pb.Quotas
    tenant = platform.tenant(
        quotas(per_minute=1e9, burst=1_000_000_000, in_flight=1_000, **{quota: limit})
    )
    with tenant.by() as services:
        if quota == "events":
            learn(services, "page", heavy.page(40, "learnt"))

        def store(number: int) -> None:
            if quota == "templates":
                learn(services, f"page-{number}", heavy.page(40, f"{number}"))
            else:
                size = 2_000 if quota == "stored_bytes" else 40
                request = capture_pb.IngestRequest(
                    tree=heavy.wide(size, number) if size > 40 else heavy.page(40, f"{number}"),
                    check=quota == "events",
                    screen_hint="page",
                )
                services.capture.Ingest(request)

        stored, error = _until_refused(store)
        assert error.code() is Code.RESOURCE_EXHAUSTED
        assert reason_of(error) == "QUOTA_EXCEEDED"
        assert quota == "stored_bytes" or stored == limit
        status: Any = services.status.GetStatus(status_pb.GetStatusRequest())
        assert any(backend.storage for backend in status.backends)


def _until_refused(store: Callable[[int], None]) -> tuple[int, Any]:
    """How much was stored, and with what the next was refused."""
    for number in range(200):
        try:
            store(number)
        except grpc.RpcError as error:
            return number, error
    raise AssertionError("nothing was refused")


@pytest.mark.parametrize("kind", KINDS)
def test_a_stranger_does_not_fill_the_audit_log(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """H3. What a stranger wrote: 4.5 GB a day."""
    unlimited = '{"per_minute": 1000000000, "burst": 1000000}'
    with attacked(kind, request, tmp_path, {"LIMITS__FAILURES": unlimited}) as found:
        before = entries_of(found, "audit_entries")
        with found.platform.services("") as nobody:
            paths = sorted(METHODS)
            for number in range(500):
                unknown = f"/systemzero.own{number}.{'x' * number}/Method"
                path = unknown if number % 2 else paths[number // 2 % len(paths)]
                metadata = (("authorization", f"Bearer key-{number}-{'x' * number}"),)
                outcome = attempt(nobody.channel, path, b"", metadata) if path in METHODS else None
                assert outcome is None or outcome.code is Code.UNAUTHENTICATED
                if outcome is None:
                    method: Any = nobody.channel.unary_unary(path, None, None)
                    refusal(partial(method, b"", metadata=metadata))
        assert found.platform.stop() == 0
        entries, size = entries_of(found, "audit_entries")
        assert 1 <= entries - before[0] <= 60
        assert size - before[1] <= 60_000


@pytest.mark.parametrize(("path", "opened"), [(HEALTH, 300), (REFLECTION, 60)])
def test_streams_that_anybody_may_open_are_bounded(
    platform: Attacked, path: str, opened: int
) -> None:
    """L1. What held a thousand of them open: nothing."""
    with platform.platform.services("") as nobody:
        method: Any = nobody.channel.stream_stream(path, None, None)
        over = threading.Event()
        listed = reflection_pb2.ServerReflectionRequest(list_services="*")
        question = health_pb2.HealthCheckRequest() if path == HEALTH else listed

        def one() -> Iterator[bytes]:
            yield question.SerializeToString()
            over.wait(PATIENCE)

        calls = [method(one(), timeout=PATIENCE) for _ in range(opened)]
        try:
            codes = Counter(_first(call) for call in calls)
        finally:
            over.set()
            for call in calls:
                call.cancel()
    assert codes[Code.RESOURCE_EXHAUSTED] >= 1
    with platform.tenant().by() as services:
        services.status.GetStatus(status_pb.GetStatusRequest())


def _first(call: Any) -> Code:
    """OK for a stream that is open, else how it ended."""
    try:
        next(call)
    except grpc.RpcError as error:
        ended: Any = error
        code: Code = ended.code()
        return code
    except StopIteration:
        pass
    return Code.OK


def _outcome(call: Callable[..., Any], *arguments: Any, **more: Any) -> Code:
    try:
        call(*arguments, **more)
    except grpc.RpcError as error:
        ended: Any = error
        code: Code = ended.code()
        return code
    return Code.OK
