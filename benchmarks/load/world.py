"""A platform of real processes that knows the screens, and a tenant whose quotas bear the load."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks._processes import group
from benchmarks.load.mix import Prepared
from benchmarks.load.screens import reads, screens
from systemzero.capture.v1 import capture_service_pb2 as capture_pb
from systemzero.gateway.v1 import tenant_service_pb2 as tenant_pb
from tests.support.platform import Platform, Services, running

TENANT = "load"
QUOTAS = tenant_pb.Quotas(per_minute=1e9, burst=1_000_000, in_flight=1_000)
"""Limits are raised, not switched off: every call is still counted and decided about."""


@dataclass(frozen=True)
class World:
    """What is under load: where it listens, with what it is called, its processes, the calls."""

    platform: Platform
    target: str
    key: str
    prepared: list[Prepared]

    def pids(self) -> list[int]:
        """The server's processes."""
        return group(self.platform.process.pid)


@contextmanager
def world(kind: str) -> Iterator[World]:
    """A platform of `kind` (`standalone` or `split`); its load comes from a tenant with quotas."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running(kind, Path(folder)) as platform,
    ):
        key = new_tenant(platform)
        with platform.services(key) as services:
            yield World(platform, platform.target, key, learned(services))


def new_tenant(platform: Platform) -> str:
    """The key of a tenant of its own, whose quotas bear the load."""
    owner = (platform.data / "gateway" / "platform.key").read_text().strip()
    with platform.services(owner) as services:
        request = tenant_pb.CreateTenantRequest(tenant_id=TENANT, quotas=QUOTAS)
        return str(services.tenants.CreateTenant(request).secret)


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
