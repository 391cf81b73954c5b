"""Refusals become a bounded number of entries of a bounded size, and each is counted once."""

from __future__ import annotations

import json
from collections import Counter
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from systemzero_gateway.audit import Act, Decided
from systemzero_gateway.audit.act import Recorded
from systemzero_gateway.audit.refusals import Refusals

GROUPS = 4
REASONS = ("UNAUTHENTICATED", "RATE_LIMITED")
BYTES = 1_700
"""Of an entry's body, whatever stands in what strangers choose."""


def refusals(groups: int = GROUPS) -> Refusals:
    clock = count()
    return Refusals(groups, lambda: next(clock))


def stranger(number: int, reason: str = REASONS[0]) -> Act:
    """Another one each time: address, method and credential."""
    network, shown = f"2001:db8:{number:x}::/64", f"{number % 65_536:04x}"
    return Act("platform", "", f"/a/M{number}", network, Decided.DENIED, reason, shown)


def known(principal: str, number: int = 0, tenant: str = "acme") -> Act:
    network = f"2001:db8:{number:x}::/64"
    return Act(tenant, principal, f"/a/M{number}", network, Decided.DENIED, "PERMISSION_DENIED")


def times(entries: list[Recorded]) -> Counter[str]:
    counted: Counter[str] = Counter()
    for entry in entries:
        counted[entry.act.reason] += entry.times
    return counted


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.sampled_from(REASONS), st.booleans(), st.booleans()),
        max_size=200,
    )
)
def test_each_is_counted_once_in_few_entries(calls: list[tuple[int, str, bool, bool]]) -> None:
    waiting, put, in_log = refusals(), Counter[str](), Counter[str]()
    for number, reason, is_known, fails in calls:
        act = known(f"key_{number}", number) if is_known else stranger(number, reason)
        waiting.put(act, "192.0.2.1", "", "")
        put[act.reason] += 1
        assert len(waiting) <= (GROUPS + len(REASONS)) + (GROUPS + 1)
        if fails:  # to be written: they wait on
            waiting.put_back(waiting.take())
        elif not number:
            in_log += times(waiting.take())
    assert in_log + times(waiting.take()) == put
    assert not waiting.take()


def test_a_flood_of_strangers_of_whom_no_two_are_alike_is_few_entries() -> None:
    waiting = refusals()
    for number in range(10_000):
        waiting.put(stranger(number), f"2001:db8:{number:x}::1", "", f"r-{number}")
    entries = waiting.take()
    assert [entry.others for entry in entries] == [False] * GROUPS + [True]
    others = entries[-1]
    assert (others.times, others.act.reason) == (10_000 - GROUPS, "UNAUTHENTICATED")
    assert (others.first_time, others.last_time) == (GROUPS, 9_999)
    assert (others.address, others.request_id, others.act.network) == ("", "", "")


def test_those_who_are_known_are_neither_crowded_out_by_strangers_nor_by_other_tenants() -> None:
    waiting = refusals()
    for number in range(1_000):
        waiting.put(stranger(number), "2001:db8::1", "", "")
        waiting.put(known(f"key_{number}", tenant="loud"), "192.0.2.1", "", "")
        waiting.put(known("key_of_the_platform", tenant="platform"), "192.0.2.1", "", "")
    waiting.put(known("key_quiet"), "192.0.2.1", "", "")
    found = {(entry.act.tenant, entry.act.principal): entry.times for entry in waiting.take()}
    assert found["acme", "key_quiet"] == 1
    assert found["platform", "key_of_the_platform"] == 1_000
    assert found["loud", "*"] == 1_000 - GROUPS


def test_a_principal_has_one_entry_of_a_reason_wherever_it_comes_from_and_whatever_it_asks() -> (
    None
):
    waiting = refusals()
    for number in range(1_000):
        waiting.put(known("key_1", number), "2001:db8::1", "", "")
    (entry,) = waiting.take()
    assert entry.times == 1_000
    assert entry.methods == tuple(f"/a/M{number}" for number in range(4))
    assert entry.networks == tuple(f"2001:db8:{number:x}::/64" for number in range(4))


def test_an_entry_is_no_larger_for_what_strangers_choose() -> None:
    waiting = refusals(groups=1)
    for number in range(100):
        act = stranger(number)._replace(
            method=f"/{number}" + "m" * 10_000, network=f"{number}" + "n" * 10_000
        )
        for _ in range(2):
            waiting.put(act, "a" * 10_000, "f" * 32, "r" * 128)
    assert all(len(json.dumps(entry.body())) <= BYTES for entry in waiting.take())


def test_what_was_told_of_them_stays_told_when_they_wait_on() -> None:
    waiting = refusals()
    for number in range(10):
        waiting.put(stranger(number), "", "", "")
    waiting.put_back([entry._replace(told=entry.times) for entry in waiting.take()])
    for number in range(10):
        waiting.put(stranger(number), "", "", "")
    entries = waiting.take()
    assert sum(entry.times for entry in entries) == 20
    assert sum(entry.told for entry in entries) == 10
