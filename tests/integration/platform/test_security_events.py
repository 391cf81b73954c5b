"""What a security team's log gets: decisions about callers, and who went past the gateway."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from systemzero.capture.v1 import capture_service_pb2 as pb
from systemzero.capture.v1 import capture_service_pb2_grpc
from systemzero_base.telemetry.logs import LogSettings
from systemzero_core.errors import Unavailable
from systemzero_gateway.credentials import apikey
from tests.support.gateway import refused, world
from tests.support.logging import lines_in, logging_as
from tests.support.services import capture_house


class Files:
    """The two files that this process logs to."""

    def __init__(self, folder: Path) -> None:
        self.main, self.security = folder / "main.log", folder / "security.log"
        self.settings = LogSettings(output=str(self.main), security_output=str(self.security))

    def events(self) -> list[dict[str, Any]]:
        return lines_in(self.security)


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Files]:
    files = Files(tmp_path / "logs")
    with logging_as(files.settings):
        yield files


async def test_refusals_are_told_with_who_where_and_why(files: Files, tmp_path: Path) -> None:
    unknown = apikey.new_secret()
    async with world(tmp_path, local=True) as here:
        for _ in range(3):
            metadata = (*here.bearer(unknown), ("x-request-id", "r-1"))
            await refused(here.call("Unary", b"a", metadata))
        assert await here.app.audit.flush()
        told = [event for event in files.events() if event["event"] == "call.denied"]
        assert sum(event["times"] for event in told) == 3
        first = told[0]
        assert (first["category"], first["level"], first["service"]) == (
            "security",
            "warning",
            "gateway",
        )
        assert (first["reason"], first["address"]) == ("UNAUTHENTICATED", "127.0.0.1")
        assert (first["tenant"], first["principal"], first["request_id"]) == ("platform", "", "r-1")
        assert first["method"] == "/systemzero.test.Echo/Unary"
        secret = here.secret
    both = files.main.read_text() + files.security.read_text()
    assert unknown not in both
    assert secret not in both
    assert "call.denied" not in files.main.read_text()


async def test_what_could_not_be_recorded_is_told_once(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(tmp_path, local=True) as here:
        await refused(here.call("Unary", b"a", here.bearer(apikey.new_secret())))
        append = here.app.audit.store.append

        def fail(connection: Connection, *_: Any) -> Any:
            raise Unavailable("the disk is full")

        monkeypatch.setattr(here.app.audit.store, "append", fail)
        for _ in range(3):
            assert not await here.app.audit.flush()
        monkeypatch.setattr(here.app.audit.store, "append", append)
        assert await here.app.audit.flush()
    told = [event for event in files.events() if event["event"] == "call.denied"]
    assert [event["times"] for event in told] == [1]


async def test_who_goes_past_the_gateway_is_told(files: Files, tmp_path: Path) -> None:
    async with capture_house(tmp_path / "data") as house:
        stub: Any = capture_service_pb2_grpc.CaptureServiceStub(house.channel)
        await refused(
            stub.ListCaptures(pb.ListCapturesRequest(), metadata=[("sz-identity", "x.y")])
        )
    (event,) = files.events()
    assert (event["event"], event["service"]) == ("identity.refused", "capture")
    assert event["method"] == "/systemzero.capture.v1.CaptureService/ListCaptures"
    assert event["address"].startswith("ipv4:127.0.0.1")
