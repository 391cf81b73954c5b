"""The queue of the audit log: bounded, and nothing that was put in is lost."""

from __future__ import annotations

from collections import Counter

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from systemzero_chassis.identity import Principal
from systemzero_core.errors import Overloaded
from systemzero_gateway.audit import Act, AuditQueue, Decided
from systemzero_gateway.audit.act import Recorded
from systemzero_gateway.caller import Caller

CAPACITY = 4


def act(number: int, decision: Decided = Decided.DENIED) -> Act:
    return Act("tenant", f"key_{number}", "/a/B", "192.0.2.1", decision, "")


class Queue(RuleBasedStateMachine):
    """Puts, reservations, writes that succeed and fail, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.queue = AuditQueue(CAPACITY, lambda: self.now)
        self.accepted: Counter[Act] = Counter()
        self.in_log: Counter[Act] = Counter()
        self.taken: list[Recorded] = []
        self.reserved = 0

    @rule(number=st.integers(0, 6), decision=st.sampled_from(Decided))
    def put(self, number: int, decision: Decided) -> None:
        self.now += 1
        full = len(self.queue) >= CAPACITY
        try:
            self.queue.put(act(number, decision), "192.0.2.1", "")
        except Overloaded:
            assert full
        else:
            self.accepted[act(number, decision)] += 1

    @rule()
    def reserve(self) -> None:
        try:
            self.queue.reserve()
            self.reserved += 1
        except Overloaded:
            assert len(self.queue) == CAPACITY

    @precondition(lambda self: self.reserved)
    @rule(number=st.integers(0, 6))
    def use(self, number: int) -> None:
        """What was reserved always finds room."""
        self.queue.release()
        self.reserved -= 1
        self.queue.put(act(number, Decided.ALLOWED), "192.0.2.1", "")
        self.accepted[act(number, Decided.ALLOWED)] += 1

    @precondition(lambda self: not self.taken)
    @rule(every=st.booleans())
    def take(self, every: bool) -> None:
        self.taken = self.queue.take(every=every)

    @precondition(lambda self: self.taken)
    @rule(succeeds=st.booleans())
    def write(self, succeeds: bool) -> None:
        if succeeds:
            self.queue.written(self.taken)
            for entry in self.taken:
                assert entry.first_time <= entry.last_time <= self.now
                self.in_log[entry.act] += entry.times
        else:
            self.queue.put_back(self.taken)
        self.taken = []

    @invariant()
    def is_bounded(self) -> None:
        assert len(self.queue) <= CAPACITY

    def teardown(self) -> None:
        if self.taken:
            self.write(True)
        self.taken = self.queue.take(every=True)
        self.write(True)
        assert self.in_log == self.accepted
        assert len(self.queue) == self.reserved


TestQueue = Queue.TestCase


def test_equal_refusals_are_counted_and_the_first_ones_details_kept() -> None:
    times = iter(range(100))
    queue = AuditQueue(10, lambda: next(times))
    for address in ("2001:db8::1", "2001:db8::2", "2001:db8::3"):
        queue.put(act(1), address, f"trace of {address}")
    queue.put(act(2), "2001:db8::4", "")
    first, second = queue.take(every=True)
    assert (first.address, first.trace_id) == ("2001:db8::1", "trace of 2001:db8::1")
    assert (first.times, first.first_time, first.last_time) == (3, 0, 2)
    assert second.times == 1


async def test_what_was_let_in_does_not_wait_and_refusals_do() -> None:
    queue = AuditQueue(10, lambda: 0)
    queue.put(act(1), "", "")
    queue.put(act(2, Decided.ALLOWED), "", "")
    assert await queue.wait()
    assert [entry.act for entry in queue.take(every=False)] == [act(2, Decided.ALLOWED)]


def test_who_is_unknown_is_the_platforms_affair() -> None:
    known = Caller(Principal("acme", "key_1"), frozenset(), None)
    assert Act.of(known, "/a/B", "", Decided.DENIED, "")[:2] == ("acme", "key_1")
    assert Act.of(None, "/a/B", "", Decided.DENIED, "")[:2] == ("platform", "")
