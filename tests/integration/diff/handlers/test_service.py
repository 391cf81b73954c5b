"""The diff service behind a real port: verdicts, events, decisions, templates."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from systemzero.diff.v1 import diff_service_pb2 as diff_pb
from systemzero.diff.v1 import diff_service_pb2_grpc, template_pb2, verdict_pb2
from systemzero.diff.v1 import drift_service_pb2 as drift_pb
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.log.v1 import log_service_pb2 as log_pb
from systemzero.tree.v1 import tree_pb2
from systemzero_core.intake import take_in_tree
from systemzero_core.signature import sign
from systemzero_core.tree import Node, Tree
from systemzero_wire.fields import timestamp
from systemzero_wire.trees import encode_signatures, encode_tree
from tests.support.checks import judge
from tests.support.gateway import refused
from tests.support.services import House, diff_house
from tests.support.stores import DAY, NOW, document

UNCHANGED = verdict_pb2.VERDICT_KIND_UNCHANGED
DRIFT = verdict_pb2.VERDICT_KIND_DRIFT
UNKNOWN = verdict_pb2.VERDICT_KIND_UNKNOWN_SCREEN
INCONCLUSIVE = verdict_pb2.VERDICT_KIND_INCONCLUSIVE


def screen(title: str, *buttons: str) -> Tree:
    """A form with a heading and buttons, in normal form."""
    nodes = [
        Node("document", name=title),
        Node("heading", name=title, attributes=(("level", "1"),)),
        Node("textbox", name="Amount"),
        *(Node("button", name=name) for name in buttons),
    ]
    return take_in_tree(Tree(nodes, [-1, *(0 for _ in nodes[1:])])).tree


ORDER = screen("Order", "Buy", "Cancel", "Help", "Print")
CHANGED = screen("Order", "Buy now", "Cancel", "Help", "Print")
CART = screen("Cart", "Remove", "Checkout", "Empty", "Save")
OTHER = Tree(
    [
        Node("document", name="News"),
        Node("article", name="Today"),
        Node("paragraph", name="Hello"),
        Node("link", name="More"),
        Node("button", name="Help"),
    ],
    [-1, 0, 1, 1, 0],
)
"""No screen's, though not without likeness."""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with diff_house(tmp_path) as served:
        yield served


def source(tree: Tree) -> tree_pb2.TreeSource:
    return tree_pb2.TreeSource(tree=encode_tree(tree))


async def learn(house: House, name: str, *trees: Tree, **fields: Any) -> Any:
    request = template_pb.LearnTemplateRequest(
        screen_id=name, captures=map(source, trees), **fields
    )
    return (await house.templates().LearnTemplate(request)).template


async def check(house: House, tree: Tree, **fields: Any) -> verdict_pb2.Verdict:
    """The verdict on `tree`, as a client asks for it."""
    request = diff_pb.CheckRequest(tree=source(tree), **fields)
    verdict: verdict_pb2.Verdict = (await house.diff().Check(request)).verdict
    return verdict


async def stored(house: House, tree: Tree, capture_id: str, **fields: Any) -> verdict_pb2.Verdict:
    """The verdict on a capture that the capture service has."""
    house.fake.trees[capture_id] = tree
    return await judge(house, tree, fields.pop("screen_hint", ""), capture_id, **fields)


async def by_signatures(house: House, tree: Tree, **fields: Any) -> diff_pb.CheckResponse:
    request = diff_pb.CheckRequest(signatures=encode_signatures(sign(tree)), **fields)
    answer: diff_pb.CheckResponse = await house.diff().Check(request)
    return answer


async def events(house: House, **chosen: Any) -> list[drift_pb.DriftEvent]:
    return list((await house.drift().ListEvents(drift_pb.ListEventsRequest(**chosen))).events)


async def log_size(house: House) -> int:
    return len((await house.log().ListEntries(log_pb.ListEntriesRequest(page_size=1000))).entries)


def approve(event_id: str, **fields: Any) -> drift_pb.ApproveEventRequest:
    return drift_pb.ApproveEventRequest(event_id=event_id, reason="wanted", **fields)


async def test_direct_calls_without_an_identity_are_refused(house: House) -> None:
    stub = diff_service_pb2_grpc.DiffServiceStub(house.channel)
    code, reason, _ = await refused(stub.Match(diff_pb.MatchRequest()))
    assert (code, reason) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")


async def test_signatures_alone_decide_what_is_known_and_leaves_no_event(house: House) -> None:
    await learn(house, "order", ORDER)
    assert (await by_signatures(house, ORDER)).tree_needed
    first = await check(house, ORDER)
    assert (await by_signatures(house, ORDER)).verdict == first
    assert (await check(house, CHANGED)).kind == DRIFT
    assert (await by_signatures(house, CHANGED)).tree_needed
    # another version of the template, and nothing is known any more
    await learn(house, "order", ORDER)
    assert (await by_signatures(house, ORDER)).tree_needed


async def test_inconclusive_is_never_an_event(house: House) -> None:
    await learn(house, "order", ORDER)
    reason = tree_pb2.INCOMPLETENESS_REASON_BUSY
    gap = tree_pb2.Incompleteness(reason=reason)
    size = await log_size(house)
    verdict = await check(house, CHANGED, screen_hint="order", incompleteness=[gap])
    assert (verdict.kind, verdict.event_id, verdict.log_index) == (INCONCLUSIVE, "", -1)
    assert "busy" in verdict.explanation
    empty = await check(house, Tree((), ()), screen_hint="order")
    assert empty.kind == INCONCLUSIVE
    assert (await events(house), await log_size(house)) == ([], size)
    bad = tree_pb2.Incompleteness(reason=99)  # type: ignore[arg-type]
    code, _, details = await refused(check(house, ORDER, incompleteness=[bad]))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert details["BadRequest"].field_violations[0].field == "incompleteness[0].reason"


async def test_drift_is_one_event_for_one_request_id(house: House) -> None:
    await learn(house, "order", ORDER)
    size = await log_size(house)
    request = diff_pb.CheckRequest(tree=source(CHANGED), request_id="one")
    answers = await asyncio.gather(*(house.diff().Check(request) for _ in range(10)))
    assert len({answer.SerializeToString() for answer in answers}) == 1
    assert len(await events(house)) == 1
    assert await log_size(house) == size + 1
    request.app = "another request"
    code, reason, _ = await refused(house.diff().Check(request))
    assert (code, reason) == (grpc.StatusCode.ABORTED, "CONFLICT")
    counts = (await house.drift().GetSummary(drift_pb.GetSummaryRequest())).verdicts
    assert [(count.kind, count.count) for count in counts] == [(DRIFT, 1)]


async def test_a_sessions_path_is_followed_also_by_digest_alone(house: House) -> None:
    await learn(house, "order", ORDER, valid_transitions=["order-done"])
    await learn(house, "cart", CART)
    for step in (ORDER, CART):
        await check(house, step)
    unknown = await check(house, OTHER)
    assert (unknown.kind, unknown.match.screen_id) == (UNKNOWN, "order")

    async def path(session: str, *steps: Tree) -> list[str]:
        found = []
        for step in steps:
            answer = await by_signatures(house, step, session_id=session)
            found = [finding.code for finding in answer.verdict.findings]
        return found

    assert await path("a", ORDER) == []
    assert await path("b", ORDER, CART) == ["invalid_transition"]
    assert await path("c", CART, ORDER) == []
    # an unknown screen is no screen, not the one that it is a little like
    assert await path("d", OTHER) == ["unknown_screen"]
    assert await path("e", ORDER, OTHER) == ["unknown_screen"]
    # what can't be judged is no step
    gap = [tree_pb2.Incompleteness(detail="loading")]
    await by_signatures(house, CART, session_id="f", incompleteness=gap)
    assert await path("f", ORDER, CART) == ["invalid_transition"]


async def test_a_finding_about_the_path_raises_drifts_severity(house: House) -> None:
    await learn(house, "order", ORDER, valid_transitions=["order-done"])
    await learn(house, "cart", CART)
    changed = screen("Cart", "Remove", "Checkout", "Empty", "Saved")
    alone = await check(house, changed)
    await check(house, ORDER, session_id="s")
    on_path = await check(house, changed, session_id="s")
    assert on_path.kind == alone.kind == DRIFT
    assert on_path.severity >= verdict_pb2.SEVERITY_WARNING
    assert "sequence" in [finding.detector for finding in on_path.findings]
    assert "sequence" not in [finding.detector for finding in alone.findings]


async def test_an_approval_for_good_makes_a_version(house: House) -> None:
    await learn(house, "order", ORDER, request_id="learn")
    verdict = await stored(house, CHANGED, "cap_1")
    size = await log_size(house)
    request = approve(verdict.event_id, request_id="one")
    answers = await asyncio.gather(*(house.drift().ApproveEvent(request) for _ in range(5)))
    assert len({answer.SerializeToString() for answer in answers}) == 1
    assert answers[0].template.version == 2
    assert list(answers[0].template.capture_ids)[-1:] == ["cap_1"]
    assert await log_size(house) == size + 2
    assert (await check(house, CHANGED)).kind == UNCHANGED
    assert (await check(house, ORDER)).kind == DRIFT
    assert [e.state for e in await events(house)][-1] == drift_pb.EVENT_STATE_APPROVED


async def test_of_approvals_at_once_the_later_ones_are_told_to_check_again(house: House) -> None:
    await learn(house, "order", ORDER)
    verdicts = [await stored(house, CHANGED, f"cap_{number}") for number in range(4)]
    size = await log_size(house)
    calls = [house.drift().ApproveEvent(approve(verdict.event_id)) for verdict in verdicts]
    done = await asyncio.gather(*calls, return_exceptions=True)
    failed = [error for error in done if isinstance(error, grpc.aio.AioRpcError)]
    assert len(failed) == len(calls) - 1
    assert {error.code() for error in failed} == {grpc.StatusCode.FAILED_PRECONDITION}
    assert {error.details() for error in failed} == {
        "template order has moved on from version 1 to 2: check the screen again"
    }
    assert await log_size(house) == size + 2  # of the one that was first


async def test_an_approval_needs_the_template_that_the_event_is_about(house: House) -> None:
    await learn(house, "order", ORDER)
    verdict = await stored(house, CHANGED, "cap_1")
    await learn(house, "order", ORDER, CHANGED)
    code, reason, _ = await refused(house.drift().ApproveEvent(approve(verdict.event_id)))
    assert (code, reason) == (grpc.StatusCode.FAILED_PRECONDITION, "FAILED_PRECONDITION")
    # to reject it, the event alone is enough
    rejection = drift_pb.RejectEventRequest(event_id=verdict.event_id, reason="wrong")
    answer = await house.drift().RejectEvent(rejection)
    assert answer.event.state == drift_pb.EVENT_STATE_REJECTED


async def test_an_approval_needs_the_capture_and_what_it_shows(house: House) -> None:
    await learn(house, "order", ORDER)
    nameless = await check(house, CHANGED)
    erased = await stored(house, CHANGED, "cap_1")
    house.fake.erased.add("cap_1")
    foreign = await judge(house, CHANGED, "", "cap_of_nobody")
    swapped = await stored(house, CHANGED, "cap_2")
    house.fake.trees["cap_2"] = CART
    size = await log_size(house)
    wanted = [
        (nameless, grpc.StatusCode.FAILED_PRECONDITION),
        (erased, grpc.StatusCode.FAILED_PRECONDITION),
        (foreign, grpc.StatusCode.NOT_FOUND),
        (swapped, grpc.StatusCode.FAILED_PRECONDITION),
    ]
    for verdict, code in wanted:
        assert (await refused(house.drift().ApproveEvent(approve(verdict.event_id))))[0] is code
    assert await log_size(house) == size
    # one that expires changes no template, and needs neither
    later = timestamp(NOW + DAY)
    answer = await house.drift().ApproveEvent(approve(nameless.event_id, expire_time=later))
    assert not answer.HasField("template")


async def test_an_approval_that_expires_is_open_again_by_itself(house: House) -> None:
    await learn(house, "order", ORDER)
    event_id = (await stored(house, CHANGED, "cap_1")).event_id
    request = approve(event_id, expire_time=timestamp(NOW + DAY))
    decision = (await house.drift().ApproveEvent(request)).event.decision
    quiet = await check(house, CHANGED)
    assert (quiet.kind, list(quiet.decision_ids)) == (UNCHANGED, [decision.decision_id])
    house.clock.now += DAY
    assert (await check(house, CHANGED)).kind == DRIFT
    found = await house.drift().GetEvent(drift_pb.GetEventRequest(event_id=event_id))
    assert found.event.state == drift_pb.EVENT_STATE_OPEN
    assert found.event.decision == decision


async def test_a_snooze_ends_by_itself(house: House) -> None:
    await learn(house, "order", ORDER)
    event_id = (await check(house, CHANGED)).event_id
    request = drift_pb.SnoozeEventRequest(event_id=event_id, reason="on Monday")
    code, _, details = await refused(house.drift().SnoozeEvent(request))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert details["BadRequest"].field_violations[0].field == "expire_time"
    request.expire_time.CopyFrom(timestamp(NOW + DAY))
    await house.drift().SnoozeEvent(request)
    open_, snoozed = drift_pb.EVENT_STATE_OPEN, drift_pb.EVENT_STATE_SNOOZED
    assert (await check(house, CHANGED)).kind == UNCHANGED
    assert (len(await events(house, state=open_)), len(await events(house, state=snoozed))) == (
        0,
        1,
    )
    house.clock.now += DAY
    assert (len(await events(house, state=open_)), len(await events(house, state=snoozed))) == (
        1,
        0,
    )
    assert (await check(house, CHANGED)).kind == DRIFT


async def test_a_rejected_change_is_worse_when_it_comes_back(house: House) -> None:
    await learn(house, "order", ORDER)
    first = await check(house, CHANGED)
    request = drift_pb.RejectEventRequest(event_id=first.event_id, reason="a fault", request_id="r")
    answer = await house.drift().RejectEvent(request)
    assert await house.drift().RejectEvent(request) == answer
    again = await check(house, CHANGED)
    assert again.severity == min(first.severity + 1, verdict_pb2.SEVERITY_CRITICAL)
    assert again.event_id != first.event_id
    assert again.fingerprint == first.fingerprint
    nowhere = drift_pb.RejectEventRequest(event_id="evt_0", reason="x")
    assert (await refused(house.drift().RejectEvent(nowhere)))[0] is grpc.StatusCode.NOT_FOUND
    empty = drift_pb.RejectEventRequest(event_id=first.event_id)
    _, _, details = await refused(house.drift().RejectEvent(empty))
    assert details["BadRequest"].field_violations[0].field == "reason"


async def test_a_decision_for_the_application_reaches_its_other_screens(house: House) -> None:
    # the client does not name the application; the templates do
    await learn(house, "order", ORDER, app="shop")
    await learn(house, "cart", CART, app="shop")
    event_id = (
        await check(house, screen("Order", "Buy", "Cancel", "Help", "Print", "New"))
    ).event_id
    scope = drift_pb.DECISION_SCOPE_APP
    request = approve(event_id, scope=scope, expire_time=timestamp(NOW + DAY))
    assert (await house.drift().ApproveEvent(request)).event.app == "shop"
    same = await check(house, screen("Cart", "Remove", "Checkout", "Empty", "Save", "New"))
    assert same.kind == UNCHANGED


OLDER = """
screen_id: order
required_nodes: [Buy]
structure_signature: "{signature}"
valid_transitions: [cart]
metadata: {{owner: shop}}
"""


async def test_a_template_of_the_older_layout(house: House) -> None:
    yaml = OLDER.format(signature=sign(ORDER).structure.hex()).encode()
    imported = await house.templates().ImportTemplate(template_pb.ImportTemplateRequest(yaml=yaml))
    assert imported.template.structure_signature == sign(ORDER).structure.hex()
    assert (await check(house, ORDER, screen_hint="order")).kind == UNCHANGED
    longer = screen("Order", "Buy", "Cancel", "Help", "Print", "New")
    verdict = await check(house, longer, screen_hint="order")
    assert (verdict.kind, verdict.event_id) == (INCONCLUSIVE, "")
    assert "incomplete" not in verdict.explanation
    assert "learn it anew" in verdict.explanation
    assert await events(house) == []
    learnt = await learn(house, "order", ORDER)
    assert (learnt.version, learnt.template_id) == (2, imported.template.template_id)
    assert list(learnt.valid_transitions) == ["cart"]
    assert (await check(house, longer, screen_hint="order")).kind == DRIFT


async def test_what_is_incomplete_is_not_learnt_from(house: House) -> None:
    request = template_pb.LearnTemplateRequest(screen_id="order")
    for captures, field in (
        ([], "captures"),
        ([source(ORDER), source(Tree((), ()))], "captures[1]"),
        ([tree_pb2.TreeSource()], "captures[0]"),
        ([tree_pb2.TreeSource(capture_id="c" * 201)], "captures[0].capture_id"),
    ):
        del request.captures[:]
        request.captures.extend(captures)
        code, _, details = await refused(house.templates().LearnTemplate(request))
        assert code is grpc.StatusCode.INVALID_ARGUMENT
        assert details["BadRequest"].field_violations[0].field == field
    listing = await house.templates().ListTemplates(template_pb.ListTemplatesRequest())
    assert not listing.templates


async def test_every_change_of_a_template_is_made_once_for_a_request_id(house: House) -> None:
    templates = house.templates()
    house.fake.trees["cap_1"] = ORDER
    by_id = tree_pb2.TreeSource(capture_id="cap_1")
    content = template_pb2.Template(screen_id="cart", tree=encode_tree(CART))
    learning = template_pb.LearnTemplateRequest(
        request_id="learn", screen_id="order", captures=[by_id]
    )
    learnt = await templates.LearnTemplate(learning)
    change = template_pb.UpdateTemplateRequest(request_id="update", template=learnt.template)
    change.update_mask.paths.append("metadata")
    yaml = OLDER.format(signature="00" * 32).encode()
    calls: list[tuple[Any, Any]] = [
        (templates.LearnTemplate, learning),
        (
            templates.CreateTemplate,
            template_pb.CreateTemplateRequest(request_id="create", template=content),
        ),
        (templates.UpdateTemplate, change),
        (
            templates.ImportTemplate,
            template_pb.ImportTemplateRequest(request_id="import", yaml=yaml),
        ),
    ]
    firsts = [await call(request) for call, request in calls]
    size = await log_size(house)
    house.fake.erased.add("cap_1")
    for (call, request), first in zip(calls, firsts, strict=True):
        assert await call(request) == first
    assert await log_size(house) == size == 4
    for call, request in calls:
        other: Any = type(request)()
        other.CopyFrom(request)
        other.request_id = "learn" if request.request_id != "learn" else "create"
        assert (await refused(call(other)))[0] is grpc.StatusCode.ABORTED


async def test_a_deleted_template_matches_no_more_and_stays_readable(house: House) -> None:
    templates = house.templates()
    learnt = await learn(house, "order", ORDER)
    assert (await check(house, ORDER)).kind == UNCHANGED
    deletion = template_pb.DeleteTemplateRequest(template_id=learnt.template_id)
    await templates.DeleteTemplate(deletion)
    size = await log_size(house)
    await templates.DeleteTemplate(deletion)
    assert await log_size(house) == size
    assert (await check(house, ORDER)).kind == UNKNOWN
    old = template_pb.GetTemplateRequest(template_id=learnt.template_id, version=1)
    assert (await templates.GetTemplate(old)).template.tree == encode_tree(ORDER)
    by_screen = template_pb.GetTemplateRequest(template_id="order")
    assert (await refused(templates.GetTemplate(by_screen)))[0] is grpc.StatusCode.NOT_FOUND
    change = template_pb.UpdateTemplateRequest(template=learnt)
    change.update_mask.paths.append("metadata")
    code = (await refused(templates.UpdateTemplate(change)))[0]
    assert code is grpc.StatusCode.FAILED_PRECONDITION
    again = await learn(house, "order", ORDER)
    assert (again.version, again.template_id != learnt.template_id) == (1, True)
    assert (await check(house, ORDER)).kind == UNCHANGED


async def test_of_two_who_read_a_template_the_second_to_change_it_is_refused(house: House) -> None:
    made = await learn(house, "order", ORDER)
    read = template_pb.GetTemplateRequest(template_id="order")
    etag = (await house.templates().GetTemplate(read)).template.etag
    change = template_pb.UpdateTemplateRequest(
        template=template_pb2.Template(template_id=made.template_id, etag=etag, app="shop")
    )
    change.update_mask.paths.append("app")
    updated = (await house.templates().UpdateTemplate(change)).template
    assert updated.etag != etag
    change.template.app = "another"
    delete = template_pb.DeleteTemplateRequest(template_id=made.template_id, etag=etag)
    for call in (
        house.templates().UpdateTemplate(change),
        house.templates().DeleteTemplate(delete),
    ):
        code, reason, _ = await refused(call)
        assert (code, reason) == (grpc.StatusCode.ABORTED, "CONFLICT")
    assert (await house.templates().GetTemplate(read)).template.app == "shop"
    delete.etag = updated.etag
    await house.templates().DeleteTemplate(delete)
    code, _, _ = await refused(house.templates().GetTemplate(read))
    assert code is grpc.StatusCode.NOT_FOUND


async def test_a_policy_that_names_what_is_not_there_is_refused_by_field(house: House) -> None:
    select = template_pb2.NodeSelector(role="button")
    deep = template_pb2.NodeSelector(role="button")
    for _ in range(30):
        deep = template_pb2.NodeSelector(role="button", under=[deep])
    rules = {
        "policy.rules[0].level": template_pb2.PolicyRule(select=select, level=77),  # type: ignore[arg-type]
        "policy.rules[0].order": template_pb2.PolicyRule(select=select, order=77),  # type: ignore[arg-type]
        "policy.rules[0].scope": template_pb2.PolicyRule(select=select, scope=77),  # type: ignore[arg-type]
        "policy.rules[0].select": template_pb2.PolicyRule(),
        "policy.rules[0].select" + ".under" * 21: template_pb2.PolicyRule(select=deep),
    }
    for field, rule in rules.items():
        policy = template_pb2.TemplatePolicy(rules=[rule])
        content = template_pb2.Template(screen_id="s", tree=encode_tree(ORDER), policy=policy)
        request = template_pb.CreateTemplateRequest(template=content)
        _, reason, details = await refused(house.templates().CreateTemplate(request))
        assert reason == "INVALID_INPUT"
        assert details["BadRequest"].field_violations[0].field == field


async def test_watching_resumes_without_loss_or_repeat(house: House) -> None:
    await learn(house, "order", ORDER)
    await check(house, CHANGED)
    watch = house.drift().WatchEvents(drift_pb.WatchEventsRequest())
    assert not (await watch.read()).HasField("event")
    sent = [(await check(house, CHANGED)).event_id for _ in range(5)]
    seen = [await watch.read() for _ in range(2)]
    watch.cancel()
    resumed = house.drift().WatchEvents(drift_pb.WatchEventsRequest(cursor=seen[-1].cursor))
    await resumed.read()
    seen += [await resumed.read() for _ in range(3)]
    resumed.cancel()
    assert [response.event.event_id for response in seen] == sent
    whole = house.drift().WatchEvents(drift_pb.WatchEventsRequest(from_start=True))
    await whole.read()
    ids = [(await whole.read()).event.event_id for _ in range(6)]
    whole.cancel()
    assert ids[1:] == sent
    stolen = drift_pb.WatchEventsRequest(cursor=seen[0].cursor)
    _, _, details = await refused(house.drift("beta").WatchEvents(stolen).read())
    assert details["BadRequest"].field_violations[0].field == "cursor"


async def test_an_event_is_not_watched_as_it_was_before_it_was_erased(house: House) -> None:
    await learn(house, "order", ORDER)
    from_start = drift_pb.WatchEventsRequest(from_start=True)
    live = house.drift().WatchEvents(from_start)
    await live.read()
    await stored(house, CHANGED, "cap_1")
    told = (await live.read()).event
    await house.drift().EraseCapture(drift_pb.EraseCaptureRequest(capture_id="cap_1"))
    later = house.drift().WatchEvents(from_start)
    await later.read()
    again = (await later.read()).event
    request = drift_pb.GetEventRequest(event_id=told.event_id)
    assert again == (await house.drift().GetEvent(request)).event
    assert again != told
    live.cancel()
    later.cancel()


async def test_the_summary_goes_by_days(house: House) -> None:
    await learn(house, "order", ORDER)
    await check(house, ORDER)
    await check(house, CHANGED)
    house.clock.now += DAY
    await check(house, ORDER)
    await check(house, OTHER)
    await check(house, Tree((), ()))
    start = timestamp(NOW - DAY)
    answer = await house.drift().GetSummary(drift_pb.GetSummaryRequest(start_time=start))
    rows = [(day.day, day.verdicts, day.events) for day in answer.days]
    assert rows == [("2024-10-03", 0, 0), ("2024-10-04", 2, 1), ("2024-10-05", 3, 0)]
    assert answer.compliance == 0.5
    assert answer.open_events == 1
    kinds = {count.kind: count.count for count in answer.verdicts}
    assert kinds == {UNCHANGED: 2, DRIFT: 1, UNKNOWN: 1, INCONCLUSIVE: 1}
    other = await house.drift("beta").GetSummary(drift_pb.GetSummaryRequest(start_time=start))
    assert (other.compliance, other.open_events, list(other.verdicts)) == (1.0, 0, [])
    first = timestamp(-62_135_596_800_000_000)
    assert (await house.drift().GetSummary(drift_pb.GetSummaryRequest(end_time=first))).days
    backwards = drift_pb.GetSummaryRequest(start_time=timestamp(NOW + 9 * DAY))
    assert (await refused(house.drift().GetSummary(backwards)))[1] == "INVALID_INPUT"


async def test_another_tenant_sees_and_changes_nothing(house: House) -> None:
    learnt = await learn(house, "order", ORDER)
    event_id = (await stored(house, CHANGED, "cap_1")).event_id
    templates, drift, diff = house.templates("beta"), house.drift("beta"), house.diff("beta")
    later = timestamp(NOW + DAY)
    change = template_pb.UpdateTemplateRequest(template=learnt)
    change.update_mask.paths.append("metadata")
    by_id = tree_pb2.TreeSource(capture_id="cap_1")
    name = learnt.template_id
    snooze = drift_pb.SnoozeEventRequest(event_id=event_id, reason="x", expire_time=later)
    for call in (
        templates.GetTemplate(template_pb.GetTemplateRequest(template_id=name)),
        templates.ExportTemplate(template_pb.ExportTemplateRequest(template_id="order")),
        templates.UpdateTemplate(change),
        templates.DeleteTemplate(template_pb.DeleteTemplateRequest(template_id=name)),
        templates.LearnTemplate(template_pb.LearnTemplateRequest(screen_id="s", captures=[by_id])),
        drift.GetEvent(drift_pb.GetEventRequest(event_id=event_id)),
        drift.ApproveEvent(approve(event_id)),
        drift.RejectEvent(drift_pb.RejectEventRequest(event_id=event_id, reason="x")),
        drift.SnoozeEvent(snooze),
        diff.Diff(diff_pb.DiffRequest(a=by_id, b=by_id)),
        diff.Match(diff_pb.MatchRequest(tree=by_id)),
        diff.Check(diff_pb.CheckRequest(tree=by_id)),
    ):
        assert (await refused(call))[:2] == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    assert not (await templates.ListTemplates(template_pb.ListTemplatesRequest())).templates
    assert not (await drift.ListEvents(drift_pb.ListEventsRequest())).events
    request = diff_pb.CheckRequest(tree=source(ORDER))
    assert (await diff.Check(request)).verdict.kind == UNKNOWN
    entries = await house.log("beta").ListEntries(log_pb.ListEntriesRequest())
    assert not entries.entries
    assert (await check(house, ORDER)).kind == UNCHANGED


async def test_templates_are_paged_by_screen(house: House) -> None:
    for name in ("b", "a", "c"):
        await learn(house, name, ORDER)
    request = template_pb.ListTemplatesRequest(page_size=2)
    page = await house.templates().ListTemplates(request)
    assert [template.screen_id for template in page.templates] == ["a", "b"]
    for template in page.templates:  # what they are, without what they look like
        assert template.required_nodes
        assert not template.HasField("tree")
        assert not template.HasField("signatures")
    whole = template_pb.GetTemplateRequest(template_id="a")
    assert len((await house.templates().GetTemplate(whole)).template.tree.nodes) == len(ORDER)
    request.page_token = page.next_page_token
    rest = await house.templates().ListTemplates(request)
    assert [template.screen_id for template in rest.templates] == ["c"]
    assert not rest.next_page_token


async def test_a_restart_keeps_events_decisions_templates_and_log(tmp_path: Path) -> None:
    async with diff_house(tmp_path) as house:
        await learn(house, "order", ORDER)
        event_id = (await check(house, CHANGED)).event_id
        rejection = drift_pb.RejectEventRequest(event_id=event_id, reason="a fault")
        await house.drift().RejectEvent(rejection)
        before = (await events(house), await log_size(house))
    async with diff_house(tmp_path) as house:
        assert (await events(house), await log_size(house)) == before
        assert (await check(house, ORDER)).kind == UNCHANGED
        assert (await check(house, CHANGED)).severity == verdict_pb2.SEVERITY_CRITICAL
        counts = (await house.drift().GetSummary(drift_pb.GetSummaryRequest())).verdicts
        assert {count.kind: count.count for count in counts} == {UNCHANGED: 1, DRIFT: 2}


async def test_the_log_is_read_proved_and_exported(house: House) -> None:
    await learn(house, "order", ORDER)
    verdict = await check(house, CHANGED)
    log = house.log()
    proof = await log.GetInclusionProof(log_pb.GetInclusionProofRequest(index=verdict.log_index))
    assert (proof.index, proof.tree_size) == (1, 2)
    assert (await log.GetConsistencyProof(log_pb.GetConsistencyProofRequest(from_size=1))).hashes
    assert (await log.GetProofBundle(log_pb.GetProofBundleRequest(index=1))).bundle

    async def export(form: Any) -> bytes:
        call = log.ExportEntries(log_pb.ExportEntriesRequest(format=form))
        return b"".join([response.chunk async for response in call])

    assert (await export(log_pb.EXPORT_FORMAT_JSON_LINES)).count(b"\n") == 4
    assert (await export(log_pb.EXPORT_FORMAT_CSV)).count(b"\r\n") == 3
    assert (await export(log_pb.EXPORT_FORMAT_HTML)).count(b"<tr>") == 3
    code, _, _ = await refused(export(99))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    bad = log_pb.GetInclusionProofRequest(index=-1)
    assert (await refused(log.GetInclusionProof(bad)))[1] == "INVALID_INPUT"


async def test_diff_and_match_store_nothing(house: House) -> None:
    await learn(house, "order", ORDER)
    size = await log_size(house)
    compared = await house.diff().Diff(diff_pb.DiffRequest(a=source(ORDER), b=source(CHANGED)))
    assert not compared.comparison.equal
    assert compared.comparison.structure_equal
    assert [change.field for edit in compared.script.edits for change in edit.changes] == ["name"]
    matched = await house.diff().Match(diff_pb.MatchRequest(tree=source(CHANGED)))
    assert matched.matched
    assert matched.matches[0].screen_id == "order"
    wrong = diff_pb.MatchRequest(tree=source(ORDER), max_results=101)
    assert (await refused(house.diff().Match(wrong)))[1] == "INVALID_INPUT"
    assert (await events(house), await log_size(house)) == ([], size)


WAITING = tree_pb2.Incompleteness(
    reason=tree_pb2.INCOMPLETENESS_REASON_MISSING_FRAME, detail="a frame is missing"
)


async def test_what_is_not_known_is_never_called_equal(house: House) -> None:
    cut, later = (
        tree_pb2.TreeSource(native=tree_pb2.NativeCapture(data=data))
        for data in (b'- link "Docs"\n- link "Pri', b'- link "Shop"\n- link "')
    )
    compare = house.diff().Diff
    for a, b in ((cut, later), (cut, cut), (source(ORDER), cut), (cut, source(ORDER))):
        told = (await compare(diff_pb.DiffRequest(a=a, b=b))).comparison
        equal = (told.equal, told.structure_equal, told.content_equal, told.similarity)
        assert equal == (False, False, False, 0.0)
        reasons = [r.reason for r in (*told.incompleteness_a, *told.incompleteness_b)]
        assert tree_pb2.INCOMPLETENESS_REASON_TRUNCATED in reasons
    whole = (await compare(diff_pb.DiffRequest(a=source(ORDER), b=source(ORDER)))).comparison
    assert whole.equal
    assert not whole.incompleteness_a
    assert not whole.incompleteness_b


async def test_a_stored_capture_stays_incomplete_wherever_it_is_named(house: House) -> None:
    await learn(house, "order", ORDER)
    house.fake.trees["cap_1"], house.fake.incomplete["cap_1"] = ORDER, WAITING
    named = tree_pb2.TreeSource(capture_id="cap_1")
    verdict = (await house.diff().Check(diff_pb.CheckRequest(tree=named))).verdict
    assert verdict.kind == INCONCLUSIVE
    assert "a frame is missing" in verdict.explanation
    compared = await house.diff().Diff(diff_pb.DiffRequest(a=named, b=source(ORDER)))
    assert not compared.comparison.equal
    assert list(compared.comparison.incompleteness_a) == [WAITING]
    lesson = template_pb.LearnTemplateRequest(screen_id="other", captures=[named])
    code, _, _ = await refused(house.templates().LearnTemplate(lesson))
    assert code is grpc.StatusCode.INVALID_ARGUMENT


async def test_only_the_capture_service_says_which_capture_a_tree_is_of(house: House) -> None:
    await learn(house, "order", ORDER)
    stub = diff_service_pb2_grpc.DiffServiceStub(house.channel)
    forged = diff_pb.CheckRequest(tree=source(CHANGED), capture_id="cap_of_somebody")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Check(forged, metadata=house.identity(issuer="gateway"))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "capture_id" in (caught.value.details() or "")
    assert await events(house) == []


async def test_a_client_cannot_sign_a_tree_for_what_it_is_not(house: House) -> None:
    await learn(house, "order", ORDER)
    stub = diff_service_pb2_grpc.DiffServiceStub(house.channel)
    native = document(CHANGED)
    request = diff_pb.CheckRequest(
        tree=tree_pb2.TreeSource(native=native), signatures=encode_signatures(sign(ORDER))
    )
    answer = await stub.Check(request, metadata=house.identity(issuer="gateway"))
    assert answer.verdict.kind == DRIFT
    assert (await check(house, ORDER)).kind == UNCHANGED
