"""The tables of docs/scaling.md and docs/performance.md, made from `benchmarks/baseline`.

    python -m benchmarks.load.tables

writes each between its two marks, `<!-- table: NAME -->` and `<!-- end -->`, with the condition it
was measured under. A test holds the documents to the baseline.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.load.compare import BASELINE
from benchmarks.load.cost import AT, SERVICES, of_mix
from benchmarks.load.mix import MIXES
from benchmarks.load.noise import Spread
from benchmarks.simulation.__main__ import LOADS, sized

DOCS = Path(__file__).parents[2] / "docs"
DOCUMENTS = (DOCS / "scaling.md", DOCS / "performance.md")
BUSY = 1.5
"""A load average above this means that others used the machine, too."""
_PLACE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> int:
    """Write all tables anew."""
    for document in DOCUMENTS:
        document.write_text(filled(document.read_text(), TABLES))
    return 0


def filled(text: str, tables: Mapping[str, Callable[[], Iterator[str]]]) -> str:
    """`text` with its tables made anew; those that are not in `tables` stay as they are."""

    def made(place: re.Match[str]) -> str:
        table = tables.get(place[2])
        return place[0] if table is None else "".join((place[1], _lines(table()), place[3]))

    return _PLACE.sub(made, text)


def _lines(lines: Iterator[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((BASELINE / f"{name}.json").read_text())
    return found


def _condition(machine: Mapping[str, Any]) -> str:
    load = machine["load_average"]
    state = "shared with others" if load > BUSY else "with nothing else on it"
    return (
        f"{machine['cores']} cores ({machine['processor']}), Python {machine['python']}, {state}: "
        f"load average {load:g}."
    )


def steps() -> Iterator[str]:
    """Microseconds of each step."""
    told = _read("steps")
    yield "| step | µs of CPU |"
    yield "|---|---|"
    for name, cost in told["cpu_us"].items():
        yield f"| {name.replace('/', ': ').replace('_', ' ')} | {cost:,.0f} |"
    yield ""
    yield _condition(told["machine"])


def calls() -> Iterator[str]:
    """Milliseconds of each kind of call, and of the mixes."""
    one, split = _read("standalone"), _read("split")
    yield "| ms of CPU | standalone | split, all three | gateway | capture | diff |"
    yield "|---|---|---|---|---|---|"
    kinds = [name for name in one["cpu_ms"] if name != "hop"]
    for name in kinds:
        yield _row(f"`{name}`", one["cpu_ms"][name], [split["cpu_ms"][name + at] for at in _ATS])
    for name, mix in MIXES.items():
        columns = [_of_mix(split["cpu_ms"], mix, at) for at in _ATS]
        yield _row(f"**a screen of `{name}`**", _of_mix(one["cpu_ms"], mix), columns)
    yield ""
    yield f"Standalone: {_condition(one['machine'])} Split: {_condition(split['machine'])}"


_ATS = ("", *(AT + service for service in SERVICES))


def _row(name: str, first: float, others: list[float]) -> str:
    return " | ".join((f"| {name}", *(f"{cost:.2f}" for cost in (first, *others)))) + " |"


def _of_mix(costs: Mapping[str, float], mix: Mapping[str, float], at: str = "") -> float:
    return of_mix({kind: costs[kind + at] for kind in mix}, mix)


def hops() -> Iterator[str]:
    """Each kind of call in hops, with its standard error."""
    found = {kind: _read(kind) for kind in ("standalone", "split")}
    spreads = {
        kind: {name: Spread.of(them) for name, them in told["hops"].items()}
        for kind, told in found.items()
    }
    yield "| hops | standalone | ± | split | ± |"
    yield "|---|---|---|---|---|"
    for name, one in spreads["standalone"].items():
        split = spreads["split"][name]
        cells = (one.median, one.error, split.median, split.error)
        yield " | ".join((f"| `{name}`", *(f"{cell:.1f}" for cell in cells))) + " |"
    yield ""
    bare = ", ".join(f"{told['cpu_ms']['hop']:.2f} ms ({kind})" for kind, told in found.items())
    yield f"A hop took {bare}."


def sizes() -> Iterator[str]:
    """Processes by load and mix."""
    costs = {kind: _read(kind)["cpu_ms"] for kind in ("standalone", "split")}
    yield (
        "| screens a minute | mix | standalone: cores busy | processes "
        "| split: cores busy | gateway | capture | diff | longest wait, in turn |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for screens in LOADS:
        for mix in MIXES:
            one = sized(costs["standalone"], mix, screens)
            split = [sized(costs["split"], mix, screens, AT + name) for name in SERVICES]
            wait = max(size["in_turn_wait_p95_ms"] for size in split)
            cells = [f"{screens:,}", mix, f"{one['cores_busy']:.2f}", f"{one['processes']}"]
            cells.append(f"{sum(size['cores_busy'] for size in split):.2f}")
            cells += [f"{size['processes']}" for size in split]
            yield f"| {' | '.join(cells)} | {wait:.1f} ms |"


def load() -> Iterator[str]:
    """What the generator reported, of every run that was saved."""
    yield (
        "| run | asked /s | calls /s | p50 ms | p95 ms | p99 ms | errors | server cores "
        "| ms of CPU a call | generator cores | memory MB | idle CPU % |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|---|---|"
    machine = None
    for path in sorted([*BASELINE.glob("mix_*.json"), *BASELINE.glob("step_*.json")]):
        told = json.loads(path.read_text())
        machine = told["machine"]
        for step in told["steps"]:
            yield _step(path.stem, step, told["idle"])
    if machine is not None:
        yield ""
        yield _condition(machine)


def _step(name: str, step: Mapping[str, Any], idle: Mapping[str, float]) -> str:
    latency = step["latency_ms"]
    cells = [name, f"{step['asked_rate']:g}", f"{step['rate']:g}"]
    cells += [f"{latency[share]:.0f}" for share in ("p50", "p95", "p99")]
    cells += [f"{step['error_rate']:.2%}", f"{step['server_cpu_cores']:.2f}"]
    cells += [f"{step['server_cpu_ms_a_call']:.2f}", f"{step['generator_cpu_cores']:.2f}"]
    cells += [f"{step['server_memory_mb']:.0f}", f"{idle['cpu_percent']:.1f}"]
    return f"| {' | '.join(cells)} |"


TABLES: dict[str, Callable[[], Iterator[str]]] = {
    "steps": steps,
    "calls": calls,
    "hops": hops,
    "sizes": sizes,
    "load": load,
}


if __name__ == "__main__":
    sys.exit(main())
