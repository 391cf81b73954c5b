"""What is done on the event loop, and what is not."""

from __future__ import annotations

import os

import pytest

from systemzero_base.lanes.dispatch import Lanes
from systemzero_base.lanes.settings import LaneSettings
from systemzero_base.telemetry.stages import SMALL_BYTES
from tests.support import lane_work
from tests.support.loops import some_loops


@pytest.mark.parametrize(("size", "here"), [(SMALL_BYTES - 1, True), (SMALL_BYTES, False)])
async def test_small_work_needs_no_process(size: int, here: bool) -> None:
    lanes = Lanes(LaneSettings(count=1), some_loops())
    lanes.start()
    done_by = int(await lanes.do("acme", size, lane_work.pid))
    await lanes.stop()
    assert (done_by == os.getpid()) is here
