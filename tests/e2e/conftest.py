"""Every scenario of this folder runs against real processes, standalone and split."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from systemzero.gateway.v1 import auth_service_pb2
from tests.support.platform import KINDS, Platform, Services, running


@pytest.fixture(scope="session", params=KINDS)
def platform(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    """A platform that all tests of this process share; what they do must not disturb others."""
    data: Path = tmp_path_factory.mktemp(request.param)
    with running(request.param, data) as started:
        yield started


@pytest.fixture
def services(platform: Platform) -> Iterator[Services]:
    """Stubs with the first admin key."""
    with platform.services() as stubs:
        yield stubs


@pytest.fixture
def viewer(platform: Platform) -> Iterator[Services]:
    """Stubs with the key of a viewer."""
    with platform.services() as admin:
        key = auth_service_pb2.ApiKey(name="a viewer", role=auth_service_pb2.ROLE_VIEWER)
        answer = admin.auth.CreateApiKey(auth_service_pb2.CreateApiKeyRequest(api_key=key))
    with platform.services(answer.secret) as stubs:
        yield stubs
