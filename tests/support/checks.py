"""What a client and the capture service ask of a served diff service, in one line each.

Templates are put or learnt, trees checked, captures ingested, events decided about.
"""

from __future__ import annotations

from typing import Any

from systemzero.diff.v1 import diff_service_pb2 as diff_pb
from systemzero.diff.v1 import drift_service_pb2 as drift_pb
from systemzero.diff.v1 import judgement_service_pb2, template_pb2, verdict_pb2
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.log.v1 import log_service_pb2 as log_pb
from systemzero.tree.v1 import tree_pb2
from systemzero_core.formats import own
from systemzero_core.intake import take_in_tree
from systemzero_core.signature import sign
from systemzero_core.template import Policy, Template, signed, to_yaml
from systemzero_core.tree import Tree
from systemzero_wire.fields import timestamp
from systemzero_wire.trees import encode_signatures, encode_tree
from tests.support.services import House
from tests.support.stores import DAY

UNCHANGED = verdict_pb2.VERDICT_KIND_UNCHANGED
DRIFT = verdict_pb2.VERDICT_KIND_DRIFT
UNKNOWN_SCREEN = verdict_pb2.VERDICT_KIND_UNKNOWN_SCREEN
INCONCLUSIVE = verdict_pb2.VERDICT_KIND_INCONCLUSIVE


def source(tree: Tree) -> tree_pb2.TreeSource:
    """The tree, as a request gives it."""
    return tree_pb2.TreeSource(tree=encode_tree(tree))


async def put(
    house: House,
    screen_id: str,
    tree: Tree,
    policy: Policy | None = None,
    *,
    tenant: str = "acme",
    **fields: Any,
) -> template_pb2.Template:
    """Import a template as YAML: as people write one."""
    template = Template(
        template_id="",
        screen_id=screen_id,
        tree=take_in_tree(tree).tree,
        policy=policy or Policy(),
        **fields,
    )
    request = template_pb.ImportTemplateRequest(yaml=to_yaml(signed(template)))
    made: template_pb2.Template = (await house.templates(tenant).ImportTemplate(request)).template
    return made


async def learn(
    house: House, screen_id: str, *trees: Tree, tenant: str = "acme", **fields: Any
) -> template_pb2.Template:
    """Learn a template from captures of the screen."""
    request = template_pb.LearnTemplateRequest(
        screen_id=screen_id, captures=map(source, trees), **fields
    )
    learnt: template_pb2.Template = (await house.templates(tenant).LearnTemplate(request)).template
    return learnt


async def check(
    house: House,
    tree: Tree,
    screen_id: str = "",
    *,
    tenant: str = "acme",
    capture_id: str = "",
    **fields: Any,
) -> verdict_pb2.Verdict:
    """The verdict on `tree`, which the client believes to be `screen_id`.

    With a `capture_id`, as the capture service asks for it of a capture that it has stored.
    """
    if capture_id:
        return await judge(house, tree, screen_id, capture_id, **fields)
    request = diff_pb.CheckRequest(tree=source(tree), screen_hint=screen_id, **fields)
    verdict: verdict_pb2.Verdict = (await house.diff(tenant).Check(request)).verdict
    return verdict


async def check_signatures(house: House, tree: Tree, **fields: Any) -> diff_pb.CheckResponse:
    """The answer to a client that sends the signatures of `tree` alone."""
    request = diff_pb.CheckRequest(signatures=encode_signatures(sign(tree)), **fields)
    answer: diff_pb.CheckResponse = await house.diff().Check(request)
    return answer


async def judge(
    house: House, tree: Tree, screen_id: str, capture_id: str, **fields: Any
) -> verdict_pb2.Verdict:
    """The verdict on a stored capture, whose tree is sent along."""
    taken = take_in_tree(tree)
    request = judgement_service_pb2.JudgeCaptureRequest(
        capture_id=capture_id,
        stored=True,
        signatures=encode_signatures(taken.signatures),
        document=own.encode(taken.tree),
        screen_hint=screen_id,
        **fields,
    )
    verdict = verdict_of(await house.judgements().JudgeCapture(request))
    assert verdict is not None
    return verdict


async def ingest(
    house: House, tree: Tree, screen_id: str = "", capture_id: str = "", **fields: Any
) -> verdict_pb2.Verdict:
    """The verdict on a capture that the capture service has from now on: `cap_1`, `cap_2`, …"""
    capture_id = capture_id or f"cap_{len(house.fake.trees) + 1}"
    house.fake.trees[capture_id] = tree
    return await judge(house, tree, screen_id, capture_id, **fields)


def verdict_of(
    answer: judgement_service_pb2.JudgeCaptureResponse,
) -> verdict_pb2.Verdict | None:
    """The verdict in an answer to JudgeCapture, with its event."""
    if not answer.HasField("verdict"):
        return None
    verdict = verdict_pb2.Verdict.FromString(answer.verdict.verdict)
    verdict.event_id, verdict.log_index = answer.verdict.event_id, answer.verdict.log_index
    return verdict


def sentences(verdict: verdict_pb2.Verdict) -> list[str]:
    """What changed, in words."""
    return [edit.sentence for edit in verdict.script.edits]


async def decide(house: House, how: str, event_id: str, **fields: Any) -> Any:
    """What was answered to an approval (for good, or until tomorrow), a snooze or a rejection."""
    until = timestamp(house.clock.now + DAY)
    drift, said = house.drift(), {"event_id": event_id, "reason": "wanted", **fields}
    if how == "approve":
        return await drift.ApproveEvent(drift_pb.ApproveEventRequest(**said))
    if how == "approve until":
        return await drift.ApproveEvent(drift_pb.ApproveEventRequest(**said, expire_time=until))
    if how == "snooze":
        return await drift.SnoozeEvent(drift_pb.SnoozeEventRequest(**said, expire_time=until))
    return await drift.RejectEvent(drift_pb.RejectEventRequest(**said))


async def event(house: House, event_id: str) -> drift_pb.DriftEvent:
    """An event as it stands."""
    found: drift_pb.DriftEvent
    found = (await house.drift().GetEvent(drift_pb.GetEventRequest(event_id=event_id))).event
    return found


async def events(house: House, **chosen: Any) -> list[drift_pb.DriftEvent]:
    """The events that a listing gives, newest first."""
    return list((await house.drift().ListEvents(drift_pb.ListEventsRequest(**chosen))).events)


async def groups(house: House) -> list[drift_pb.EventGroup]:
    """The groups of alike events, as the summary has them."""
    return list((await house.drift().GetSummary(drift_pb.GetSummaryRequest())).groups)


async def log_entries(house: House) -> list[log_pb.Entry]:
    """What the log says, oldest first."""
    found = await house.log().ListEntries(log_pb.ListEntriesRequest(page_size=1_000))
    return list(found.entries)
