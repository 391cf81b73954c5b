"""The queue of the audit log: bounded, and nothing that was put in is lost."""

from __future__ import annotations

from collections import Counter

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from systemzero_base.internal.identity import Principal
from systemzero_core.errors import Overloaded
from systemzero_gateway.access.caller import Caller
from systemzero_gateway.audit import Act, AuditQueue, Decided
from systemzero_gateway.audit.act import Recorded

CAPACITY = 4


def act(number: int, decision: Decided = Decided.DENIED) -> Act:
    return Act("tenant", f"key_{number}", "/a/B", "192.0.2.1", decision, "")


def who(act: Act) -> tuple[str, Decided]:
    """What does not change, whatever refusals become one entry."""
    return (act.principal, act.decision)


class Queue(RuleBasedStateMachine):
    """Puts, reservations, writes that succeed and fail, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.queue = AuditQueue(CAPACITY, lambda: self.now, groups=20)
        self.accepted: Counter[tuple[str, Decided]] = Counter()
        self.in_log: Counter[tuple[str, Decided]] = Counter()
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
            assert decision is not Decided.DENIED
        else:
            self.accepted[who(act(number, decision))] += 1

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
        self.accepted[who(act(number, Decided.ALLOWED))] += 1

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
                assert entry.times == 1 or entry.act.decision is Decided.DENIED
                self.in_log[who(entry.act)] += entry.times
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


def test_refusals_of_a_principal_are_counted_and_the_first_ones_details_kept() -> None:
    times = iter(range(100))
    queue = AuditQueue(10, lambda: next(times))
    for method, address in (("/a/B", "2001:db8::1"), ("/a/C", "2001:db8::2"), ("/a/B", "::3")):
        queue.put(act(1)._replace(method=method), address, f"trace of {address}")
    queue.put(act(2), "2001:db8::4", "")
    first, second = queue.take(every=True)
    assert first.methods == ("/a/B", "/a/C")
    assert (first.address, first.trace_id) == ("2001:db8::1", "trace of 2001:db8::1")
    assert (first.times, first.first_time, first.last_time) == (3, 0, 2)
    assert second.times == 1


async def test_what_was_let_in_does_not_wait_and_refusals_do() -> None:
    queue = AuditQueue(10, lambda: 0)
    queue.put(act(1), "", "")
    queue.put(act(2, Decided.ALLOWED), "", "")
    await queue.wait()
    assert [entry.act for entry in queue.take(every=False)] == [act(2, Decided.ALLOWED)]


def test_who_is_unknown_is_the_platforms_affair() -> None:
    known = Caller(Principal("acme", "key_1"), frozenset(), None)
    assert Act.of(known, "/a/B", "", Decided.DENIED, "")[:2] == ("acme", "key_1")
    assert Act.of(None, "/a/B", "", Decided.DENIED, "")[:2] == ("platform", "")


async def test_acts_that_are_alike_are_entries_of_their_own_in_their_order() -> None:
    queue = AuditQueue(10, lambda: 0)
    for number in (1, 2, 1, 1):
        queue.put(act(number, Decided.ALLOWED), "", f"trace {number}")
    taken = queue.take(every=False)
    assert [(entry.act.principal, entry.times) for entry in taken] == [
        ("key_1", 1),
        ("key_2", 1),
        ("key_1", 1),
        ("key_1", 1),
    ]


async def test_refusals_are_written_once_they_have_waited_whatever_else_comes() -> None:
    now = 0.0
    queue = AuditQueue(10, lambda: 0, hold=60, ticks=lambda: now)
    queue.put(act(1), "", "")
    for now in (1.0, 30.0, 59.0):  # noqa: B007 - read by the queue
        queue.put(act(2, Decided.ALLOWED), "", "")
        assert [entry.act.principal for entry in queue.take(every=False)] == ["key_2"]
    now = 60.0
    assert [entry.act.principal for entry in queue.take(every=False)] == ["key_1"]
