"""The one spelling of a credential, and what is remembered of good ones."""

from __future__ import annotations

import pytest

from systemzero_base.internal.identity import Principal
from systemzero_core.apikey import with_checksum
from systemzero_gateway.access.caller import Caller
from systemzero_gateway.credentials.credential import credential_of, said_subject
from systemzero_gateway.credentials.seen import Seen

KEY = with_checksum("live", "0" * 30)
TOKEN = f"e30.eyJzdWIiOiJrZXlfMSJ9.{'x' * 85}A"


def caller(name: str, tenant: str = "acme") -> Caller:
    return Caller(Principal(tenant, name), frozenset(), None)


@pytest.mark.parametrize("credential", [KEY, TOKEN], ids=["key", "token"])
@pytest.mark.parametrize("spelling", ["Bearer {}", "bEARER {}", "Bearer    {}", "BEARER {}   "])
def test_every_spelling_is_the_one_credential(credential: str, spelling: str) -> None:
    assert credential_of(spelling.format(credential)) == credential


@pytest.mark.parametrize(
    "header",
    [
        *("", "Bearer", "Bearer ", KEY, f"Basic {KEY}", f"Bearer {KEY}x", f"Bearer\t{KEY}"),
        f"Bearer {' ' * 5_000}{KEY}",
        *(f"Bearer {TOKEN[:-1]}{last}" for last in "BCDx9-"),  # the same signature, spelt otherwise
        *(f"Bearer {text}" for text in (TOKEN + "=", TOKEN[:-1], f"{TOKEN}.a", "a.b", "x" * 9_000)),
    ],
)
def test_what_is_no_credential_is_none(header: str) -> None:
    assert credential_of(header) == ""


def test_a_token_says_whose_it_is_and_nothing_else_does() -> None:
    assert said_subject(TOKEN) == "key_1"
    for other in ("", KEY, "a.b.c", "e30.e30.x", "e30.W10.x", "e30.!.x"):
        assert said_subject(other) == ""


def test_a_principal_pushes_out_its_own_alone() -> None:
    seen = Seen(entries=10, of_one=3)
    seen.put(b"quiet", caller("quiet"))
    for number in range(50):
        seen.put(b"%d" % number, caller("busy"))
    assert seen.caller(b"quiet") == caller("quiet")
    assert [number for number in range(50) if b"%d" % number in seen] == [47, 48, 49]
    assert len(seen) == 4
    for number in range(50):
        seen.put(b"p%d" % number, caller(f"p{number}"))
    assert len(seen) == 10


def test_what_is_to_be_looked_up_stays_familiar_and_what_is_dropped_does_not() -> None:
    seen = Seen()
    seen.put(b"a", caller("one"))
    seen.put(b"b", caller("two", "other"))
    seen.look_up_again(frozenset({"acme"}))
    assert (seen.caller(b"a"), b"a" in seen, seen.has_of("one")) == (None, True, True)
    assert seen.caller(b"b") is not None
    seen.drop(b"a")
    seen.drop(b"a")
    assert (b"a" in seen, seen.has_of("one")) == (False, False)
