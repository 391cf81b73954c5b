"""What a quiet tenant notices beside each attack of a loud one at default quotas.

    python -m benchmarks.neighbours --json [--kind KIND] [--attacks NAME,…] [--seconds N]
        [--rounds N]

Each attack has a fresh platform of real processes. The quiet tenant and the attacker are processes
of their own, and have, as far as the system lets them, what a machine of their own would give: the
former waits for no processor, the latter takes none from others. The quiet tenant's calls are timed
alone, then beside it, for `--seconds` each: small captures twenty times a second, some of 1,500
nodes, its status, its events. Code and connections are warm before. Then the loud tenant reads what
is left of it, and the platform is to stop.

All of that is done `--rounds` times, so that alone and beside take turns, and every round has the
whole attack. Percentiles are of the calls of all rounds together: of the seldom kinds 75 in three
rounds of 10 seconds. Of memory, sizes and stops the most counts, and every call that failed.
`neighbours/KIND/ATTACK/p95_to_alone/CALLS` is the ask. The memory of a service is that of all its
processes together.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks._report import Report, progress
from benchmarks.neighbours.attacks import ATTACKS
from benchmarks.neighbours.quiet import KINDS as CALLS
from benchmarks.neighbours.trial import Outcome, pooled, tried
from tests.support.platform import KINDS

SECONDS = 10.0
MAX_SECONDS = 60.0
ROUNDS = 3
MAX_ROUNDS = 20
_RATIO = 3.0
_MEGABYTES_RESIDENT = 1_073.741824
_MEGABYTES_ANSWER = 8.0
_MEGABYTES_EVENT = 1.0
_GRACE = 10.0


def report_on(report: Report, name: str, outcome: Outcome) -> None:
    """Print what came of an attack."""
    for calls in CALLS:
        alone, beside = (o.percentile(calls, 0.95) for o in (outcome.alone, outcome.beside))
        report.emit(f"{name}/p50/{calls}", outcome.beside.percentile(calls, 0.5), "ms")
        report.emit(f"{name}/p95_alone/{calls}", alone, "ms")
        report.emit(f"{name}/p95/{calls}", beside, "ms")
        report.emit(f"{name}/p95_to_alone/{calls}", beside / alone, "times", _RATIO)
    report.emit(f"{name}/failed", outcome.beside.failures.total(), "calls", 0)
    for service, peak in sorted(outcome.peaks.services.items()):
        report.emit(f"{name}/rss/{service}", peak / 1e6, "MB", _MEGABYTES_RESIDENT)
    report.emit(f"{name}/rss_of_a_process", outcome.peaks.process / 1e6, "MB")
    report.emit(f"{name}/largest_answer", outcome.sizes.answer / 1e6, "MB", _MEGABYTES_ANSWER)
    report.emit(f"{name}/largest_event", outcome.sizes.event / 1e6, "MB", _MEGABYTES_EVENT)
    report.emit(f"{name}/sent", outcome.told.get("sent", 0) / 1e6, "MB")
    report.emit(f"{name}/stored", outcome.sizes.stored / 1e6, "MB")
    report.emit(f"{name}/stop", outcome.stopped, "s", _GRACE)


def main(arguments: list[str] | None = None) -> int:
    """Measure; 1 where an ask does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON lines (always on)")
    parser.add_argument("--kind", choices=KINDS, action="append", help="only this kind")
    parser.add_argument("--attacks", type=_attacks, default=list(ATTACKS), help="only these, by ,")
    parser.add_argument("--seconds", type=_seconds, default=SECONDS, help="of each part")
    parser.add_argument("--rounds", type=_rounds, default=ROUNDS, help="of each attack")
    given = parser.parse_args(arguments)
    report = Report()
    for kind in given.kind or KINDS:
        for attack in given.attacks:
            progress(f"{kind}: {attack}")
            outcomes = [tried(kind, attack, given.seconds) for _ in range(given.rounds)]
            report_on(report, f"neighbours/{kind}/{attack}", pooled(outcomes))
    return report.status()


def _attacks(text: str) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in ATTACKS:
            raise argparse.ArgumentTypeError(f"no attack {name!r}: {', '.join(ATTACKS)}")
    return names


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 1 <= seconds <= MAX_SECONDS:
        raise argparse.ArgumentTypeError(f"from 1 to {MAX_SECONDS:.0f}")
    return seconds


def _rounds(text: str) -> int:
    rounds = int(text)
    if not 1 <= rounds <= MAX_ROUNDS:
        raise argparse.ArgumentTypeError(f"from 1 to {MAX_ROUNDS}")
    return rounds


if __name__ == "__main__":
    sys.exit(main())
