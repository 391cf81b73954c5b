"""One attack on a platform of its own: the quiet tenant alone, then beside the loud one."""

from __future__ import annotations

import json
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from benchmarks._report import progress
from benchmarks.neighbours import kept, quiet
from benchmarks.neighbours.attacker import attacker
from benchmarks.neighbours.attacks import ATTACKS, Attack
from benchmarks.neighbours.machines import prefer
from benchmarks.neighbours.memory import Peaks, watched
from benchmarks.neighbours.quiet import Noticed
from systemzero.gateway.v1 import auth_service_pb2 as auth_pb
from systemzero.gateway.v1 import tenant_service_pb2 as tenant_pb
from systemzero_gateway.limits import Rate
from tests.support.platform import Platform, running

_LAVISH = tenant_pb.Quotas(per_minute=1e9, burst=1_000_000, in_flight=1_000)
_DEFAULT = json.dumps(msgspec.structs.asdict(Rate()))
LIMITS = {"LIMITS__TENANT": _DEFAULT, "LIMITS__PRINCIPAL": _DEFAULT}
"""As they come, which is not how tests have them."""
_UNTIL_EVERY_GATEWAY_KNOWS = 1.2
STOP_PATIENCE = 30.0
"""Seconds after which a platform that does not stop is killed."""


class Sizes(NamedTuple):
    """Bytes: of the largest answer and stored event, and of all that was stored in the end."""

    answer: int
    event: int
    stored: int


class Outcome(NamedTuple):
    """What came of one attack; `stopped` is in seconds."""

    alone: Noticed
    beside: Noticed
    peaks: Peaks
    told: dict[str, Any]
    sizes: Sizes
    stopped: float


def pooled(outcomes: Sequence[Outcome]) -> Outcome:
    """All rounds of one attack as one: every latency and failure, and the most of all else."""
    alone, beside, peaks = Noticed(), Noticed(), Peaks()
    for outcome in outcomes:
        alone.take_in(outcome.alone)
        beside.take_in(outcome.beside)
        peaks.take_in(outcome.peaks)
    told = {"sent": max(outcome.told.get("sent", 0) for outcome in outcomes)}
    sizes = Sizes(*map(max, zip(*(outcome.sizes for outcome in outcomes), strict=True)))
    stopped = max(outcome.stopped for outcome in outcomes)
    return Outcome(alone, beside, peaks, told, sizes, stopped)


class Loud(NamedTuple):
    """The loud tenant's keys: its admin's, and the one that it attacks with."""

    admin: str
    attacking: str


def tried(kind: str, name: str, seconds: float) -> Outcome:
    """Run the attack `name` on a fresh platform of `kind`, for so long."""
    attack = ATTACKS[name]
    with tempfile.TemporaryDirectory() as folder, running(kind, Path(folder), LIMITS) as platform:
        goes_before = prefer(platform.process.pid)
        key = _tenant(platform, "quiet")
        with platform.services(key) as services:
            quiet.learn(services)
        loud = _loud(platform, attack)
        quiet.live(platform.target, key, 1.0)  # connections are made, code is warm
        time.sleep(_UNTIL_EVERY_GATEWAY_KNOWS)
        alone = quiet.live(platform.target, key, seconds)
        with (
            watched(platform.process.pid) as peaks,
            attacker(
                name, platform.target, loud.attacking, seconds, yields=not goes_before
            ) as attacking,
            quiet.quiet_tenant(platform.target, key, seconds) as tenant,
        ):
            attacking.attack()
            beside = tenant.live()
            told = attacking.told()
        _quotas(platform, _LAVISH)
        time.sleep(_UNTIL_EVERY_GATEWAY_KNOWS)
        with platform.services(loud.admin) as services:
            largest = max(told.get("largest", 0), beside.largest, kept.largest_read(services))
        stopped = _stopped(platform)
        event, stored = kept.largest_event(platform.data), kept.bytes_below(platform.data)
    progress(f"{kind} {name}: {told}, failures {dict(beside.failures)}")
    sizes = Sizes(largest, event, stored)
    return Outcome(alone, beside, peaks, told, sizes, stopped)


def _owner(platform: Platform) -> str:
    return (platform.data / "gateway" / "platform.key").read_text().strip()


def _tenant(platform: Platform, name: str) -> str:
    """The admin key of a new tenant at lavish quotas."""
    with platform.services(_owner(platform)) as services:
        request = tenant_pb.CreateTenantRequest(tenant_id=name, quotas=_LAVISH)
        return str(services.tenants.CreateTenant(request).secret)


def _quotas(platform: Platform, quotas: tenant_pb.Quotas | None) -> None:
    with platform.services(_owner(platform)) as services:
        request = tenant_pb.UpdateTenantQuotasRequest(tenant_id="loud", quotas=quotas)
        services.tenants.UpdateTenantQuotas(request)


def _loud(platform: Platform, attack: Attack) -> Loud:
    """The loud tenant, prepared, at the quotas that every tenant has."""
    admin = attacking = _tenant(platform, "loud")
    with platform.services(admin) as services:
        attack.prepare(services)
        if attack.role != "admin":
            role = auth_pb.Role.Value(f"ROLE_{(attack.role or 'viewer').upper()}")
            request = auth_pb.CreateApiKeyRequest(api_key=auth_pb.ApiKey(name="loud", role=role))
            attacking = services.auth.CreateApiKey(request).secret if attack.role else ""
    _quotas(platform, None)
    return Loud(admin, attacking)


def _stopped(platform: Platform) -> float:
    """Seconds until it has ended after SIGTERM; it is killed where that takes too long."""
    start = time.monotonic()
    platform.process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        platform.process.wait(STOP_PATIENCE)
    took = time.monotonic() - start
    if platform.process.poll() is None:
        platform.kill()
    return took
