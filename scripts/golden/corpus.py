"""The captures and pairs of tests/data, by name."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Final

from systemzero_core.intake import Intake, take_in
from tests.support.captures import CAPTURES, SAMPLES, capture
from tests.support.captures import captures as recorded

_PAIRS: Final = CAPTURES / "PAIRS.tsv"


def captures() -> Iterator[tuple[str, Intake]]:
    """Every capture in every format it was taken in: its path below tests/data, taken in."""
    for app, version, state in recorded():
        shot = capture(app, version, state)
        stem = f"captures/{app}/{version}__{state}"
        yield f"{stem}.ax.json", take_in(shot.ax, dom=shot.dom, frames=shot.frames)
        yield f"{stem}.aria.yml", take_in(shot.aria)
    for path in sorted([*CAPTURES.glob("gtk-demo/*.json"), *SAMPLES.glob("*/*.xml")]):
        yield path.relative_to(CAPTURES.parent).as_posix(), take_in(path.read_bytes())


def pairs() -> Iterator[tuple[str, str]]:
    """The labelled pairs, each of two names that `captures` gives."""
    with _PAIRS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            yield _name(row["a"]), _name(row["b"])


def _name(path: str) -> str:
    return "captures/" + path.removesuffix(".gz")
