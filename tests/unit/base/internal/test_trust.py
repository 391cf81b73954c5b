"""Identity keys in a folder: who is trusted, whatever the order of starting."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from systemzero_base.internal.identity import IdentitySigner, Principal
from systemzero_base.internal.trust import TrustFolder, publish, service_signer, service_verifier
from systemzero_core.errors import Unauthenticated

PRINCIPAL = Principal("acme", "key_1")


def accepted(signer: IdentitySigner, trust: Path, issuers: tuple[str, ...]) -> bool:
    verifier = service_verifier("diff", issuers, trust)
    try:
        return verifier.verify(signer.token(PRINCIPAL, "diff")) == PRINCIPAL
    except Unauthenticated:
        return False


def test_a_service_is_known_by_the_key_it_published(tmp_path: Path) -> None:
    trust = tmp_path / "trust"
    signer = service_signer("gateway", tmp_path / "gateway", trust)
    assert accepted(signer, trust, ("gateway", "capture"))
    again = service_signer("gateway", tmp_path / "gateway", trust)
    assert accepted(again, trust, ("gateway",))


def test_only_issuers_of_the_configuration_are_trusted(tmp_path: Path) -> None:
    signer = service_signer("stranger", tmp_path / "stranger", tmp_path)
    assert not accepted(signer, tmp_path, ("gateway",))
    impostor = IdentitySigner("gateway", Ed25519PrivateKey.generate(), lambda: 0.0)
    assert not accepted(impostor, tmp_path, ("gateway",))


def test_a_backend_may_start_first_and_sees_a_new_key(tmp_path: Path) -> None:
    trust = tmp_path / "trust"
    folder = TrustFolder(trust, ["gateway"])
    with pytest.raises(KeyError):
        folder["gateway"]
    first, second = (Ed25519PrivateKey.generate().public_key() for _ in range(2))
    publish(trust, "gateway", first)
    assert folder["gateway"] == first
    publish(trust, "gateway", second)
    assert folder["gateway"] == second


@pytest.mark.parametrize("content", [b"", b"nonsense", b"-----BEGIN PUBLIC KEY-----\nAAAA\n"])
def test_a_file_that_is_no_key_is_no_trust(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "gateway.pub").write_bytes(content)
    with pytest.raises(KeyError):
        TrustFolder(tmp_path, ["gateway"])["gateway"]


def test_a_name_is_no_path(tmp_path: Path) -> None:
    publish(tmp_path, "other", Ed25519PrivateKey.generate().public_key())
    with pytest.raises(KeyError):
        TrustFolder(tmp_path / "trust", ["gateway"])["../other"]
