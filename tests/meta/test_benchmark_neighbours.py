"""The attacks of the neighbours' benchmark are what they say, and its figures are judged."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter

import pytest

from benchmarks._report import Report
from benchmarks.neighbours import __main__ as command
from benchmarks.neighbours.attacks import ATTACKS
from benchmarks.neighbours.machines import AUTOGROUP
from benchmarks.neighbours.memory import Peaks
from benchmarks.neighbours.quiet import KINDS, Noticed
from benchmarks.neighbours.trial import Outcome, Sizes
from systemzero_core.template import from_yaml
from systemzero_wire.trees import decode_tree
from tests.support import heavy


@pytest.mark.parametrize("shape", [heavy.chain, heavy.wide, heavy.comb])
def test_a_heavy_tree_is_a_tree_and_another_with_another_salt(shape) -> None:  # type: ignore[no-untyped-def]
    first, again, other = shape(300, 1), shape(300, 1), shape(300, 2)
    assert decode_tree(first, "tree") == decode_tree(again, "tree")
    assert len(first.nodes) == 301
    assert decode_tree(first, "tree") != decode_tree(other, "tree")


def test_the_template_of_many_rules_is_one_and_fits_the_tree_beside_it() -> None:
    template = from_yaml(heavy.many_rules("rules", 5, 4, 60, 20))
    tree = decode_tree(heavy.below_a_chain(60, 20), "tree")
    assert template.tree is not None
    assert template.tree == tree
    assert len(template.policy.rules) == 5


def test_every_attack_can_be_built_with_a_key_that_there_is() -> None:
    for attack in ATTACKS.values():
        assert attack.role in ("", "viewer", "operator", "admin")
    assert callable(ATTACKS["streams_8"].of())


def test_an_ask_that_does_not_hold_is_a_failure() -> None:
    report = Report()
    command.report_on(report, "one", _outcome(beside=2.9))
    assert report.status() == 0
    command.report_on(report, "two", _outcome(beside=3.1, failures=1, answer=9_000_000))
    assert set(report.failures) == {
        *(f"two/p95_to_alone/{calls}" for calls in KINDS),
        "two/failed",
        "two/largest_answer",
    }


def test_a_short_run_measures_every_figure() -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.neighbours", "--json", "--kind", "standalone"),
            *("--attacks", "strangers", "--seconds", "1", "--rounds", "2"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    rows = {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}
    name = "neighbours/standalone/strangers"
    for calls in KINDS:
        assert rows[f"{name}/p95/{calls}"]["value"] > 0
    assert rows[f"{name}/failed"]["ask"] == 0
    assert rows[f"{name}/rss/systemzero_standalone"]["value"] > 50
    assert rows[f"{name}/largest_event"]["value"] > 0
    assert rows[f"{name}/largest_answer"]["value"] > 0


@pytest.mark.parametrize(
    "wrong", ["--attacks=none", "--seconds=0", "--seconds=61", "--kind=x", "--rounds=0"]
)
def test_what_cannot_be_run_is_refused(wrong: str) -> None:
    with pytest.raises(SystemExit):
        command.main([wrong])


def test_what_a_process_noticed_is_what_another_reads() -> None:
    noticed = _noticed(2.5, failures=3)
    noticed.largest = 7
    told = Noticed.read(noticed.written())
    assert vars(told) == vars(noticed)
    assert told.failures.total() == 3


def test_no_two_processes_of_the_quiet_tenant_send_the_same() -> None:
    body = "from benchmarks.neighbours.quiet import KINDS; print(KINDS['small'].body())"
    sent = {subprocess.check_output([sys.executable, "-c", body]) for _ in range(2)}
    assert len(sent) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="sessions of Linux")
def test_an_attacker_takes_no_turn_of_the_platforms_session() -> None:
    yielded = f"""
import os
from pathlib import Path
from benchmarks.neighbours.machines import yield_to_others
yield_to_others()
group = Path("{AUTOGROUP}")
print(os.nice(0), group.read_text().split()[-1] if group.exists() else 19)
"""
    done = subprocess.check_output([sys.executable, "-c", yielded], start_new_session=True)
    assert done.split() == [b"19", b"19"]


def _outcome(*, beside: float, failures: int = 0, answer: int = 1) -> Outcome:
    peaks = Peaks({"systemzero_standalone": 100_000_000})
    near = _noticed(beside, failures)
    return Outcome(_noticed(1.0), near, peaks, {"sent": 1}, Sizes(answer, 1, 1), 0.1)


def _noticed(latency: float, failures: int = 0) -> Noticed:
    noticed = Noticed()
    noticed.latencies = {calls: [latency] for calls in KINDS}
    noticed.failures = Counter({"small UNAVAILABLE": failures})
    return noticed


def test_the_memory_of_a_service_is_that_of_its_lanes_as_well() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _LEADER, "-m", "systemzero_some"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        process_group=0,
    ) as leader:
        assert leader.stdout is not None
        leader.stdout.readline()
        peaks = Peaks()
        peaks.look(leader.pid)
        leader.communicate(b"over")
    assert peaks.services.keys() == {"systemzero_some"}
    assert peaks.services["systemzero_some"] > peaks.process


_LEADER = """
import subprocess, sys
wait = "import sys; print('ready', flush=True); sys.stdin.read()"
lane = [sys.executable, "-c", wait, "-m", "systemzero_base.lanes.worker"]
child = subprocess.Popen(lane, stdin=subprocess.PIPE, process_group=0)
sys.stdin.read()
child.communicate()
"""
