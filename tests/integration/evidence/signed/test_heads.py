"""The newest checkpoint in its file: written while others go on, in no later one's place."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from pathlib import Path

import pytest

from systemzero_evidence.signed.heads import Heads
from tests.support.patience import PATIENCE

TENANT = "t1"


@pytest.fixture
def busy(tmp_path: Path) -> Path:
    """What a head is written to before it is renamed, on a disk that has it wait: a pipe."""
    pipe = tmp_path / f".{TENANT}.{os.getpid()}"
    os.mkfifo(pipe, 0o600)
    return pipe


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
async def test_others_go_on_while_the_disk_has_a_head_wait(busy: Path) -> None:
    order: list[str] = []
    # a write that holds the event loop is let go by somebody else in the end, and seen
    late = threading.Timer(PATIENCE / 10, _read_some, [busy, order, "too late"])
    late.start()
    keeping = asyncio.create_task(Heads(busy.parent).keep(TENANT, 1, "one"))
    await asyncio.sleep(0)
    order.append("another call")
    late.cancel()
    reader = os.open(busy, os.O_RDONLY | os.O_NONBLOCK)
    await keeping
    assert os.read(reader, 100) == b"one"
    os.close(reader)
    assert order == ["another call"]


async def test_the_file_has_the_newest_whichever_was_asked_for_last(tmp_path: Path) -> None:
    heads = Heads(tmp_path)
    keeping = [asyncio.create_task(heads.keep(TENANT, size, f"of {size}")) for size in (1, 3, 2)]
    keeping[0].cancel()
    await asyncio.gather(*keeping, return_exceptions=True)
    await heads.keep(TENANT, 2, "of 2")
    assert (tmp_path / TENANT).read_text() == "of 3"


def _read_some(pipe: Path, order: list[str], name: str) -> None:
    order.append(name)
    os.close(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))
