"""A verdict tells what came over a screen apart from it, until somebody decides about it."""

from __future__ import annotations

from pathlib import Path

from systemzero.diff.v1 import diff_service_pb2 as diff_pb
from systemzero.diff.v1 import drift_service_pb2 as drift_pb
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.diff.v1 import verdict_pb2 as pb
from systemzero.tree.v1 import tree_pb2
from systemzero_core.tree import Tree
from systemzero_wire.fields import timestamp
from systemzero_wire.trees import encode_tree
from tests.support.laid_pages import page, panel
from tests.support.services import House, diff_house
from tests.support.stores import DAY, NOW
from tests.support.trees import item

ASKING = page(panel("dialog", "Delete"))


async def learn(house: House, screen: str, tree: Tree) -> None:
    request = template_pb.LearnTemplateRequest(request_id=screen, screen_id=screen)
    request.captures.add(tree=encode_tree(tree))
    await house.templates("acme").LearnTemplate(request)


async def checked(house: House, tree: Tree) -> pb.Verdict:
    request = diff_pb.CheckRequest(tree=tree_pb2.TreeSource(tree=encode_tree(tree)))
    answer: diff_pb.CheckResponse = await house.diff("acme").Check(request)
    return answer.verdict


async def test_a_dialog_is_told_apart_from_the_screen_below(tmp_path: Path) -> None:
    async with diff_house(tmp_path) as house:
        await learn(house, "orders", page())
        verdict = await checked(house, ASKING)
        assert (verdict.kind, verdict.beneath) == (
            pb.VERDICT_KIND_DRIFT,
            pb.VERDICT_KIND_UNCHANGED,
        )
        (overlay,) = verdict.overlays
        assert (overlay.kind, overlay.label, overlay.nodes) == ("dialog", "Delete", 5)
        assert verdict.explanation == (
            "over screen “orders” came dialog “Delete” (5 nodes); the screen itself is as its "
            "template says"
        )
        again = await checked(house, page(item("link", "Pay"), panel("dialog", "Delete")))
        assert again.beneath == pb.VERDICT_KIND_DRIFT


async def test_an_overlay_that_is_learnt_is_a_screen_of_its_own(tmp_path: Path) -> None:
    async with diff_house(tmp_path) as house:
        await learn(house, "orders", page())
        await learn(house, "asking", ASKING)
        verdict = await checked(house, page(panel("dialog", "Delete"), item("link", "More")))
        assert verdict.match.screen_id == "asking"
        assert not verdict.overlays
        below = await checked(house, page(item("link", "More")))
        assert (below.match.screen_id, below.kind) == ("orders", pb.VERDICT_KIND_DRIFT)


async def test_an_overlay_that_was_decided_about_is_not_told_again(tmp_path: Path) -> None:
    async with diff_house(tmp_path) as house:
        await learn(house, "orders", page())
        verdict = await checked(house, ASKING)
        await house.drift("acme").SnoozeEvent(
            drift_pb.SnoozeEventRequest(
                event_id=verdict.event_id, reason="known", expire_time=timestamp(NOW + DAY)
            )
        )
        again = await checked(house, ASKING)
        assert again.kind == pb.VERDICT_KIND_UNCHANGED
        assert not again.overlays
        assert again.beneath == pb.VERDICT_KIND_UNSPECIFIED
