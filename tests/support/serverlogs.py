"""A test that fails shows what the servers that it talked to logged."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from pathlib import Path

import pytest

MOST = 4_000
"""Characters of each log, its last ones."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the logs into a failure's report."""
    report = yield
    if report.failed:
        for path in sorted(set(_logs(getattr(item, "funcargs", {}).values()))):
            with path.open("rb") as log:
                log.seek(max(0, path.stat().st_size - MOST))
                said = log.read().decode(errors="replace")
            if said:
                report.sections.append((f"log {path.name} in {path.parent}", said))
    return report


def _logs(fixtures: Iterable[object]) -> Iterator[Path]:
    """The logs below folders that are fixtures, or where fixtures have their data."""
    for fixture in fixtures:
        for folder in (fixture, getattr(fixture, "data", None)):
            if isinstance(folder, Path) and folder.is_dir():
                yield from (path for path in folder.rglob("*log") if path.is_file())
