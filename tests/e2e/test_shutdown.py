"""Stopping a platform that somebody watches."""

from __future__ import annotations

import json
from pathlib import Path

import grpc
import pytest

from systemzero.diff.v1 import drift_service_pb2 as pb
from systemzero.gateway.v1 import status_service_pb2
from tests.support.platform import LAYOUTS, running


@pytest.mark.parametrize(("kind", "workers"), LAYOUTS)
def test_an_open_watch_ends_with_a_reason_and_uses_up_no_grace(
    kind: str, workers: int, tmp_path: Path
) -> None:
    with running(kind, tmp_path, workers=workers) as platform, platform.services() as services:
        watch = services.drift.WatchEvents(pb.WatchEventsRequest())
        assert next(watch).cursor
        # the server has sent that, and waits for events again, once it answers another call
        services.status.GetStatus(status_service_pb2.GetStatusRequest())
        assert platform.stop() == 0
        with pytest.raises(grpc.RpcError) as refusal:
            next(watch)
        error: grpc.Call = refusal.value  # type: ignore[assignment]
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        assert "stopping" in (error.details() or "")
        lines = [json.loads(line) for line in platform.log.read_text().splitlines()]
    ended = [line for line in lines if line.get("rpc_method", "").endswith("/WatchEvents")]
    assert "UNAVAILABLE" in {line.get("status") for line in ended}
