"""Limits that the workers of one gateway share, in real processes; one of them may be killed."""

from __future__ import annotations

import multiprocessing
import signal
from pathlib import Path

from tests.support.patience import PATIENCE
from tests.support.shared_limits import KEYS, TENANT, die_deciding, many_calls, take_one

_SPAWN = multiprocessing.get_context("spawn")
_CALLS = 20_000


def test_several_processes_at_once_keep_one_limit(tmp_path: Path) -> None:
    pipes = [_SPAWN.Pipe() for _ in range(3)]
    workers = [
        _SPAWN.Process(target=many_calls, args=(tmp_path / "limits", _CALLS, theirs))
        for _, theirs in pipes
    ]
    for worker in workers:
        worker.start()
    for ours, _ in pipes:
        ours.recv()
    for ours, _ in pipes:
        ours.send(None)
    passed, first, last = zip(*(ours.recv() for ours, _ in pipes), strict=True)
    for worker in workers:
        worker.join(PATIENCE)
        assert worker.exitcode == 0
    of_each_key, seconds = (
        [sum(counts) for counts in zip(*passed, strict=True)],
        max(last) - min(first),
    )
    for (_, rate, _), count in zip([TENANT, *KEYS], [sum(of_each_key), *of_each_key], strict=True):
        assert rate.burst < count <= rate.burst + seconds * rate.per_minute / 60


def test_one_that_is_killed_within_a_decision_holds_nobody_up(tmp_path: Path) -> None:
    for target, status in ((die_deciding, -signal.SIGKILL), (take_one, 0)):
        worker = _SPAWN.Process(target=target, args=(tmp_path / "limits",), daemon=True)
        worker.start()
        worker.join(PATIENCE)
        assert worker.exitcode == status
