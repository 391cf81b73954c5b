"""Checks where templates have more to say than there is memory for."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest

from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero_core.tree import Node, Tree
from tests.support.checks import DRIFT, UNCHANGED, check, put
from tests.support.services import House, diff_house


def screen(number: int, nodes: int, last: str = "") -> Tree:
    """Texts that no other screen has."""
    texts = [f"{chr(0x4E00 + number)}{chr(0x5000 + n)}" for n in range(nodes)]
    return Tree(
        [Node("document"), *(Node("text", name=text + last) for text in texts)], [-1] + [0] * nodes
    )


async def kind(house: House, tenant: str, number: int, nodes: int) -> int:
    verdict = await check(house, screen(number, nodes), f"s{number}", tenant=tenant)
    return verdict.kind


async def test_verdicts_are_right_where_no_two_templates_fit_at_a_time(tmp_path: Path) -> None:
    async with diff_house(tmp_path, template_bytes=1_000_000) as house:
        for number in range(4):
            await put(house, f"s{number}", screen(number, 400), tenant="acme")
        for turn in range(2):
            for number in range(4):
                assert await kind(house, "acme", number, 400) == UNCHANGED
                changed = screen(number, 400)
                nodes = [*changed.nodes[:-1], Node("text", name=f"new {turn}")]
                verdict = await check(house, Tree(nodes, changed.parents), f"s{number}")
                assert verdict.kind == DRIFT


async def test_a_tenant_with_more_than_fits_is_told_so_and_others_are_judged(
    tmp_path: Path,
) -> None:
    async with diff_house(tmp_path, template_bytes=1_000_000) as house:
        await put(house, "s0", screen(0, 20), tenant="quiet")
        for number in range(12):
            await put(house, f"s{number}", screen(number, 2_000), tenant="loud")
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await kind(house, "loud", 1, 20)
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "delete templates" in (refused.value.details() or "")
        assert await kind(house, "quiet", 0, 20) == UNCHANGED
        listed = await house.templates("loud").ListTemplates(template_pb.ListTemplatesRequest())
        for template in listed.templates:
            request = template_pb.DeleteTemplateRequest(template_id=template.template_id)
            await house.templates("loud").DeleteTemplate(request)
        await put(house, "s1", screen(1, 20), tenant="loud")
        assert await kind(house, "loud", 1, 20) == UNCHANGED
