"""Every RPC of every backend, called past the gateway: nothing but its signed identity opens it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from systemzero_base.internal.identity import LIFETIME, METADATA_KEY, IdentitySigner, Principal
from systemzero_base.keyfile import load_or_create_key
from tests.support.exposed import INTERNAL, METHODS, Exposed, Metadata, attempt, bearer

PREFIXES = {"systemzero.capture.": "capture", "systemzero.diff.": "diff", "systemzero.log.": "diff"}
SOMEBODY = Principal("default", "key_1")
USAGE = "/systemzero.usage.v1.UsageService/GetUsage"
BEHIND = {
    path: backend
    for path in (*METHODS, *INTERNAL)
    for prefix, backend in PREFIXES.items()
    if path.startswith(f"/{prefix}")
} | {USAGE: "capture"}  # every backend has it, and no route leads there


@pytest.fixture(scope="module")
def backends(house: Exposed) -> Iterator[dict[str, grpc.Channel]]:
    channels = {name: grpc.insecure_channel(target) for name, target in house.backends.items()}
    yield channels
    for channel in channels.values():
        channel.close()


def test_every_method_is_the_gateway_s_own_or_behind_it() -> None:
    assert {path for path in METHODS if path not in BEHIND} == {
        path for path in METHODS if path.startswith("/systemzero.gateway.")
    }


def identity(token: str) -> Metadata:
    return ((METADATA_KEY, token),)


def bad_identities(house: Exposed, audience: str) -> dict[str, Metadata]:
    """What a backend must not take; the gateway's own key is stolen for some of them."""
    stolen = load_or_create_key(house.data / "gateway" / "identity.key")
    foreign = Ed25519PrivateKey.generate()

    def token(
        issuer: str = "gateway", key: Ed25519PrivateKey = stolen, age: float = 0, to: str = audience
    ) -> str:
        return IdentitySigner(issuer, key, lambda: time.time() - age).token(SOMEBODY, to)

    good = token()
    payload, signature = good.split(".")
    other = IdentitySigner("gateway", stolen, time.time).token(Principal("rival", "k"), audience)
    return {
        "none": (),
        "empty": identity(""),
        "forged": identity(token(key=foreign)),
        "replayed stale": identity(token(age=LIFETIME + 1)),
        "from the future": identity(token(age=-60)),
        "for another audience": identity(token(to="gateway")),
        "for the other backend": identity(token(to="diff" if audience == "capture" else "capture")),
        "of an untrusted issuer": identity(token("evil", foreign)),
        "of an untrusted issuer with a good key": identity(token("evil")),
        "of a trusted issuer with another's key": identity(token("capture")),
        "signature of another": identity(f"{other.split('.')[0]}.{signature}"),
        "cut off": identity(payload),
        "no signature": identity(f"{payload}."),
        "API key": bearer(house.own_key),
        "API key as identity": identity(house.own_key),
        "binary": ((f"{METADATA_KEY}-bin", good.encode()),),
        "wide": identity("x" * 5_000),
    }


@pytest.mark.parametrize("path", sorted(BEHIND))
def test_a_backend_called_past_the_gateway_refuses(
    house: Exposed, backends: dict[str, grpc.Channel], path: str
) -> None:
    name = BEHIND[path]
    for what, metadata in bad_identities(house, name).items():
        outcome = attempt(backends[name], path, b"", metadata)
        found = (outcome.code, outcome.reason)
        assert found == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED"), what


@pytest.mark.parametrize("path", INTERNAL)
def test_what_only_services_call_is_no_method_of_the_gateway_nor_for_its_identity(
    house: Exposed, backends: dict[str, grpc.Channel], path: str
) -> None:
    outcome = attempt(house.channel, path, b"", bearer(house.own_key))
    assert (outcome.code, outcome.reason) == (grpc.StatusCode.UNIMPLEMENTED, "UNKNOWN_METHOD")
    key = load_or_create_key(house.data / "gateway" / "identity.key")
    token = IdentitySigner("gateway", key, time.time).token(SOMEBODY, BEHIND[path])
    outcome = attempt(backends[BEHIND[path]], path, b"", identity(token))
    # the gateway itself asks what the identity's own tenant stores, for its status
    refused = grpc.StatusCode.PERMISSION_DENIED
    assert outcome.code is (grpc.StatusCode.OK if path == USAGE else refused)


@pytest.mark.parametrize("name", ["capture", "diff"])
def test_the_gateway_s_own_identity_opens_a_backend(
    house: Exposed, backends: dict[str, grpc.Channel], name: str
) -> None:
    key = load_or_create_key(house.data / "gateway" / "identity.key")
    token = IdentitySigner("gateway", key, time.time).token(SOMEBODY, name)
    path = next(path for path in sorted(BEHIND) if BEHIND[path] == name and "/List" in path)
    assert attempt(backends[name], path, b"", identity(token)).code is grpc.StatusCode.OK
