"""What was tried against consent, evidence and the gateway, and worked once: a case for each.

Credentials that outlive or exceed what made them are in `test_authority.py`, request ids of others
in `test_request_ids.py`, passwords in `test_planted_secret.py`, neighbours in `test_neighbours.py`.
What other tests of the product say of the same more thoroughly is named beside the case.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import insert

from systemzero.capture.v1 import capture_service_pb2 as capture_pb
from systemzero.diff.v1 import drift_service_pb2 as drift_pb
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.diff.v1 import verdict_pb2
from systemzero.gateway.v1 import status_service_pb2 as status_pb
from systemzero.tree.v1 import tree_pb2
from systemzero_core.apikey import ENTROPY_CHARACTERS, with_checksum
from systemzero_core.errors import FailedPrecondition, TooLarge
from systemzero_diff.store import LOG, SCHEMA_VERSION, SqlDiffStore
from systemzero_diff.store import METADATA as DIFF_METADATA
from systemzero_evidence.log import LogDiverged, LogFiles, LogStore, open_log
from systemzero_wire.fields import timestamp
from tests.support.attacked import Attacked, Tenant
from tests.support.databases import OpenDatabase
from tests.support.gateway import refused
from tests.support.logs import METADATA, TABLES, TENANT, append, forged, hurt, log_on, rows
from tests.support.moody import before_moody
from tests.support.templates import World, screen

DRIFT, UNCHANGED = verdict_pb2.VERDICT_KIND_DRIFT, verdict_pb2.VERDICT_KIND_UNCHANGED
MEMORY = 2_000_000
STATUS = status_pb.GetStatusRequest()


def transfer(account: str, amount: str, ends: str) -> tree_pb2.Tree:
    """A screen on which somebody is about to pay."""
    return tree_pb2.Tree(
        nodes=[
            tree_pb2.Node(role="document", name="Bank", parent=-1),
            tree_pb2.Node(role="heading", name="Transfer", parent=0),
            tree_pb2.Node(role="text", name=f"To account {account}", parent=0),
            tree_pb2.Node(role="textbox", name="Amount in EUR", value=amount, parent=0),
            tree_pb2.Node(role="text", name=f"Contract ends {ends}", parent=0),
            tree_pb2.Node(role="button", name="Send", parent=0),
        ]
    )


def test_an_approved_number_is_that_number_and_no_other(platform: Attacked) -> None:
    """C1. More of it: test_consent.py of integration/diff/decisions and of unit/core/drift."""
    with platform.tenant().by() as bank:

        def seen(*values: str) -> verdict_pb2.Verdict:
            request = capture_pb.IngestRequest(
                tree=transfer(*values), check=True, app="bank", screen_hint="transfer"
            )
            verdict: verdict_pb2.Verdict = bank.capture.Ingest(request).verdict
            return verdict

        first = tree_pb2.TreeSource(tree=transfer("12345678", "100.00", "2026-11-22"))
        bank.template.LearnTemplate(
            template_pb.LearnTemplateRequest(screen_id="transfer", app="bank", captures=[first])
        )
        ours = ("12345679", "101.00", "2026-11-23")
        event = seen(*ours).event_id
        bank.drift.ApproveEvent(drift_pb.ApproveEventRequest(event_id=event, reason="our account"))
        assert seen(*ours).kind == UNCHANGED
        for theirs in (
            ("66666666", *ours[1:]),
            (ours[0], "99999.00", ours[2]),
            (*ours[:2], "2036-11-23"),
            ("66666666", "99999.00", "2036-11-23"),
        ):
            verdict = seen(*theirs)
            assert (verdict.kind, bool(verdict.event_id)) == (DRIFT, True)


def cookies(*parts: tuple[str, str]) -> tree_pb2.Tree:
    """A screen with these roles and names."""
    nodes = [tree_pb2.Node(role="document", name="Shop", parent=-1)]
    lines = [("text", f"Line {letter}") for letter in "abcdef"]
    named = [("heading", "Shop"), *lines, *parts]
    nodes += [tree_pb2.Node(role=role, name=name, parent=0) for role, name in named]
    return tree_pb2.Tree(nodes=nodes)


def test_half_of_what_was_approved_is_another_screen(platform: Attacked) -> None:
    """A way out was exchanged for another one; then there was none. More: core/drift/test_joint."""
    declined, rejected = ("button", "Decline"), ("link", "Reject all cookies")
    with platform.tenant().by() as shop:

        def seen(*parts: tuple[str, str]) -> verdict_pb2.Verdict:
            request = capture_pb.IngestRequest(
                tree=cookies(*parts), check=True, screen_hint="cookies"
            )
            verdict: verdict_pb2.Verdict = shop.capture.Ingest(request).verdict
            return verdict

        first = tree_pb2.TreeSource(tree=cookies(declined))
        shop.template.LearnTemplate(
            template_pb.LearnTemplateRequest(screen_id="cookies", captures=[first])
        )
        exchanged = seen(rejected)
        until = timestamp(2_000_000_000 * 1_000_000)
        shop.drift.SnoozeEvent(
            drift_pb.SnoozeEventRequest(
                event_id=exchanged.event_id, reason="known", expire_time=until
            )
        )
        assert seen(rejected).kind == UNCHANGED
        for parts in ((), (declined, rejected), (rejected, declined), (rejected, rejected)):
            verdict = seen(*parts)
            assert (verdict.kind, bool(verdict.event_id)) == (DRIFT, True), parts


def test_a_pattern_is_for_one_place_and_for_one_field(platform: Attacked) -> None:
    """A node that came to be like its own was let off, and states where the place changed, too."""
    with platform.tenant().by() as bank:

        def page(*names: str, state: str = "") -> tree_pb2.Tree:
            made = cookies(*(("text", name) for name in names))
            made.nodes[8].states.extend([state] if state else [])
            return made

        def seen(tree: tree_pb2.Tree) -> verdict_pb2.Verdict:
            request = capture_pb.IngestRequest(tree=tree, check=True, screen_hint="pay")
            verdict: verdict_pb2.Verdict = bank.capture.Ingest(request).verdict
            return verdict

        first = tree_pb2.TreeSource(tree=page("No. 1", "Fixed"))
        bank.template.LearnTemplate(
            template_pb.LearnTemplateRequest(screen_id="pay", captures=[first])
        )
        event = seen(page("No. 2", "Fixed")).event_id
        bank.drift.ApprovePattern(drift_pb.ApprovePatternRequest(event_id=event, reason="any"))
        assert seen(page("No. 3", "Fixed")).kind == UNCHANGED
        assert seen(page("No. 3", "Fixed", state="hidden")).kind == DRIFT
        beside = seen(page("No. 3", "No. 7", "Fixed")).event_id
        bank.drift.ApproveEvent(drift_pb.ApproveEventRequest(event_id=beside, reason="one more"))
        assert seen(page("No. 4", "No. 7", "Fixed")).kind == UNCHANGED
        assert seen(page("No. 4", "No. 9", "Fixed")).kind == DRIFT


def test_guesses_lock_out_nobody_who_works_behind_the_same_address(platform: Attacked) -> None:
    """M2. More of it: tests/integration/gateway/credentials/test_credentials.py."""
    known, newcomer = platform.tenant(), platform.tenant()
    with known.by() as services:
        services.status.GetStatus(STATUS)
    guess = with_checksum("live", "q" * ENTROPY_CHARACTERS)
    codes = {_code(known, f"Bearer {guess}") for _ in range(60)}  # thrice as many as are answered
    assert codes == {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.RESOURCE_EXHAUSTED}
    for tenant in (known, newcomer):
        with tenant.by() as services:
            services.status.GetStatus(STATUS)


def test_spellings_of_one_key_are_one_key(platform: Attacked) -> None:
    """M2, the other half: none of them counts as a credential more."""
    tenant = platform.tenant()
    for spelling in ("bearer", "BEARER", "bEaReR"):
        for blanks in (" ", "  ", "   "):
            assert _code(tenant, f"{spelling}{blanks}{tenant.key}") is grpc.StatusCode.OK


def _code(tenant: Tenant, authorization: str) -> grpc.StatusCode:
    with tenant.by("") as services:
        path = "/systemzero.gateway.v1.StatusService/GetStatus"
        method: Any = services.channel.unary_unary(path, None, None)
        call = method.future(b"", metadata=(("authorization", authorization),))
        code: grpc.StatusCode = call.code()
        return code


async def test_a_call_without_an_id_is_not_made_twice(tmp_path: Path) -> None:
    """M3. More of it: integration/gateway/backends, integration/capture/intake/test_retries.py."""
    async with before_moody(tmp_path) as (here, moody):
        for request, times in ((b"", 1), (b"\x12\x03abc", 1), (b"\x0a\x01r", 2)):
            moody.refusals, moody.calls = 1, 0
            if times == 1:
                code, _, _ = await refused(here.call("Put", request))
                assert code is grpc.StatusCode.UNAVAILABLE
            else:
                assert await here.call("Put", request) == request
            assert moody.calls == times


async def test_templates_take_no_more_memory_than_is_set(
    open_database: OpenDatabase,
) -> None:
    """M5. More of it: test_memory.py of unit/diff/templates and of integration/diff/verdicts."""
    database = open_database(DIFF_METADATA, SCHEMA_VERSION)
    key = Ed25519PrivateKey.generate()
    store = SqlDiffStore(database, LogStore(database, LOG, "test.example/log", [key]))
    world = World(store, MEMORY)
    for tenant in ("quiet", "loud"):
        await world.put(tenant, screen(1))
    await world.put("loud", *(screen(number, 1_500) for number in range(2, 40)))
    with pytest.raises(TooLarge, match="delete templates"):
        await world.sets.of("loud")
    assert world.sets.memory <= MEMORY
    baseline = await world.judged("quiet", screen(1))
    assert baseline is not None
    assert baseline.template == screen(1)
    await database.close()


async def test_an_approval_that_is_written_into_the_database_is_never_signed(
    open_database: OpenDatabase,
) -> None:
    """H6. More of it: integration/evidence/rows/test_tail.py, integration/diff/admin."""
    database = open_database(METADATA, 1)
    log = log_on(database)
    await append(database, log, 3)
    await log.publish_checkpoints()
    stored = await rows(database)
    for mac in (b"", stored[-1]["mac"], b"m" * 32):
        row = forged(stored, {"decision": "approved by admin"}, mac)
        await hurt(database, insert(TABLES.entries).values(row))
        for signer in (log, log_on(database)):  # who runs, and who starts
            with pytest.raises(LogDiverged, match="entry 3 was not written there by who signs"):
                await signer.checkpoint(TENANT)
        await hurt(database, TABLES.entries.delete().where(TABLES.entries.c.position == 3))
    await database.close()


@pytest.mark.parametrize("missing", ["log.key", "origin"])
async def test_a_log_without_its_key_or_its_name_is_not_begun_anew(
    open_database: OpenDatabase, tmp_path: Path, missing: str
) -> None:
    """M6. More of it: tests/integration/evidence/rows/test_tail.py."""
    database = open_database(METADATA, 1)
    files = LogFiles(tmp_path / "diff" / "log.key", tmp_path / "diff" / "origin")
    log = open_log(database, TABLES, files, "")
    await append(database, log, 2)
    (tmp_path / "diff" / missing).unlink()
    with pytest.raises(FailedPrecondition, match=f"{missing} is missing.*restore the file"):
        await open_log(database, TABLES, files, "").check()
    await database.close()
