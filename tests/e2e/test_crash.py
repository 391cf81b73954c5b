"""A few rounds of the crash loop; `make crash` runs it long."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.__main__ import SQLITE_FAULTS, postgres
from tests.crash.disk import COMPILER, failing_disk
from tests.crash.rounds import run
from tests.crash.split import VICTIMS, run_split


def test_crashes_and_failing_writes_lose_nothing(tmp_path: Path) -> None:
    ledger = run(tmp_path / "data", len(SQLITE_FAULTS), SQLITE_FAULTS, 1)
    assert ledger.failures
    assert ledger.notes  # how many depends on the pace


def test_crashes_of_postgres_and_of_its_client_lose_nothing(tmp_path: Path) -> None:
    with postgres(tmp_path) as (database, faults):
        ledger = run(tmp_path / "data", len(faults), faults, 2, database)
    assert len(ledger.answers) > len(faults)


def test_one_service_that_crashes_beside_others_that_live_loses_nothing(tmp_path: Path) -> None:
    ledger = run_split(tmp_path / "data", len(VICTIMS), 4)
    assert ledger.failures
    assert len(ledger.answers) > len(VICTIMS)


@pytest.mark.skipif(COMPILER is None, reason="the failing disk needs a C compiler")
def test_a_disk_that_fails_writes_and_syncs_loses_nothing(tmp_path: Path) -> None:
    with failing_disk(tmp_path) as faults:
        ledger = run(tmp_path / "data", len(faults), faults, 3)
    assert ledger.failures
