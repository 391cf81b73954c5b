"""Who was let in within the day is held up by nobody's guesses: elsewhere and later, too."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path

import pytest

from systemzero_core.errors import RateLimited
from systemzero_gateway.credentials import apikey
from systemzero_gateway.credentials.recent_callers import SECONDS, RecentCallers
from systemzero_gateway.limits import LimitSettings, Rate
from systemzero_gateway.limits.table import Table
from tests.support.gateway import World, refused, world
from tests.support.operated import gateway
from tests.support.valkey import real_valkey

PLENTY = Rate(1e6, 100_000)
FEW = Rate(0.001, 1)
PEPPER = b"p" * 32


def limits(store: str = "") -> LimitSettings:
    return LimitSettings(PLENTY, PLENTY, failures=FEW, store=store, store_timeout=5.0)


async def guessing(here: World) -> None:
    """Guess until nothing that is not known is let in from this address."""
    reason = ""
    while reason != RateLimited.reason:
        _, reason, _ = await refused(here.call("Unary", b"a", here.bearer(apikey.new_secret())))


async def test_a_restart_forgets_nobody(tmp_path: Path) -> None:
    async with world(tmp_path, local=True, limits=limits()) as here:
        assert await here.call("Unary", b"a") == b"a"
    async with world(tmp_path, local=True, limits=limits()) as here:
        await guessing(here)
        assert await here.call("Unary", b"a") == b"a"


async def test_gateways_over_one_store_know_each_others_callers(tmp_path: Path) -> None:
    with real_valkey() as valkey:
        async with world(tmp_path, local=True, limits=limits(valkey.url)) as here:
            assert await here.call("Unary", b"a") == b"a"
        (tmp_path / "familiar").unlink(missing_ok=True)  # as on another machine
        async with world(tmp_path, local=True, limits=limits(valkey.url)) as here:
            await guessing(here)
            assert await here.call("Unary", b"a") == b"a"


async def test_every_worker_knows_whom_one_of_them_let_in(tmp_path: Path) -> None:
    slow = json.dumps({"per_minute": 0.001, "burst": 1})
    async with gateway(tmp_path, "--workers", "3", LIMITS__FAILURES=slow) as here:
        await here.ask()
        good, here.bearer = here.bearer, ()
        for _ in range(11):
            here.bearer = (("authorization", f"Bearer {apikey.new_secret()}"),)
            with pytest.raises(Exception, match=r"not accepted|used up"):
                await here.ask()
        here.bearer = good
        # each over a connection of its own: so many never all go to one worker
        told = await asyncio.gather(*(here.ask() for _ in range(30)), return_exceptions=True)
        assert Counter(map(repr, told)) == {"None": 30}


async def test_a_folder_that_takes_no_file_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "familiar").mkdir()
    async with world(tmp_path, local=True, limits=limits()) as here:
        assert await here.call("Unary", b"a") == b"a"


async def test_a_day_later_nobody_is_familiar_and_who_is_refused_is_not_before(
    tmp_path: Path,
) -> None:
    now = 1_000_000_000_000
    table = Table(tmp_path / "familiar", rows=4)
    one = RecentCallers(PEPPER, table, None, lambda: now)
    await one.note(b"good", "key_1", by_token=False)
    await one.note(b"token", "key_2", by_token=True)
    assert (one.knows(b"good", ""), one.knows(b"new", "key_1")) == (True, True)
    assert (one.knows(b"token", ""), one.knows(b"token", "key_2")) == (False, True)
    one.forget(b"good")
    assert not one.knows(b"good", "")
    await one.note(b"good", "key_1", by_token=False)
    now += SECONDS * 1_000_000 - 1
    assert one.knows(b"good", "")
    assert one.is_due(b"good")
    now += 1
    assert not one.knows(b"good", "key_1")
    one.close()


async def test_what_is_kept_has_a_size(tmp_path: Path) -> None:
    file = tmp_path / "familiar"
    table = Table(file, rows=4)
    one = RecentCallers(PEPPER, table, None, lambda: 0)
    size = file.stat().st_size
    for number in range(1_000):
        await one.note(b"%d" % number, f"key_{number}", by_token=False)
    assert file.stat().st_size == size
    assert sum(one.knows(b"%d" % number, f"key_{number}") for number in range(1_000)) <= 32
    one.close()


async def test_a_file_of_another_size_is_made_anew(tmp_path: Path) -> None:
    file = tmp_path / "familiar"
    file.write_bytes(b"torn")
    table = Table(file, rows=4)
    with table:
        table.put(table.place("a"), 3.0)
        assert table.get(table.place("a")) == 3.0
    table.close()
