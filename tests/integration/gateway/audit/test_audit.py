"""The audit log: who did what, and that it can be verified and not be got around."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from systemzero.gateway.v1 import audit_service_pb2 as pb
from systemzero.gateway.v1 import audit_service_pb2_grpc, auth_service_pb2, auth_service_pb2_grpc
from systemzero_base.clock import micros
from systemzero_core.errors import FailedPrecondition, Unavailable
from systemzero_core.tlog import VerifierKey, verify_bundle, verify_export
from systemzero_evidence.log import LogDiverged
from systemzero_gateway.audit import Decided
from systemzero_gateway.audit.queue import GROUPS
from systemzero_gateway.audit.settings import AuditSettings, RefusalSettings
from systemzero_gateway.credentials import apikey
from tests.support.gateway import METHODS, SERVICE, World, each, refused, world
from tests.support.patience import PATIENCE
from tests.support.sqlite import opened

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = ("traceparent", f"00-{TRACE}-00f067aa0ba902b7-01")
REQUEST = ("x-request-id", "r-1")


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, local=True) as running:
        yield running


def audit(here: World) -> Any:
    return audit_service_pb2_grpc.AuditServiceStub(here.channel)


def platform(here: World) -> tuple[tuple[str, str], ...]:
    return here.bearer(here.app.platform_key_file.read_text().strip())


async def new_key(here: World, **fields: Any) -> Any:
    request = auth_service_pb2.CreateApiKeyRequest(
        api_key=auth_service_pb2.ApiKey(
            name="of a test", **{"role": auth_service_pb2.ROLE_VIEWER, **fields}
        )
    )
    stub = auth_service_pb2_grpc.AuthServiceStub(here.channel)
    return await stub.CreateApiKey(request, metadata=(*here.bearer(), PARENT, REQUEST))


async def entries(here: World, metadata: Any = None) -> list[dict[str, Any]]:
    """What was recorded by now, as the log of whoever asks has it, without the asking."""
    assert await here.app.audit.flush()
    request = pb.ListEntriesRequest(page_size=1_000)
    listed = await audit(here).ListEntries(request, metadata=metadata or here.bearer())
    return [
        {"kind": entry.kind, **json.loads(entry.body)}
        for entry in listed.entries
        if b"AuditService" not in entry.body
    ]


async def test_an_act_is_recorded_with_who_what_where_and_trace(here: World) -> None:
    made = await new_key(here)
    (entry,) = await entries(here)
    admin = entry.pop("principal")
    assert admin.startswith("key_")
    assert admin != made.api_key.key_id
    assert entry.pop("last_time") > 1_700_000_000_000_000
    assert entry == {
        "kind": "call.allowed",
        "method": "/systemzero.gateway.v1.AuthService/CreateApiKey",
        "address": "127.0.0.1",
        "decision": "allowed",
        "reason": "",
        "trace_id": TRACE,
        "request_id": "r-1",
        "times": 1,
    }


async def test_denials_and_failures_say_why(here: World) -> None:
    viewer = await new_key(here)
    await refused(here.call("Unary", b"a", here.bearer(viewer.secret)))
    await refused(new_key(here, role=0))
    found = [(entry["kind"], entry["reason"]) for entry in await entries(here)]
    assert sorted(found) == [
        ("call.allowed", ""),
        ("call.denied", "PERMISSION_DENIED"),
        ("call.failed", "INVALID_ARGUMENT"),
    ]


async def denied_to_strangers(here: World) -> list[dict[str, Any]]:
    """What was recorded of them by now, in the platform's own log."""
    assert await entries(here) == []
    return [e for e in await entries(here, platform(here)) if e["kind"] == "call.denied"]


async def test_guesses_at_one_credential_are_one_entry_of_the_platforms(here: World) -> None:
    guess = apikey.new_secret()
    for method in ("Unary", "Get", "Unary"):
        await refused(here.call(method, b"a", here.bearer(guess)))
    (entry,) = await denied_to_strangers(here)
    assert (entry["principal"], entry["reason"]) == ("", "UNAUTHENTICATED")
    assert (entry["address"], entry["networks"]) == ("127.0.0.1", ["127.0.0.1"])
    assert entry["methods"] == [f"/{SERVICE}/Unary", f"/{SERVICE}/Get"]
    assert entry["credential"] == hashlib.sha256(guess.encode()).hexdigest()[:4]
    assert (entry["times"], entry["others"]) == (3, False)


async def test_a_flood_of_strangers_who_change_all_they_can_is_few_entries(here: World) -> None:
    paths = [method.path for method in METHODS]
    for number in range(5_000):
        peer = f"ipv6:[2001:db8:{number:x}::1]:4711"
        of = paths[number % len(paths)], peer, None, Decided.DENIED, "UNAUTHENTICATED"
        here.app.admission.record(None, *of)
    found = await denied_to_strangers(here)
    assert len(found) == GROUPS + 1
    assert sum(entry["times"] for entry in found) == 5_000
    (others,) = [entry for entry in found if entry["others"]]
    assert others["times"] == 5_000 - GROUPS
    assert others["address"] == ""


async def test_what_a_principal_is_refused_is_one_entry_of_a_reason_and_each_act_is_its_own(
    here: World,
) -> None:
    viewer = here.bearer((await new_key(here)).secret)
    for method in ("Unary", "Put") * 5:
        await refused(here.call(method, b"a", viewer))
    await new_key(here)
    found = await entries(here)
    assert [entry["kind"] for entry in found] == ["call.allowed", "call.allowed", "call.denied"]
    assert found[-1]["times"] == 10
    assert found[-1]["methods"] == [f"/{SERVICE}/Unary", f"/{SERVICE}/Put"]


async def test_refusals_are_written_after_their_interval(tmp_path: Path) -> None:
    soon = AuditSettings(refusals=RefusalSettings(interval=0.001))
    async with world(tmp_path, local=True, audit=soon) as here:
        await refused(here.call("Unary", b"a", ()))
        request = pb.ListEntriesRequest()
        async with asyncio.timeout(PATIENCE):
            while not (await audit(here).ListEntries(request, metadata=platform(here))).entries:
                pass


async def test_old_refusals_leave_and_acts_stay(tmp_path: Path) -> None:
    async with world(tmp_path, local=True) as here:
        await new_key(here)
        await refused(here.call("Unary", b"a", ()))
        assert await here.app.audit.flush()
        here.app.retention._clock = lambda: micros() + 31 * 86_400 * 1_000_000
        await here.app.retention.collect()
        assert [entry["kind"] for entry in await entries(here)] == ["call.allowed"]
        request = pb.ListEntriesRequest()
        listed = await audit(here).ListEntries(request, metadata=platform(here))
        assert [(entry.kind, bool(entry.body)) for entry in listed.entries] == [
            ("call.denied", False),
            ("log.erasure", True),
        ]


async def test_what_is_read_of_the_log_is_recorded_in_it(here: World) -> None:
    await new_key(here)
    await entries(here)
    await each(audit(here).ExportEntries(pb.ExportEntriesRequest(), metadata=here.bearer()))
    await audit(here).GetCheckpoint(pb.GetCheckpointRequest(), metadata=here.bearer())
    assert await here.app.audit.flush()
    listed = await audit(here).ListEntries(pb.ListEntriesRequest(), metadata=here.bearer())
    methods = [json.loads(entry.body)["method"].rpartition("/")[2] for entry in listed.entries]
    assert methods == ["CreateApiKey", "ListEntries", "ExportEntries"]


async def test_an_export_and_a_bundle_are_verified_without_the_server(here: World) -> None:
    for _ in range(3):
        await new_key(here)
    assert await here.app.audit.flush()
    checkpoint = await audit(here).GetCheckpoint(pb.GetCheckpointRequest(), metadata=here.bearer())
    call = audit(here).ExportEntries(pb.ExportEntriesRequest(), metadata=here.bearer())
    exported = [response async for response in call]
    lines = b"".join(response.chunk for response in exported).splitlines(keepends=True)
    keys = [VerifierKey.parse(checkpoint.verifier_key)]
    report = verify_export(lines, vkeys=keys)
    assert report.checkpoint.size == 3
    bundle = await audit(here).GetProofBundle(
        pb.GetProofBundleRequest(index=1), metadata=here.bearer()
    )
    assert verify_bundle(bundle.bundle, keys).entry.index == 1


async def test_only_who_may_reads_it_and_only_the_own(here: World) -> None:
    made = await new_key(here)
    code, _, _ = await refused(
        audit(here).ListEntries(pb.ListEntriesRequest(), metadata=here.bearer(made.secret))
    )
    assert code is grpc.StatusCode.PERMISSION_DENIED
    bodies = json.dumps(await entries(here, platform(here)))
    assert "CreateApiKey" not in bodies


def stored_in(folder: Path) -> bytes:
    """All that is in the database, and in its write-ahead log."""
    return b"".join(file.read_bytes() for file in folder.glob("gateway.sqlite3*"))


async def test_no_secret_and_no_body_is_in_it(here: World, tmp_path: Path) -> None:
    made = await new_key(here)
    wrong = apikey.new_secret()
    await refused(here.call("Unary", b"the body of a request", here.bearer(wrong)))
    await refused(here.call("Unary", b"the body of a request", here.bearer(made.secret)))
    assert await here.app.audit.flush()
    stored = stored_in(tmp_path)
    assert b"PERMISSION_DENIED" in stored
    for secret in (here.secret, made.secret, wrong, "the body of a request", "of a test,"):
        assert secret.encode() not in stored


async def test_at_the_end_what_waits_is_written_and_signed(tmp_path: Path) -> None:
    async with world(tmp_path, local=True) as here:
        await new_key(here)
        await refused(here.call("Unary", b"a", ()))
    async with world(tmp_path, local=True) as here:
        assert [entry["kind"] for entry in await entries(here)] == ["call.allowed"]
        kinds = [entry["kind"] for entry in await entries(here, platform(here))]
        assert kinds == ["call.denied"]
    with opened(tmp_path / "gateway.sqlite3") as database:
        query = "SELECT tenant, max(size) FROM audit_checkpoints GROUP BY tenant"
        assert dict(database.execute(query)) == {"default": 2, "platform": 2}


@pytest.mark.parametrize(
    "harm",
    [
        "DELETE FROM audit_entries WHERE position = 2",
        "UPDATE audit_entries SET hashes = zeroblob(length(hashes)) WHERE position = 2",
    ],
)
async def test_a_log_that_was_cut_or_altered_does_not_start(tmp_path: Path, harm: str) -> None:
    async with world(tmp_path, local=True) as here:
        for _ in range(3):
            await new_key(here)
    with opened(tmp_path / "gateway.sqlite3") as database:
        database.execute(harm)
    with pytest.raises(LogDiverged):
        async with world(tmp_path, local=True):
            raise AssertionError("it started")


@pytest.mark.parametrize("missing", ["audit.key", "audit.origin"])
async def test_a_file_that_the_log_rests_on_is_asked_for(tmp_path: Path, missing: str) -> None:
    async with world(tmp_path, local=True) as here:
        await new_key(here)
    kept = (tmp_path / missing).rename(tmp_path / "kept")
    for _ in range(2):  # nothing was made in its place by the first start
        with pytest.raises(FailedPrecondition, match=f"{missing} is missing.*restore the file"):
            async with world(tmp_path, local=True):
                raise AssertionError("it started")
    kept.rename(tmp_path / missing)
    async with world(tmp_path, local=True) as here:
        await new_key(here)


async def test_an_act_that_nobody_did_is_not_signed(tmp_path: Path) -> None:
    """Copied in the database behind the last one, right in all that needs no key."""
    async with world(tmp_path, local=True) as here:
        for _ in range(2):
            await new_key(here)
    with opened(tmp_path / "gateway.sqlite3") as database:
        names = [row[1] for row in database.execute("PRAGMA table_info(audit_entries)")]
        row = database.execute(
            "SELECT * FROM audit_entries WHERE tenant = 'default' AND position = 0"
        ).fetchone()
        count = "SELECT count(*) FROM audit_entries WHERE tenant = 'default'"
        size = database.execute(count).fetchone()[0]
        assert size % 2 == 0  # so that the entry completes no other node of the tree
        values = dict(zip(names, row, strict=True)) | {"position": size}
        marks = ", ".join("?" * len(names))
        database.execute(f"INSERT INTO audit_entries VALUES ({marks})", [*values.values()])  # noqa: S608 - of the schema
    with pytest.raises(LogDiverged, match=f"entry {size} was not written there by who signs"):
        async with world(tmp_path, local=True):
            raise AssertionError("it started")


class Away:
    """Named fake: a database that can't be written to; a real one can't be made so at will."""

    def of(self, _tenant: str) -> Away:
        return self

    async def write(self, _job: Any) -> None:
        raise Unavailable("the disk is full")


async def test_with_no_room_to_record_nothing_is_done_that_would_have_to_be(
    tmp_path: Path,
) -> None:
    async with world(tmp_path, local=True, audit=AuditSettings(queue=1)) as here:
        made = [await new_key(here)]
        assert await here.app.audit.flush()
        real, here.app.audit._database = here.app.audit._database, Away()  # type: ignore[assignment]
        for secret in [here.secret, "", made[0].secret]:
            # three different acts that can't be written: allowed, unknown, denied
            if secret == here.secret:
                await new_key(here)
            else:
                await refused(here.call("Unary", b"a", here.bearer(secret) if secret else ()))
        code, reason, details = await refused(new_key(here))
        assert (code, reason) == (grpc.StatusCode.UNAVAILABLE, "OVERLOADED")
        assert details["RetryInfo"].retry_delay.ToMilliseconds() > 0
        for _ in range(10):  # refusals always find room
            _, reason, _ = await refused(each(here.call("Server", b"a", ())))
            assert reason == "UNAUTHENTICATED"
        assert await here.call("Unary", b"a") == b"a"  # nothing to record
        here.app.audit._database = real
        assert await here.app.audit.flush()
        kinds = [entry["kind"] for entry in await entries(here)]
        assert sorted(kinds) == ["call.allowed", "call.allowed", "call.denied"]
        assert await here.app.audit.flush()  # what was read just now
        assert await new_key(here)
