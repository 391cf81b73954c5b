"""What all tests share."""

from __future__ import annotations

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


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The PostgreSQL server of all tests, started for the first that asks."""
    with server() as running:
        yield running
