"""Which decisions a judgement looks at: bounded, in force, and none for good on its own screen."""

from __future__ import annotations

import pickle

import msgspec
import pytest

from systemzero_core.drift import (
    CoveredEdit,
    Decision,
    DecisionKind,
    DecisionScope,
    PlaceDigests,
    held,
)
from systemzero_diff.templates.decided import MOST, DecisionsInForce
from tests.support.stores import NOW, decision

APPROVE, SNOOZE = DecisionKind.APPROVE, DecisionKind.SNOOZE
SCREEN, TENANT = DecisionScope.SCREEN, DecisionScope.TENANT


def about(made: Decision, count: int) -> Decision:
    """`made`, about so many edits."""
    edits = [
        CoveredEdit(f"{n:064x}", PlaceDigests(f"{n:032x}", f"{n + 1:032x}")) for n in range(count)
    ]
    return msgspec.structs.replace(made, edits=tuple(edits), findings=("a" * 64, "b" * 64))


def ids(found: DecisionsInForce, screen: str = "order") -> list[str]:
    return [each.decision_id for each in found.on(screen)]


@pytest.mark.parametrize("scope", [SCREEN, TENANT])
def test_the_latest_are_looked_at_and_no_more_than_a_bound(scope: DecisionScope) -> None:
    found = DecisionsInForce()
    for size, count in ((1_000, 100), (1, 2_000)):
        for n in range(count):
            found.put([about(decision(n, SNOOZE, NOW + n, 10 * NOW, scope), size)])
        for screen in ("order", "another")[: 1 if scope is SCREEN else 2]:
            looked_at = found.on(screen)
            assert sum(len(each.exact) for each in looked_at) <= MOST
            assert len(looked_at) < count
            assert looked_at[-1].decision_id == f"dec_{count - 1}"
    assert found.memory > 0


def test_what_is_over_is_forgotten_with_the_next_decision() -> None:
    found = DecisionsInForce()
    found.put([decision(1, SNOOZE, NOW, NOW + 5), decision(2, SNOOZE, NOW, NOW + 50)])
    assert ids(found) == ["dec_1", "dec_2"]
    found.put([decision(3, SNOOZE, NOW + 5, NOW + 50)])
    assert ids(found) == ["dec_2", "dec_3"]


@pytest.mark.parametrize("scope", list(DecisionScope))
def test_an_approval_for_good_is_the_baseline_of_its_own_screen(scope: DecisionScope) -> None:
    found = DecisionsInForce()
    found.put([decision(1, APPROVE, NOW, None, scope), decision(2, APPROVE, NOW, 2 * NOW, scope)])
    assert ids(found) == ["dec_2"]
    wide = scope in (DecisionScope.APP, TENANT)
    assert ids(found, "another") == (["dec_1", "dec_2"] if wide else [])


@pytest.mark.parametrize("scope", list(DecisionScope))
@pytest.mark.parametrize("count", [0, 1, 40])
def test_a_decision_that_travels_is_the_same(scope: DecisionScope, count: int) -> None:
    ready = held(about(decision(1, SNOOZE, NOW, 2 * NOW, scope), count))
    assert pickle.loads(pickle.dumps(ready)) == ready  # noqa: S301 - of this test
