"""What is done on the event loop, and what is not."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from systemzero_chassis.stages import SMALL_BYTES, off_loop


@pytest.mark.parametrize(("size", "here"), [(SMALL_BYTES - 1, True), (SMALL_BYTES, False)])
async def test_work_on_a_small_document_needs_no_thread(size: int, here: bool) -> None:
    with ThreadPoolExecutor(1) as threads:
        done_by = await off_loop(threads, threading.current_thread, size)
        assert (done_by is threading.current_thread()) is here
        unknown = await off_loop(threads, threading.current_thread)
        assert unknown is not threading.current_thread()
