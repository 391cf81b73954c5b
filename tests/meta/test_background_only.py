"""Tasks and threads are made in one place, so that none of them ends without a word."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKERS = {
    "create_task",
    "ensure_future",
    "TaskGroup",
    "Thread",
    "Timer",
    "start_new_thread",
    "run_forever",
    "serve_forever",
    "Process",
}
OF_ONE_CALL = {
    "libs/runtime/systemzero_runtime/serving/accepting.py": "loops that take calls, by a `Streak`",
    "libs/runtime/systemzero_runtime/serving/public.py": "keeps a server, by a `Streak`",
    "libs/runtime/systemzero_runtime/serving/trial.py": "a trial at the start, waited for",
    "libs/storage/systemzero_storage/following/follower.py": "one reading on; streams wait for it",
    "libs/storage/systemzero_storage/jobs/queue.py": "one burst of writes; callers wait for it",
    "libs/storage/systemzero_storage/sqlite/write_lock.py": "one wait of a batch for a lock",
    "libs/storage/systemzero_storage/sqlite/writer.py": "one opening, which a batch waits for",
    "libs/runtime/systemzero_runtime/calls/fresh.py": "one new connection, which calls wait for",
    "libs/base/systemzero_base/lanes/worker.py": "one piece of work, whose end is waited for",
    "libs/base/systemzero_base/lanes/dispatch.py": "one piece of work, whose caller waits",
    "libs/runtime/systemzero_runtime/serving/local.py": "a call within the process",
    "libs/runtime/systemzero_runtime/calls/reaching.py": "the end of a channel that was replaced",
    "libs/client/systemzero_client/silence.py": "one answer, which its caller waits for",
    "libs/base/systemzero_base/work/windows.py": "the answers to one stream",
    "libs/runtime/systemzero_runtime/running/workers.py": "processes, which are started again",
    "libs/client/systemzero_client/ingest_stream.py": "one use of `ingest_many`",
    "services/gateway/systemzero_gateway/backends/monitor.py": "the next news of a channel",
    "services/gateway/systemzero_gateway/forwarding/streams.py": "the requests of one call",
}
"""Where else they may be, since what they belong to ends with them, and learns why."""


def made_in(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in MAKERS:
                yield f"{path.relative_to(ROOT)}:{node.lineno}: {name}"


def sources() -> Iterator[Path]:
    for folder in ("libs", "services"):
        for path in (ROOT / folder).rglob("*.py"):
            if path.name != "background.py":
                yield path


def test_nothing_runs_beside_calls_but_by_background() -> None:
    found = [
        made
        for path in sources()
        if str(path.relative_to(ROOT)) not in OF_ONE_CALL
        for made in made_in(path)
    ]
    assert found == [], "make it by `systemzero_base.work.background`, or say here whose it is"


@pytest.mark.parametrize("name", OF_ONE_CALL)
def test_an_exception_is_one(name: str) -> None:
    assert list(made_in(ROOT / name)), "makes none any more"
