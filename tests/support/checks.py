"""Templates put into a served diff service, and captures checked against them."""

from __future__ import annotations

from typing import Any

from systemzero.diff.v1 import diff_service_pb2 as diff_pb
from systemzero.diff.v1 import judgement_service_pb2, template_pb2, verdict_pb2
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.tree.v1 import tree_pb2
from systemzero_core.formats import own
from systemzero_core.intake import take_in_tree
from systemzero_core.template import Policy, Template, signed, to_yaml
from systemzero_core.tree import Tree
from systemzero_wire.trees import encode_signatures, encode_tree
from tests.support.services import House

UNCHANGED = verdict_pb2.VERDICT_KIND_UNCHANGED
DRIFT = verdict_pb2.VERDICT_KIND_DRIFT
UNKNOWN_SCREEN = verdict_pb2.VERDICT_KIND_UNKNOWN_SCREEN


def source(tree: Tree) -> tree_pb2.TreeSource:
    """The tree, as a request gives it."""
    return tree_pb2.TreeSource(tree=encode_tree(tree))


async def put(
    house: House, screen_id: str, tree: Tree, policy: Policy | None = None, **fields: Any
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
    made: template_pb2.Template = (await house.templates().ImportTemplate(request)).template
    return made


async def check(
    house: House, tree: Tree, screen_id: str, *, capture_id: str = "", **fields: Any
) -> verdict_pb2.Verdict:
    """The verdict on `tree`, which the client believes to be `screen_id`.

    With a `capture_id`, as the capture service asks for it of a capture that it has stored.
    """
    if capture_id:
        return await judge(house, tree, screen_id, capture_id, **fields)
    request = diff_pb.CheckRequest(tree=source(tree), screen_hint=screen_id, **fields)
    verdict: verdict_pb2.Verdict = (await house.diff().Check(request)).verdict
    return verdict


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
