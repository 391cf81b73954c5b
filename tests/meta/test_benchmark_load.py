"""The load's arithmetic: what is sent, what is noise, what is growth, how many are needed."""

from __future__ import annotations

import os
import random
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from benchmarks._processes import memory_bytes
from benchmarks.load import tables
from benchmarks.load.compare import compared
from benchmarks.load.mix import ID_MARK, MARK, MIXES, Prepared, calls, load, save
from benchmarks.load.noise import Spread, beyond_noise
from benchmarks.load.screens import UNCHANGED, Screen, screens
from benchmarks.load.soak import theil_sen
from benchmarks.simulation.__main__ import UTILISATION, WAIT_SECONDS, sized
from benchmarks.simulation.queues import (
    Moments,
    Service,
    expected,
    servers_for,
    simulated,
    waiting_probability,
)
from systemzero.capture.v1 import capture_service_pb2 as pb
from systemzero_core.intake import take_in
from systemzero_core.signature import Signatures

SHARES = {"": 5.0, "@gateway": 1.0, "@diff": 3.0}
"""Milliseconds of each service."""


@pytest.fixture(scope="module")
def screen() -> Screen:
    return screens()[0]


def chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - no secret


def taken(call: Prepared, run: int) -> tuple[bytes, Signatures]:
    native = pb.IngestRequest.FromString(call.filled(run)).native
    frames = tuple(native.frames)
    return native.data, take_in(native.data, dom=native.dom or None, frames=frames).signatures


def test_unchanged_screens_have_new_bytes_and_the_known_normal_form(screen: Screen) -> None:
    by_kind = {call.kind: call for call in screen.prepared()}
    first, second = taken(by_kind["fresh"], 1), taken(by_kind["fresh"], 2)
    known = taken(by_kind["same"], 1)
    assert len({first[0], second[0], known[0]}) == 3
    assert first[1] == second[1] == known[1]
    assert by_kind["fresh"].verdict == UNCHANGED


def test_drift_is_another_form_and_novel_drift_another_one_each_time(screen: Screen) -> None:
    by_kind = {call.kind: call for call in screen.prepared()}
    known = taken(by_kind["same"], 1)[1]
    drift = [taken(by_kind["drift"], run)[1] for run in (1, 2)]
    novel = [taken(by_kind[kind], run)[1] for kind in ("novel", "novel_tree") for run in (1, 2)]
    assert drift[0] == drift[1]
    assert len({each.full for each in (known, drift[0], *novel[:2])}) == 4
    assert novel[:2] == novel[2:]  # what the client normalised is what the service would have


def test_every_call_has_a_request_id_of_its_own() -> None:
    call = Prepared("same", "/m", b"<" + ID_MARK + b">" + MARK, 0)
    bodies = {call.filled(run) for run in range(1_000)}
    assert len(bodies) == 1_000
    assert {len(body) for body in bodies} == {len(call.body)}


def test_the_shares_of_a_mix_are_met_in_the_same_order_each_time(tmp_path: Path) -> None:
    prepared = [Prepared(kind, f"/{kind}", b"\x00\xff", 1) for kind in MIXES["native"]]
    save(prepared, tmp_path / "calls")
    again = load(tmp_path / "calls")
    assert again == prepared
    drawn = list(islice(calls(again, MIXES["native"], seed=7), 20_000))
    assert drawn == list(islice(calls(again, MIXES["native"], seed=7), 20_000))
    counts = Counter(call.kind for call in drawn)
    for kind, share in MIXES["native"].items():
        assert counts[kind] / 200 == pytest.approx(share, abs=1.5)


def test_a_mix_without_its_calls_is_an_error() -> None:
    with pytest.raises(ValueError, match="fresh"):
        next(calls([], {"fresh": 1}, seed=1))


def test_noise_is_no_regression_and_a_third_more_is_one() -> None:
    draw = chance(1)
    before = [10 + draw.gauss(0, 0.3) for _ in range(9)]
    after = [10 + draw.gauss(0, 0.3) for _ in range(9)]
    dearer = [value * 1.33 for value in after]
    same, more = (
        next(compared({"fresh": before}, {"fresh": values})) for values in (after, dearer)
    )
    assert (same.is_dearer, more.is_dearer) == (False, True)


def test_the_odd_run_is_no_regression() -> None:
    quiet = Spread.of([10, 10.1, 9.9, 10, 10.1])
    assert not beyond_noise(quiet, Spread.of([10, 10.1, 40, 10, 35]), 0.15, 4)


def test_what_spreads_a_lot_must_differ_by_more() -> None:
    loose = Spread.of([10, 14, 6, 13, 8])
    assert not beyond_noise(loose, Spread.of([12.5, 16.5, 8.5, 15.5, 10.5]), 0.15, 4)


def test_a_baseline_of_other_calls_is_an_error() -> None:
    with pytest.raises(ValueError, match="gone"):
        list(compared({"gone": [1.0]}, {"fresh": [1.0]}))


def test_a_leak_has_a_slope_above_zero_and_steady_memory_has_not() -> None:
    draw = chance(2)
    steady = [(float(x), 100 + draw.gauss(0, 1)) for x in range(200)]
    leaking = [(x, y + 0.02 * x) for x, y in steady]
    slope = theil_sen(leaking)
    assert theil_sen(steady).low <= 0 <= theil_sen(steady).high
    assert slope.low > 0
    assert slope.value == pytest.approx(0.02, abs=0.005)


def test_one_odd_reading_is_no_slope() -> None:
    points = [(float(x), 100.0 + (500 if x == 90 else x % 3)) for x in range(100)]
    assert theil_sen(points).value == pytest.approx(0, abs=0.01)


def test_erlangs_formula_gives_the_textbooks_values() -> None:
    assert waiting_probability(1, 0.5) == pytest.approx(0.5)
    assert waiting_probability(2, 1.0) == pytest.approx(1 / 3)
    assert waiting_probability(10, 8.0) == pytest.approx(0.409, abs=0.001)
    with pytest.raises(ValueError, match="can't do"):
        waiting_probability(2, 2.0)


@pytest.mark.parametrize("servers", [1, 4, 16])
def test_the_simulation_and_the_formula_agree(servers: int) -> None:
    mix = [Service(80, 0.001), Service(15, 0.005), Service(5, 0.020)]
    moments = Moments.of(mix)
    rate = 0.7 * servers / moments.mean
    formula, found = (
        expected(servers, rate, moments),
        simulated(servers, rate, mix, calls=150_000, seed=3),
    )
    assert found.mean == pytest.approx(formula.mean, rel=0.2)
    assert found.p95 <= 1.1 * formula.p95  # it errs on the safe side


def test_going_round_servers_that_may_be_busy_waits_longer_than_one_queue() -> None:
    mix = [Service(80, 0.001), Service(20, 0.010)]
    rate = 0.6 * 8 / Moments.of(mix).mean
    one = simulated(8, rate, mix, calls=100_000, seed=4)
    turns = simulated(8, rate, mix, calls=100_000, seed=4, in_turn=True)
    assert turns.mean > 2 * one.mean
    # alone, a server has one queue either way
    alone = [simulated(1, rate / 8, mix, calls=1_000, seed=4, in_turn=t) for t in (True, False)]
    assert alone[0] == alone[1]


def test_enough_servers_are_the_fewest_that_keep_both_promises() -> None:
    moments = Moments.of([Service(1, 0.01)])
    assert servers_for(1, moments, 0.6, 0.02) == 1
    many = servers_for(1_000, moments, 0.6, 0.02)
    assert many == 17  # 10 Erlang at 60 %
    assert expected(many, 1_000, moments).p95 <= 0.02
    tight = servers_for(50, moments, 0.9, 0.001)
    assert expected(tight - 1, 50, moments).p95 > 0.001 >= expected(tight, 50, moments).p95


def test_a_hundred_times_the_screens_need_a_hundred_times_the_cores_and_no_fewer_processes() -> (
    None
):
    costs = {kind: 2.0 + len(kind) for mix in MIXES.values() for kind in mix}
    few, many = (sized(costs, "native", screens) for screens in (10_000, 1_000_000))
    assert many["cores_busy"] == pytest.approx(100 * few["cores_busy"], rel=0.01)
    assert many["processes"] >= many["cores_busy"] / UTILISATION
    assert few["processes"] <= many["processes"] / 50  # a large pool waits less, never more
    assert many["simulated_wait_p95_ms"] <= 1_000 * WAIT_SECONDS


def test_a_share_of_a_service_is_sized_by_that_service() -> None:
    costs = {kind + at: ms for mix in MIXES.values() for kind in mix for at, ms in SHARES.items()}
    gateway, diff = (sized(costs, "edge", 1_000_000, at) for at in ("@gateway", "@diff"))
    assert diff["cores_busy"] == pytest.approx(3 * gateway["cores_busy"], rel=0.01)
    assert gateway["calls_a_second"] == pytest.approx(1_000_000 / 60 * 1.05, abs=1)  # two calls


@pytest.mark.parametrize("document", tables.DOCUMENTS, ids=lambda path: path.name)
def test_the_documents_tables_are_those_of_the_baseline(document: Path) -> None:
    quick = {name: table for name, table in tables.TABLES.items() if name != "sizes"}
    text = document.read_text()
    assert "<!-- table: " in text
    assert tables.filled(text, quick) == text, "python -m benchmarks.load.tables"


def test_memory_is_what_processes_take_with_what_they_share_counted_in_parts() -> None:
    proportional, anonymous, resident = (
        memory_bytes([os.getpid()], field) for field in ("Pss", "Anonymous", "Rss")
    )
    assert 0 < anonymous <= resident
    assert 0 < proportional <= resident
    assert memory_bytes([]) == 0
