"""What all tests share."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support.postgres import Server, server
from tests.support.serverlogs import pytest_runtest_makereport

__all__ = ["pytest_runtest_makereport"]

# What a shell runs in the background ignores SIGINT, and so do all processes below it; tests
# interrupt some of them.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What the machine is set up for is no setting of the services that tests start.
for name in [each for each in os.environ if each.startswith(("SZ_", "OTEL_"))]:
    del os.environ[name]

# Examples that take long on a busy machine are no failure; they are the same in every run, unless
# others are asked for (SHUFFLE).
_SLOWLY: dict[str, Any] = {
    "deadline": None,
    "database": None,
    "suppress_health_check": [HealthCheck.too_slow],
}
settings.register_profile("same", derandomize=True, **_SLOWLY)
settings.register_profile("others", print_blob=True, **_SLOWLY)
settings.load_profile("same")


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
