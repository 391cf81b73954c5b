"""Match and Check by the weights and thresholds of the tenant's template set."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from systemzero.diff.v1 import diff_service_pb2 as diff_pb
from systemzero_core.match import Thresholds, Weights
from systemzero_core.tree import Bounds, Tree
from systemzero_diff.config import MatchSettings, TenantMatch
from tests.support.checks import DRIFT, UNKNOWN_SCREEN, check, learn, source
from tests.support.services import House, diff_house
from tests.support.trees import item, tree

ONLY_ROLES = Weights(required_nodes=0, structure=0, roles=1, names=0, identifiers=0, page=0)
SETTINGS = MatchSettings(
    weights=Weights(names=60),
    tenants={
        "roles": TenantMatch(weights=ONLY_ROLES),
        "strict": TenantMatch(thresholds=Thresholds(match=0.99, hinted=0.98)),
        "places": TenantMatch(weights=Weights(layout=100)),
    },
)


def orders(first: str, second: str, left: int = 0) -> Tree:
    page = tree(
        item("heading", first, attributes=(("level", "1"),), bounds=Bounds(left, 0, 200, 40)),
        item("button", second, bounds=Bounds(left, 50, 100, 30)),
    )
    root = msgspec.structs.replace(page.nodes[0], bounds=Bounds(0, 0, 1000, 800))
    return Tree((root, *page.nodes[1:]), page.parents)


ORDERS, OTHERS = orders("Orders", "New order"), orders("Reports", "Export all")
MOVED = orders("Orders", "New order", left=700)


async def matched(house: House, tenant: str, seen: Tree) -> diff_pb.MatchResponse:
    await learn(house, "orders", ORDERS, tenant=tenant, request_id="once")
    request = diff_pb.MatchRequest(tree=source(seen))
    answer: diff_pb.MatchResponse = await house.diff(tenant).Match(request)
    return answer


def weights(answer: diff_pb.MatchResponse) -> dict[str, float]:
    return {f.feature: round(f.weight, 3) for f in answer.matches[0].features}


async def test_a_match_tells_the_weights_that_it_was_made_with(tmp_path: Path) -> None:
    async with diff_house(tmp_path, match=SETTINGS) as house:
        nobodys = weights(await matched(house, "acme", OTHERS))
        assert nobodys["names"] == pytest.approx(60 / 160, abs=0.001)
        roles = await matched(house, "roles", OTHERS)
        assert weights(roles) == {"roles": 1.0}
        assert (roles.matched, roles.matches[0].score) == (True, 1.0)
        places = await matched(house, "places", MOVED)
        layout = next(f for f in places.matches[0].features if f.feature == "layout")
        assert layout.weight > 0.3
        assert layout.score < 1


async def test_each_tenants_check_keeps_to_its_own_thresholds(tmp_path: Path) -> None:
    async with diff_house(tmp_path, match=SETTINGS) as house:
        kinds = {}
        for tenant in ("roles", "strict"):
            await matched(house, tenant, OTHERS)
            verdict = await check(house, OTHERS, tenant=tenant)
            kinds[tenant] = verdict.kind
        assert kinds["roles"] == DRIFT
        assert kinds["strict"] == UNKNOWN_SCREEN
        assert "no template reaches the threshold 0.99" in verdict.explanation
