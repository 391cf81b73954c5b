"""Standalone as two workers over one data folder: what clients of one do, clients of both see."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count, islice, takewhile
from pathlib import Path

import grpc
import pytest

from systemzero.capture.v1 import capture_service_pb2 as capture_pb
from systemzero.diff.v1 import drift_service_pb2 as drift_pb
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.diff.v1 import verdict_pb2
from systemzero.gateway.v1 import auth_service_pb2 as auth_pb
from systemzero.gateway.v1 import status_service_pb2 as status_pb
from systemzero.gateway.v1 import status_service_pb2_grpc
from systemzero.log.v1 import log_service_pb2 as log_pb
from systemzero.tree.v1 import tree_pb2
from systemzero_core.tlog import VerifierKey, verify_export
from systemzero_wire.trees import encode_tree
from tests.e2e.test_backup import admin
from tests.support.patience import PATIENCE
from tests.support.platform import Platform, Services, running
from tests.support.spread import listens, over_each, workers
from tests.support.stores import tree

APPROVED = ("Buy", "Cancel", "Help", "Print")
TRIES = 20_000
"""Calls, at most, until a worker notices what another one did: it takes half a second."""


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    with running("standalone", tmp_path / "data", workers=2) as started:
        yield started


def ingest(services: Services, *names: str) -> verdict_pb2.Verdict:
    request = capture_pb.IngestRequest(
        tree=encode_tree(tree(*names)), screen_hint="order", check=True
    )
    verdict: verdict_pb2.Verdict = services.capture.Ingest(request).verdict
    return verdict


def drifts(services: Services, names: Iterable[str]) -> list[str]:
    """The events of drift, each in another text; until the connection is lost."""
    found = []
    for name in names:
        try:
            found.append(ingest(services, name, *APPROVED[1:]).event_id)
        except grpc.RpcError:
            return found
    return found


def learned(some: dict[int, Services]) -> list[Services]:
    """Learn the screen over one connection; they know it, when this returns, over all."""
    one, *_ = connections = list(some.values())
    source = tree_pb2.TreeSource(tree=encode_tree(tree(*APPROVED)))
    request = template_pb.LearnTemplateRequest(screen_id="order", captures=[source])
    one.template.LearnTemplate(request)
    for services in connections:
        until_known(services)
    return connections


def until_known(services: Services) -> None:
    for _ in range(TRIES):
        if ingest(services, *APPROVED).kind == verdict_pb2.VERDICT_KIND_UNCHANGED:
            return
    raise AssertionError("the template was never seen")


def listed(services: Services) -> list[str]:
    """All events there are."""
    found: list[str] = []
    request = drift_pb.ListEventsRequest(page_size=7)
    while True:
        page = services.drift.ListEvents(request)
        found += [event.event_id for event in page.events]
        request.page_token = page.next_page_token
        if not request.page_token:
            return found


def logged(services: Services) -> int:
    """How many entries the log has; all of them are verified."""
    key = VerifierKey.parse(services.log.GetCheckpoint(log_pb.GetCheckpointRequest()).verifier_key)
    chunks = services.log.ExportEntries(log_pb.ExportEntriesRequest())
    lines = b"".join(chunk.chunk for chunk in chunks).splitlines(keepends=True)
    return verify_export(lines, vkeys=[key]).checkpoint.size


def checked(platform: Platform) -> None:
    assert platform.stop() == 0
    found = admin("check", "--data", platform.data)
    assert found.returncode == 0, found.stdout + found.stderr


def test_both_append_to_one_log_at_once_and_each_tells_of_all(platform: Platform) -> None:
    with over_each(platform) as connections, ThreadPoolExecutor() as threads:
        one, other = learned(connections)
        from_start = drift_pb.WatchEventsRequest(from_start=True)
        watch = one.drift.WatchEvents(from_start, timeout=PATIENCE)
        jobs = [
            threads.submit(drifts, services, [f"{name} {i}" for i in range(30)])
            for services, name in ((one, "Pay"), (other, "Order"))
        ]
        made = sorted(event_id for job in jobs for event_id in job.result())
        assert len(made) == 60
        events = (told.event.event_id for told in watch if told.HasField("event"))
        seen = list(islice(events, len(made)))
        watch.cancel()
        assert sorted(seen) == sorted(listed(one)) == sorted(listed(other)) == made
        assert logged(one) == logged(other) >= 60
    checked(platform)


def test_one_that_is_killed_loses_nothing_acknowledged_and_is_replaced(platform: Platform) -> None:
    over = threading.Event()

    def until_over(name: str) -> Iterator[str]:
        return (f"{name} {i}" for i in takewhile(lambda _: not over.is_set(), count()))

    with over_each(platform) as connections, ThreadPoolExecutor() as threads:
        one, other = learned(connections)
        killed, stays = connections
        busy = threads.submit(drifts, one, until_over("Pay"))
        made = drifts(other, [f"Order {i}" for i in range(20)])
        os.kill(killed, signal.SIGKILL)
        made += drifts(other, [f"Send {i}" for i in range(20)])
        over.set()
        made += busy.result()
        found = listed(other)
        # one may have been stored whose answer was lost
        assert set(made) <= set(found)
        assert 40 <= len(made) <= len(found) == len(set(found)) <= len(made) + 1
        while not (new := set(workers(platform)) - {stays, killed}) or not listens(platform, *new):
            other.status.GetStatus(status_pb.GetStatusRequest())
        with over_each(platform, *new) as of_the_new_one:
            (services,) = of_the_new_one.values()
            until_known(services)
            assert listed(services) == found
    checked(platform)


def test_a_key_made_by_one_is_good_at_the_other_and_revoked_at_both(platform: Platform) -> None:
    status = status_pb.GetStatusRequest()
    with over_each(platform) as connections:
        one, other = connections.values()
        key = auth_pb.ApiKey(name="a viewer", role=auth_pb.ROLE_VIEWER)
        made = one.auth.CreateApiKey(auth_pb.CreateApiKeyRequest(api_key=key))
        stub = status_service_pb2_grpc.StatusServiceStub(other.channel)
        ask = partial(stub.GetStatus, metadata=(("authorization", f"Bearer {made.secret}"),))
        ask(status)
        one.auth.RevokeApiKey(auth_pb.RevokeApiKeyRequest(key_id=made.api_key.key_id))
        with pytest.raises(grpc.RpcError) as refused:
            any(ask(status) is None for _ in range(TRIES))
        error: grpc.Call = refused.value  # type: ignore[assignment]
        assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    assert platform.stop() == 0
