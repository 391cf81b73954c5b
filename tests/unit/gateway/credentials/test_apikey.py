"""API keys as text."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systemzero_gateway.credentials import apikey

SECRET = apikey.new_secret()


def test_a_key_can_be_told_from_anything_else_without_asking() -> None:
    assert SECRET.startswith("s0_live_")
    assert len(SECRET) == 44
    assert apikey.is_well_formed(SECRET)


def test_the_checksum_is_the_documented_one() -> None:
    # CRC-32 of "s0_live_" and 30 zeros is 3,703,484,017
    assert apikey.is_well_formed("s0_live_" + "0" * 30 + "42dRNB")


def test_the_platforms_own_keys_can_be_told_from_tenants() -> None:
    assert apikey.kind_of("platform") is apikey.Kind.PLATFORM
    assert apikey.kind_of("acme") is apikey.Kind.LIVE
    secret = apikey.new_secret(apikey.Kind.PLATFORM)
    assert secret.startswith("s0_platform_")
    assert apikey.is_well_formed(secret)
    assert not apikey.is_well_formed(secret.replace("platform", "live"))


def test_no_two_keys_are_the_same() -> None:
    assert len({apikey.new_secret() for _ in range(1_000)}) == 1_000


@given(st.integers(8, 43), st.sampled_from(string.ascii_letters + string.digits + "_-é"))
def test_a_typo_is_seen(position: int, character: str) -> None:
    typo = SECRET[:position] + character + SECRET[position + 1 :]
    assert apikey.is_well_formed(typo) is (typo == SECRET)


@pytest.mark.parametrize(
    "text",
    ["", "s0_live_", SECRET[:-1], SECRET + "0", SECRET + "\n", "x"],
    ids=["empty", "prefix", "short", "long", "line end", "other"],  # the key differs each time
)
def test_other_texts_are_none(text: str) -> None:
    assert not apikey.is_well_formed(text)


def test_the_stored_digest_needs_the_pepper() -> None:
    one, other = apikey.digest(b"p" * 32, SECRET), apikey.digest(b"q" * 32, SECRET)
    assert one != other
    assert SECRET.encode() not in one
    assert len(one) == 32
