"""U+0000 in a text that is stored or looked for: refused by field, on every database alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from systemzero.capture.v1 import capture_service_pb2 as capture_pb
from systemzero.diff.v1 import diff_service_pb2 as diff_pb
from systemzero.diff.v1 import drift_service_pb2 as drift_pb
from systemzero.diff.v1 import template_pb2
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.gateway.v1 import auth_service_pb2 as auth_pb
from systemzero.gateway.v1 import auth_service_pb2_grpc, tenant_service_pb2_grpc
from systemzero.gateway.v1 import tenant_service_pb2 as tenant_pb
from systemzero.tree.v1 import tree_pb2
from systemzero_core.tree import Tree
from systemzero_wire.fields import timestamp
from systemzero_wire.trees import encode_tree
from tests.support.gateway import refused, world
from tests.support.services import House, capture_house, diff_house
from tests.support.stores import DAY, NOW, tree

NUL = "a\0b"
SHOWN, CHANGED = tree("Buy", "Cancel", "Help"), tree("Buy now", "Cancel", "Help")


def source(content: Tree) -> tree_pb2.TreeSource:
    return tree_pb2.TreeSource(tree=encode_tree(content))


async def check_field(call: Any, field: str) -> None:
    code, _, details = await refused(call)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    violations = details["BadRequest"].field_violations
    assert [violation.field for violation in violations] == [field]
    assert "U+0000" in violations[0].description


DECISIONS: dict[str, Callable[[House, str], Any]] = {
    "approve": lambda house, event_id: house.drift().ApproveEvent(
        drift_pb.ApproveEventRequest(event_id=event_id, reason=NUL, expire_time=timestamp(NOW + 1))
    ),
    "reject": lambda house, event_id: house.drift().RejectEvent(
        drift_pb.RejectEventRequest(event_id=event_id, reason=NUL)
    ),
    "snooze": lambda house, event_id: house.drift().SnoozeEvent(
        drift_pb.SnoozeEventRequest(event_id=event_id, reason=NUL, expire_time=timestamp(NOW + DAY))
    ),
}


@pytest.mark.parametrize("kind", DECISIONS)
async def test_of_a_reason(tmp_path: Path, kind: str) -> None:
    async with diff_house(tmp_path) as house:
        learn = template_pb.LearnTemplateRequest(screen_id="order", captures=[source(SHOWN)])
        await house.templates().LearnTemplate(learn)
        request = diff_pb.CheckRequest(tree=source(CHANGED), screen_hint="order")
        event_id = (await house.diff().Check(request)).verdict.event_id
        await check_field(DECISIONS[kind](house, event_id), "reason")


def made(**fields: Any) -> template_pb.CreateTemplateRequest:
    template = template_pb2.Template(screen_id="order", tree=encode_tree(SHOWN), **fields)
    return template_pb.CreateTemplateRequest(template=template)


def ruled(**fields: Any) -> template_pb2.TemplatePolicy:
    level = template_pb2.MATCH_LEVEL_IGNORE
    return template_pb2.TemplatePolicy(rules=[template_pb2.PolicyRule(level=level, **fields)])


BUTTON = template_pb2.NodeSelector(role="button")
TEMPLATES: dict[str, Callable[[Any], Any]] = {
    "app": lambda t: t.ListTemplates(template_pb.ListTemplatesRequest(app=NUL)),
    "etag": lambda t: t.DeleteTemplate(
        template_pb.DeleteTemplateRequest(template_id="order", etag=NUL)
    ),
    "template.etag": lambda t: t.UpdateTemplate(
        template_pb.UpdateTemplateRequest(
            template=template_pb2.Template(template_id="order", etag=NUL),
            update_mask=FieldMask(paths=["app"]),
        )
    ),
    "valid_transitions": lambda t: t.LearnTemplate(
        template_pb.LearnTemplateRequest(
            screen_id="order", captures=[source(SHOWN)], valid_transitions=[NUL]
        )
    ),
    "metadata.'k'": lambda t: t.CreateTemplate(made(metadata={"k": NUL})),
    "policy.rules[0].why": lambda t: t.CreateTemplate(made(policy=ruled(select=BUTTON, why=NUL))),
}


@pytest.mark.parametrize("field", TEMPLATES)
async def test_of_a_template(tmp_path: Path, field: str) -> None:
    async with diff_house(tmp_path) as house:
        await check_field(TEMPLATES[field](house.templates()), field)


@pytest.mark.parametrize("field", ["app", "session_id"])
async def test_of_a_filter_of_captures(tmp_path: Path, field: str) -> None:
    async with capture_house(tmp_path) as house:
        request = capture_pb.ListCapturesRequest()
        setattr(request, field, NUL)
        await check_field(house.captures().ListCaptures(request), field)


async def test_of_keys_and_tenants(tmp_path: Path) -> None:
    async with world(tmp_path, local=True) as here:
        auth = auth_service_pb2_grpc.AuthServiceStub(here.channel)
        tenants = tenant_service_pb2_grpc.TenantServiceStub(here.channel)
        platform = here.bearer(here.app.platform_key_file.read_text().strip())
        for name in ("RotateApiKey", "RevokeApiKey"):
            request = getattr(auth_pb, f"{name}Request")(key_id=NUL)
            await check_field(getattr(auth, name)(request, metadata=here.bearer()), "key_id")
        for name in ("GetTenant", "UpdateTenantQuotas", "SuspendTenant", "ResumeTenant"):
            request = getattr(tenant_pb, f"{name}Request")(tenant_id=NUL)
            await check_field(getattr(tenants, name)(request, metadata=platform), "tenant_id")
