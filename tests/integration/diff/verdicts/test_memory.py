"""Checks where templates have more to say than there is memory for."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest

from systemzero.diff.v1 import diff_service_pb2 as pb
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.diff.v1 import verdict_pb2
from systemzero_core.template import Template, signed, to_yaml
from systemzero_core.tree import Node, Tree
from tests.support.checks import DRIFT, UNCHANGED, source
from tests.support.services import House, diff_house


def screen(number: int, nodes: int, last: str = "") -> Tree:
    """Texts that no other screen has."""
    texts = [f"{chr(0x4E00 + number)}{chr(0x5000 + n)}" for n in range(nodes)]
    return Tree(
        [Node("document"), *(Node("text", name=text + last) for text in texts)], [-1] + [0] * nodes
    )


async def learn(house: House, tenant: str, number: int, nodes: int) -> None:
    made = Template(template_id="", screen_id=f"s{number}", tree=screen(number, nodes))
    request = template_pb.ImportTemplateRequest(yaml=to_yaml(signed(made)))
    await house.templates(tenant).ImportTemplate(request)


async def kind(house: House, tenant: str, number: int, nodes: int, last: str = "") -> int:
    request = pb.CheckRequest(tree=source(screen(number, nodes, last)), screen_hint=f"s{number}")
    answer: verdict_pb2.Verdict = (await house.diff(tenant).Check(request)).verdict
    return answer.kind


async def test_verdicts_are_right_where_no_two_templates_fit_at_a_time(tmp_path: Path) -> None:
    async with diff_house(tmp_path, template_bytes=1_000_000) as house:
        for number in range(4):
            await learn(house, "acme", number, 400)
        for turn in range(2):
            for number in range(4):
                assert await kind(house, "acme", number, 400) == UNCHANGED
                changed = screen(number, 400)
                nodes = [*changed.nodes[:-1], Node("text", name=f"new {turn}")]
                request = pb.CheckRequest(
                    tree=source(Tree(nodes, changed.parents)), screen_hint=f"s{number}"
                )
                verdict = (await house.diff().Check(request)).verdict
                assert verdict.kind == DRIFT


async def test_a_tenant_with_more_than_fits_is_told_so_and_others_are_judged(
    tmp_path: Path,
) -> None:
    async with diff_house(tmp_path, template_bytes=1_000_000) as house:
        await learn(house, "quiet", 0, 20)
        for number in range(12):
            await learn(house, "loud", number, 2_000)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await kind(house, "loud", 1, 20)
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "delete templates" in (refused.value.details() or "")
        assert await kind(house, "quiet", 0, 20) == UNCHANGED
        listed = await house.templates("loud").ListTemplates(template_pb.ListTemplatesRequest())
        for template in listed.templates:
            request = template_pb.DeleteTemplateRequest(template_id=template.template_id)
            await house.templates("loud").DeleteTemplate(request)
        await learn(house, "loud", 1, 20)
        assert await kind(house, "loud", 1, 20) == UNCHANGED
