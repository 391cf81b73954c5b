"""What all tests share."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.support.postgres import Server, server

# What a shell runs in the background ignores SIGINT, and so do all processes below it; tests
# interrupt some of them.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# An example that takes long on a busy machine is no failure.
settings.register_profile("systemzero", deadline=None)
settings.load_profile("systemzero")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let whoever doubts it see that the order does not matter."""
    parser.addoption(
        "--shuffle", type=int, metavar="SEED", help="run tests in the order that SEED gives"
    )


@pytest.hookimpl(tryfirst=True)  # pytest then puts together again what shares a fixture's parameter
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Shuffle the files and the tests in each, so that what a file's tests share is made once."""
    seed: int | None = config.getoption("shuffle")
    if seed is None:
        return
    chance = random.Random(seed)  # noqa: S311 - an order, not a secret
    files = list({item.path: None for item in items})
    place = {path: chance.random() for path in files}
    items.sort(key=lambda item: (place[item.path], chance.random()))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The PostgreSQL server of all tests, started for the first that asks."""
    with server() as running:
        yield running
