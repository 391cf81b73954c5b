"""Parts that are killed under load: what docs/design/gateway.md promises happens, and passes."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from systemzero.gateway.v1 import auth_service_pb2 as auth_pb
from tests.support.exposed import attempt, bearer
from tests.support.fleet import Fleet, Load, fleet
from tests.support.platform import GENEROUS, Services
from tests.support.postgres import Process, Server, migrated, process
from tests.support.valkey import RealValkey, real_valkey

OK, AWAY = grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE
PATHS = {
    "own": "/systemzero.gateway.v1.AuthService/GetJwks",
    "capture": "/systemzero.capture.v1.CaptureService/ListCaptures",
    "diff": "/systemzero.diff.v1.TemplateService/ListTemplates",
}
LAVISH = {"LIMITS__TENANT": GENEROUS, "LIMITS__PRINCIPAL": GENEROUS}


@pytest.fixture(scope="module")
def valkey() -> Iterator[RealValkey]:
    with real_valkey() as server:
        yield server


def started(services: Fleet) -> str:
    """Start one of each; where the gateway listens."""
    services.start("capture")
    services.start("diff")
    return services.start("gateway")


def test_a_killed_backend_and_a_killed_valkey_cost_what_needs_them_and_come_back(
    tmp_path: Path, valkey: RealValkey
) -> None:
    shared = {**LAVISH, "LIMITS__STORE": valkey.url, "LIMITS__STORE_TIMEOUT": "5"}
    with fleet(tmp_path, shared) as services:
        target = started(services)
        with Load(target, services.admin_key, PATHS) as load:
            load.until(own=OK, capture=OK, diff=OK)
            assert load.next(10) == {"own": {OK}, "capture": {OK}, "diff": {OK}}

            services.kill("diff")
            load.until(diff=AWAY)
            assert load.next(10) == {"own": {OK}, "capture": {OK}, "diff": {AWAY}}
            services.start("diff")
            with grpc.insecure_channel(target) as channel:  # the first call, not a later one
                first = attempt(channel, PATHS["diff"], b"", bearer(services.admin_key))
            assert first.code is OK
            load.until(diff=OK)
            assert load.next(10) == {"own": {OK}, "capture": {OK}, "diff": {OK}}

            valkey.stop()
            load.until(own=AWAY, capture=AWAY, diff=AWAY)
            assert load.next(10) == {"own": {AWAY}, "capture": {AWAY}, "diff": {AWAY}}
            valkey.restart()
            load.until(own=OK, capture=OK, diff=OK)
            assert load.next(10) == {"own": {OK}, "capture": {OK}, "diff": {OK}}


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[tuple[Process, Path]]:
    """A PostgreSQL for the gateway's keys, and the file with its URL."""
    with process() as database:
        database.start()
        server = Server(database.url)
        yield database, migrated(server, tmp_path)


@pytest.mark.slow
def test_without_the_key_store_nobody_gets_in_and_with_it_everybody_again(
    tmp_path: Path, keys: tuple[Process, Path]
) -> None:
    database, url = keys
    with fleet(tmp_path / "data", {**LAVISH, "DATABASE__URL_FILE": str(url)}) as services:
        target = started(services)
        with Load(target, services.admin_key, PATHS) as load:
            load.until(own=OK, capture=OK, diff=OK)
            database.stop()
            load.until(own=AWAY, capture=AWAY, diff=AWAY)
            assert load.next(2) == {"own": {AWAY}, "capture": {AWAY}, "diff": {AWAY}}
            database.start()
            load.until(own=OK, capture=OK, diff=OK)
            assert load.next(10) == {"own": {OK}, "capture": {OK}, "diff": {OK}}


def test_two_gateways_over_one_valkey_let_pass_what_one_would(
    tmp_path: Path, valkey: RealValkey
) -> None:
    burst = 60
    limits = {
        "LIMITS__TENANT": GENEROUS,
        "LIMITS__PRINCIPAL": json.dumps({"per_minute": 0.001, "burst": burst}),
        "LIMITS__STORE": valkey.url,
        "LIMITS__STORE_TIMEOUT": "5",
    }
    with fleet(tmp_path, limits) as services:
        targets = [services.start(name, "gateway") for name in ("gateway", "another")]
        made = [new_key(targets[0], services.admin_key) for _ in range(3)]
        passed = answered(targets, made, 2 * burst)
    assert set(passed) == set(made)
    for count in passed.values():
        assert abs(count - burst) <= 1


def new_key(target: str, admin: str) -> str:
    key = auth_pb.ApiKey(name="one of several", role=auth_pb.ROLE_VIEWER)
    with Services(target, admin) as services:
        return str(services.auth.CreateApiKey(auth_pb.CreateApiKeyRequest(api_key=key)).secret)


def answered(targets: list[str], keys: list[str], calls: int) -> Counter[str]:
    """How many calls of each key are answered, when all make them at every gateway at once."""
    passed: Counter[str] = Counter()
    lock = threading.Lock()

    def call(target: str, key: str) -> None:
        with grpc.insecure_channel(target) as channel:
            for _ in range(calls // len(targets)):
                outcome = attempt(channel, PATHS["own"], b"", bearer(key))
                assert outcome.code in {OK, grpc.StatusCode.RESOURCE_EXHAUSTED}
                with lock:
                    passed[key] += outcome.code is OK

    threads = [threading.Thread(target=call, args=(t, k)) for t in targets for k in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return passed
