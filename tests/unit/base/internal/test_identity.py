"""The internal identity: who is believed, and for how long."""

from __future__ import annotations

import base64

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from systemzero_base.internal import identity
from systemzero_base.internal.identity import (
    CLOCK_SKEW,
    LIFETIME,
    IdentitySigner,
    IdentityVerifier,
    Principal,
)
from systemzero_base.internal.quotas import StorageQuotas
from systemzero_core.errors import Unauthenticated

KEY = Ed25519PrivateKey.generate()
ALICE = Principal("acme", "key_1")


class Clock:
    def __init__(self, now: float = 1_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def signer(clock: Clock) -> IdentitySigner:
    return IdentitySigner("gateway", KEY, clock)


@pytest.fixture
def verifier(clock: Clock) -> IdentityVerifier:
    return IdentityVerifier("diff", {"gateway": KEY.public_key()}, clock)


def refused(verifier: IdentityVerifier, token: str | None) -> str:
    with pytest.raises(Unauthenticated) as caught:
        verifier.verify(token)
    return caught.value.message


def test_a_principal_arrives(signer: IdentitySigner, verifier: IdentityVerifier) -> None:
    for principal in (ALICE, Principal("äcme\n", "key_2")):
        assert verifier.verify(signer.token(principal, "diff")) == principal


def test_every_refusal_is_the_same(signer: IdentitySigner, verifier: IdentityVerifier) -> None:
    good = signer.token(ALICE, "diff")
    payload, signature = good.split(".")
    raw = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    other = msgspec.json.decode(raw) | {"tenant": "beta"}
    forged = base64.urlsafe_b64encode(msgspec.json.encode(other)).rstrip(b"=").decode()
    more = msgspec.json.encode(msgspec.json.decode(raw) | {"admin": True})
    messages = {
        refused(verifier, token)
        for token in (
            None,
            "",
            ".",
            "é.é",
            good[:-2],
            f"{payload}.",
            f"{forged}.{signature}",
            f"{base64.urlsafe_b64encode(more).decode()}.{signature}",
            f"{good}.{signature}",
            "x" * 5_000,
            signer.token(ALICE, "capture"),
            IdentitySigner("nobody", KEY, lambda: 1_000.0).token(ALICE, "diff"),
            IdentitySigner("gateway", Ed25519PrivateKey.generate(), lambda: 1_000.0).token(
                ALICE, "diff"
            ),
        )
    }
    assert len(messages) == 1
    assert verifier.verify(good) == ALICE


def test_a_token_ends_with_its_life_also_when_it_was_verified_before(
    signer: IdentitySigner, verifier: IdentityVerifier, clock: Clock
) -> None:
    token = signer.token(ALICE, "diff")
    verifier.verify(token)
    clock.now += LIFETIME - 0.001
    verifier.verify(token)
    clock.now += 0.001
    refused(verifier, token)


@pytest.mark.parametrize(("ahead", "good"), [(CLOCK_SKEW, True), (CLOCK_SKEW + 0.1, False)])
def test_clocks_may_differ_a_little(verifier: IdentityVerifier, ahead: float, good: bool) -> None:
    token = IdentitySigner("gateway", KEY, lambda: 1_000.0 + ahead).token(ALICE, "diff")
    if good:
        assert verifier.verify(token) == ALICE
    else:
        refused(verifier, token)


def test_a_token_is_reused_for_a_third_of_its_life(signer: IdentitySigner, clock: Clock) -> None:
    first = signer.token(ALICE, "diff")
    clock.now += LIFETIME / 3 - 0.1
    assert signer.token(ALICE, "diff") == first
    clock.now += 0.1
    assert signer.token(ALICE, "diff") != first


def test_a_clock_that_is_set_back_is_no_outage(
    signer: IdentitySigner, verifier: IdentityVerifier, clock: Clock
) -> None:
    signer.token(ALICE, "diff")
    clock.now -= 3_600
    assert verifier.verify(signer.token(ALICE, "diff")) == ALICE


def test_tokens_of_principals_and_audiences_are_never_mixed_up(signer: IdentitySigner) -> None:
    tokens = {
        signer.token(Principal(tenant, who), audience)
        for tenant in ("a", "b")
        for who in ("1", "2")
        for audience in ("diff", "capture")
    }
    assert len(tokens) == 8


def test_memory_is_bounded_and_forgetting_costs_nothing_but_work(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setattr(identity, "_CACHE_ENTRIES", 3)
    signer = IdentitySigner("gateway", KEY, clock)
    verifier = IdentityVerifier("diff", {"gateway": KEY.public_key()}, clock)
    for n in range(10):
        principal = Principal("acme", f"key_{n}")
        assert verifier.verify(signer.token(principal, "diff")) == principal
        refused(verifier, f"garbage {n}")
        assert len(signer._cache) <= 3
        assert len(verifier._cache) <= 3


def test_who_calls_often_keeps_its_token_however_many_others_call(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setattr(identity, "_CACHE_ENTRIES", 3)
    signer = IdentitySigner("gateway", KEY, clock)
    first = signer.token(ALICE, "diff")
    for n in range(9):
        clock.now += 1
        signer.token(Principal("acme", f"other {n}"), "diff")
        assert signer.token(ALICE, "diff") == first


async def test_without_the_guard_there_is_no_principal() -> None:
    with pytest.raises(Unauthenticated):
        identity.current_principal()


def test_a_tenants_storage_quotas_go_with_the_identity_and_no_others_do(clock: Clock) -> None:
    signer = IdentitySigner("gateway", KEY, clock)
    verifier = IdentityVerifier("capture", {"gateway": KEY.public_key()}, clock)
    bounded = Principal("acme", "key_1", StorageQuotas(captures=7))
    for principal in (ALICE, bounded, Principal("acme", "key_1", StorageQuotas(captures=8))):
        assert verifier.verify(signer.token(principal, "capture")) == principal
    # one without them is what it was before there were any
    payload = signer.token(ALICE, "capture").partition(".")[0]
    assert b"quotas" not in base64.urlsafe_b64decode(payload + "==")
    # and nobody raises them who can't sign
    encoded, _, signature = signer.token(bounded, "capture").partition(".")
    raw = base64.urlsafe_b64decode(encoded + "==").replace(b":7", b":9")
    forged = f"{base64.urlsafe_b64encode(raw).rstrip(b'=').decode()}.{signature}"
    with pytest.raises(Unauthenticated):
        verifier.verify(forged)
