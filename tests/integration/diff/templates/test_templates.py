"""Templates as people make, change, list and delete them."""

from __future__ import annotations

from typing import Any

import grpc

from systemzero.diff.v1 import template_pb2
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.tree.v1 import tree_pb2
from systemzero_core.signature import sign
from systemzero_core.tree import Tree
from systemzero_wire.trees import encode_tree
from tests.support.checks import (
    DRIFT,
    INCONCLUSIVE,
    UNCHANGED,
    UNKNOWN_SCREEN,
    check,
    events,
    learn,
    log_entries,
    source,
)
from tests.support.gateway import refused
from tests.support.screens import CART, ORDER, screen
from tests.support.services import House

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
    assert (await check(house, ORDER, "order")).kind == UNCHANGED
    longer = screen("Order", "Buy", "Cancel", "Help", "Print", "New")
    verdict = await check(house, longer, "order")
    assert (verdict.kind, verdict.event_id) == (INCONCLUSIVE, "")
    assert "incomplete" not in verdict.explanation
    assert "learn it anew" in verdict.explanation
    assert await events(house) == []
    learnt = await learn(house, "order", ORDER)
    assert (learnt.version, learnt.template_id) == (2, imported.template.template_id)
    assert list(learnt.valid_transitions) == ["cart"]
    assert (await check(house, longer, "order")).kind == DRIFT


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
    size = len(await log_entries(house))
    house.fake.erased.add("cap_1")
    for (call, request), first in zip(calls, firsts, strict=True):
        assert await call(request) == first
    assert len(await log_entries(house)) == size == 4
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
    size = len(await log_entries(house))
    await templates.DeleteTemplate(deletion)
    assert len(await log_entries(house)) == size
    assert (await check(house, ORDER)).kind == UNKNOWN_SCREEN
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
