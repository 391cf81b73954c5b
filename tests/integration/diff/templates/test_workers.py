"""Two processes' worth of diff service over one database: what one learns, the other judges by."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from systemzero.diff.v1 import diff_service_pb2 as diff_pb
from systemzero.diff.v1 import template_pb2, verdict_pb2
from systemzero.diff.v1 import template_service_pb2 as template_pb
from tests.support.checks import (
    DRIFT,
    UNCHANGED,
    UNKNOWN_SCREEN,
    check,
    decide,
    events,
    learn,
    source,
)
from tests.support.services import House, diff_house
from tests.support.stores import DAY, tree

ORDER = tree("Buy", "Cancel", "Help", "Print")
RENAMED = tree("Buy now", "Cancel", "Help", "Print")
TRIES = 20_000
"""Calls, at most, until a change is seen: it takes half a second, so some hundreds."""


@pytest.fixture
async def workers(tmp_path: Path) -> AsyncIterator[tuple[House, House]]:
    async with diff_house(tmp_path) as one, diff_house(tmp_path) as other:
        yield one, other


async def until(
    kind: verdict_pb2.VerdictKind.ValueType, ask: Callable[[], Awaitable[verdict_pb2.Verdict]]
) -> verdict_pb2.Verdict:
    """Ask until the verdict is of `kind`."""
    for _ in range(TRIES):
        verdict = await ask()
        if verdict.kind == kind:
            return verdict
    raise AssertionError("the change was never seen")


async def test_templates_come_change_and_go_in_every_process(workers: tuple[House, House]) -> None:
    one, other = workers
    assert (await check(other, ORDER, "")).kind == UNKNOWN_SCREEN
    await learn(one, "order", ORDER)
    seen = await until(UNCHANGED, lambda: check(other, ORDER, ""))
    assert (seen.match.screen_id, seen.match.version) == ("order", 1)

    # The other one goes on from the version that the first one made.
    template_id = seen.match.template_id
    update = template_pb.UpdateTemplateRequest()
    update.template.template_id = template_id
    update.template.policy.level = template_pb2.MATCH_LEVEL_LAYOUT
    update.update_mask.paths.append("policy")
    made = (await other.templates().UpdateTemplate(update)).template
    assert made.version == 2
    assert (await check(other, RENAMED, "order")).kind == UNCHANGED
    assert (await until(UNCHANGED, lambda: check(one, RENAMED, "order"))).match.version == 2

    delete = template_pb.DeleteTemplateRequest(template_id=template_id)
    await one.templates().DeleteTemplate(delete)
    await until(UNKNOWN_SCREEN, lambda: check(other, ORDER, ""))


async def test_what_one_process_is_told_about_an_event_holds_in_the_other(
    workers: tuple[House, House],
) -> None:
    one, other = workers
    await learn(one, "order", ORDER)
    drift = await until(DRIFT, lambda: check(other, RENAMED, "order"))
    await decide(one, "approve until", drift.event_id)
    quiet = await until(UNCHANGED, lambda: check(other, RENAMED, "order"))
    assert len(quiet.decision_ids) == 1
    other.clock.now += DAY  # it was for a time
    again = await check(other, RENAMED, "order")
    assert again.kind == DRIFT
    assert [found.event_id for found in await events(one, page_size=1)] == [again.event_id]


async def test_a_search_goes_on_while_another_process_writes(workers: tuple[House, House]) -> None:
    one, other = workers
    await learn(one, "order", ORDER)
    await until(UNCHANGED, lambda: check(other, ORDER, ""))
    for number in range(20):
        await learn(one, "order", tree("Buy", "Cancel", "Help", "Print", f"Offer {number}"))
        match = await other.diff().Match(diff_pb.MatchRequest(tree=source(ORDER)))
        assert [found.screen_id for found in match.matches] == ["order"]
