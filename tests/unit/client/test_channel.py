"""What a channel is opened with."""

from __future__ import annotations

import pytest

from systemzero.policy.v1 import policy_pb2
from systemzero_client import Client, Tls
from systemzero_client.channel import channel_options, is_local, service_config
from systemzero_client.contract import idempotent_methods
from systemzero_wire import contract


@pytest.mark.parametrize(
    "target",
    [
        "127.0.0.1:50051",
        "localhost:1",
        "[::1]:50051",
        "[::ffff:127.0.0.1]:50051",
        "unix:/run/sz.sock",
        "dns:///localhost:1",
        "ipv4:127.0.0.1:5",
    ],
)
def test_this_machine_is_local(target: str) -> None:
    assert is_local(target)


@pytest.mark.parametrize(
    "target", ["gateway:50051", "10.0.0.1:50051", "localhost.example:1", "dns:///gateway:50051"]
)
def test_other_machines_are_not_local(target: str) -> None:
    assert not is_local(target)


def test_a_platform_that_is_down_is_looked_for_every_second() -> None:
    assert dict(channel_options())["grpc.max_reconnect_backoff_ms"] == 1_000


def test_every_method_of_the_contract_is_looked_at() -> None:
    declared = {
        path
        for path, method in contract.methods().items()
        for access in [method.GetOptions().Extensions[policy_pb2.access]]
        if access.idempotent and not access.internal
    }
    assert {f"/{m.service}/{m.method}" for m in idempotent_methods()} == declared


def test_only_idempotent_methods_are_retried() -> None:
    [method_config] = service_config()["methodConfig"]
    names = {name["method"] for name in method_config["name"]}
    assert {"Ingest", "GetTemplate", "ApproveEvent"} <= names
    assert not {"CreateApiKey", "RotateApiKey", "IngestStream", "WatchEvents"} & names
    assert method_config["retryPolicy"]["retryableStatusCodes"] == ["UNAVAILABLE", "CANCELLED"]


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "schlüssel"])
def test_a_credential_that_cannot_stand_in_a_header_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        Client("127.0.0.1:1", api_key=key)


def test_a_key_and_a_token_are_not_taken_together() -> None:
    with pytest.raises(ValueError, match="not both"):
        Client("127.0.0.1:1", api_key="a", token="b")


def test_a_private_key_is_not_shown() -> None:
    assert "secret" not in repr(Tls(key=b"secret"))
