"""A platform of real processes that knows the screens, and a tenant whose quotas bear the load."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc

from benchmarks._processes import group
from benchmarks.load.mix import INGEST, Prepared
from benchmarks.load.screens import reads, screens
from systemzero.capture.v1 import capture_service_pb2 as capture_pb
from systemzero.gateway.v1 import tenant_service_pb2 as tenant_pb
from tests.support.platform import Platform, Services, running

TENANT = "load"
QUOTAS = tenant_pb.Quotas(per_minute=1e9, burst=1_000_000, in_flight=1_000)
"""Limits are raised, not switched off: every call is still counted and decided about."""
OWN_CONNECTION = ("grpc.use_local_subchannel_pool", 1)
"""Channels with it share no connection: workers get them as they do those of so many clients."""
_GREETED = 8
"""Connections for each worker, so that hardly ever one of them has none."""
_TRIES = 1_000


@dataclass(frozen=True)
class World:
    """What is under load: where it listens, with what it is called, its processes, the calls."""

    kind: str
    workers: int
    platform: Platform
    target: str
    key: str
    prepared: list[Prepared]

    @property
    def name(self) -> str:
        """What it is: its kind, and how many workers where there are several."""
        return self.kind if self.workers == 1 else f"{self.kind}_{self.workers}"

    def pids(self) -> list[int]:
        """The server's processes."""
        return group(self.platform.process.pid)


@contextmanager
def world(kind: str, workers: int = 1) -> Iterator[World]:
    """A platform of `kind` (`standalone` or `split`); its load comes from a tenant with quotas."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running(kind, Path(folder), workers=workers) as platform,
    ):
        key = new_tenant(platform)
        with platform.services(key) as services:
            prepared = learned(services)
            if workers > 1:
                for _ in range(_GREETED * workers):
                    _until_known(platform.target, key, prepared)
            yield World(kind, workers, platform, platform.target, key, prepared)


def new_tenant(platform: Platform) -> str:
    """The key of a tenant of its own, whose quotas bear the load."""
    owner = (platform.data / "gateway" / "platform.key").read_text().strip()
    with platform.services(owner) as services:
        request = tenant_pb.CreateTenantRequest(tenant_id=TENANT, quotas=QUOTAS)
        return str(services.tenants.CreateTenant(request).secret)


def _until_known(target: str, key: str, prepared: Sequence[Prepared]) -> None:
    """See each screen, and each drift, until the worker of a new connection knows it."""
    metadata = (("authorization", f"Bearer {key}"),)
    runs = itertools.count()
    with grpc.insecure_channel(target, [OWN_CONNECTION]) as channel:
        ingest = channel.unary_unary(INGEST, None, None)
        for call in (p for p in prepared if p.kind in ("same", "drift")):
            for _ in range(_TRIES):
                answer = ingest(call.filled(next(runs)), metadata=metadata, timeout=30)
                if capture_pb.IngestResponse.FromString(answer).verdict.kind == call.verdict:
                    break
            else:
                raise AssertionError(f"{call.kind}: a worker never learns of it")


def learned(services: Services) -> list[Prepared]:
    """Learn the screens, see each drift once, so that it is known; all calls of the mix."""
    prepared: list[Prepared] = []
    found = screens()
    for screen in found:
        services.template.LearnTemplate(screen.template())
        prepared += screen.prepared()
    for call in (p for p in prepared if p.kind in ("same", "drift")):
        request = capture_pb.IngestRequest.FromString(call.filled(0))
        answer = services.capture.Ingest(request)
        if answer.verdict.kind != call.verdict:
            raise AssertionError(f"{call.kind}: {answer.verdict.explanation}")
    return [*prepared, *reads(answer.capture.capture_id, found[0].name)]
