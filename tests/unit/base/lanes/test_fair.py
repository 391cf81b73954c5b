"""Whose large work is next."""

from __future__ import annotations

import random
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from systemzero_base.lanes.fair import FairQueue


def anybody(_tenant: str, _item: object) -> bool:
    return True


def not_of(unwanted: str, tenant: str, _item: object) -> bool:
    return tenant != unwanted


def test_a_newcomer_is_next_however_much_waits_of_another() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(50):
        queue.push("loud", f"loud {number}")
    for _ in range(3):
        popped = queue.pop(anybody)
        assert popped is not None
        queue.done("loud", popped[1], 2.0)
    queue.push("quiet", "quiet")
    popped = queue.pop(anybody)
    assert popped is not None
    assert popped[0] == "quiet"


@given(st.lists(st.floats(0.01, 10), min_size=2, max_size=6))
def test_time_is_shared_equally_whatever_a_piece_takes(costs: list[float]) -> None:
    queue: FairQueue[float] = FairQueue()
    used = dict.fromkeys(map(str, range(len(costs))), 0.0)
    for tenant, cost in zip(used, costs, strict=True):
        queue.push(tenant, cost)
    for _ in range(500):
        popped = queue.pop(anybody)
        assert popped is not None
        cost, charged = popped
        tenant = str(costs.index(cost)) if costs.count(cost) == 1 else ""
        if not tenant:
            return  # two of the same cost can't be told apart here
        queue.push(tenant, cost)  # there is always more
        queue.done(tenant, charged, cost)
        used[tenant] += cost
    assert max(used.values()) - min(used.values()) <= 2 * max(costs) + 1


@given(st.integers())
def test_nothing_is_lost_nor_done_twice_and_a_tenants_order_stays(seed: int) -> None:
    chance, queue = random.Random(seed), FairQueue[tuple[str, int]]()  # noqa: S311
    waiting: list[tuple[str, int]] = []
    running: list[tuple[str, float]] = []
    for number in range(200):
        act = chance.choice(["push", "push", "pop", "done", "remove"])
        tenant = chance.choice("abc")
        if act == "push":
            waiting.append((tenant, number))
            queue.push(tenant, (tenant, number))
        elif act == "pop" and (popped := queue.pop(partial(not_of, tenant))):
            item, charged = popped
            assert item == next(each for each in waiting if each[0] == item[0])
            assert item[0] != tenant
            waiting.remove(item)
            running.append((item[0], charged))
        elif act == "done" and running:
            name, charged = running.pop(chance.randrange(len(running)))
            queue.done(name, charged, chance.random())
        elif act == "remove" and waiting:
            item = chance.choice(waiting)
            assert queue.remove(item[0], item)
            assert not queue.remove(item[0], item)
            waiting.remove(item)
        assert sorted(queue) == sorted(waiting)
        for name in "abc":
            assert queue.running(name) == sum(name == each for each, _ in running)
            assert queue.waiting(name) == sum(name == each for each, _ in waiting)


def test_nobody_is_owed_the_time_that_it_did_not_use() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.push("late", "late")
    first = queue.pop(anybody)
    assert first is not None
    for number in range(20):
        queue.push("early", f"early {number}")
    for _ in range(10):
        popped = queue.pop(anybody)
        assert popped is not None
        queue.done("early", popped[1], 1.0)
    queue.done("late", first[1], 0.1)
    order = []
    for number in range(4):
        queue.push("late", f"late {number}")
    for _ in range(4):
        popped = queue.pop(anybody)
        assert popped is not None
        order.append(popped[0].split()[0])
        queue.done(order[-1], popped[1], 1.0)
    assert order.count("early") >= 1
