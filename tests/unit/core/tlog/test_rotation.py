"""Statements that a log's key was rotated: followed from the trusted key, and from no other."""

from __future__ import annotations

from itertools import pairwise

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from systemzero_core.tlog import (
    EMPTY_ROOT,
    Checkpoint,
    LogVerificationError,
    Signer,
    VerifierKey,
    follow,
    parse_checkpoint,
    sign_note,
    sign_rotation,
    verify_rotation,
)

NAME = "systemzero.example/log"
KEYS = [Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in range(1, 5)]
STATEMENTS = [sign_rotation(NAME, old, new.public_key()) for old, new in pairwise(KEYS)]


def key(n: int, name: str = f"{NAME}/t1") -> VerifierKey:
    return Signer(name, KEYS[n]).verifier


@pytest.mark.parametrize("start", range(4))
def test_a_key_is_followed_through_every_rotation_after_it(start: int) -> None:
    assert follow(key(start), STATEMENTS) == tuple(key(n) for n in range(start, 4))


def test_statements_of_other_keys_and_installations_are_passed_over() -> None:
    stranger = Signer(f"{NAME}/t1", Ed25519PrivateKey.generate()).verifier
    assert follow(stranger, STATEMENTS) == (stranger,)
    elsewhere = key(0, "elsewhere.example/log/t1")
    assert follow(elsewhere, STATEMENTS) == (elsewhere,)


def test_statements_out_of_order_lead_no_further() -> None:
    assert follow(key(0), STATEMENTS[::-1]) == (key(0), key(1))


def test_nobody_but_the_older_key_can_say_so() -> None:
    thief = Ed25519PrivateKey.generate()
    text, _, _ = sign_rotation(NAME, KEYS[0], thief.public_key()).partition("\n\n")
    forged = sign_note(text + "\n", [Signer(NAME, thief)])
    with pytest.raises(LogVerificationError, match="no trusted key"):
        follow(key(0), [forged])


@given(st.data())
def test_no_byte_of_a_statement_is_free(data: st.DataObject) -> None:
    note = STATEMENTS[0].encode()
    at = data.draw(st.integers(0, len(note) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda b: b != note[at]))
    altered = (note[:at] + bytes([byte]) + note[at + 1 :]).decode(errors="replace")
    with pytest.raises(LogVerificationError):
        verify_rotation(altered)


def test_a_statement_is_no_checkpoint_and_a_checkpoint_no_statement() -> None:
    with pytest.raises(LogVerificationError):
        parse_checkpoint(STATEMENTS[0])
    with pytest.raises(LogVerificationError):
        verify_rotation(Checkpoint(NAME, 0, EMPTY_ROOT).signed([Signer(NAME, KEYS[0])]))


def test_the_two_keys_are_of_one_installation() -> None:
    text = f"systemzero.log.rotation/1\n{key(0, NAME)}\n{key(1, 'other.example/log')}\n"
    with pytest.raises(LogVerificationError, match="two installations"):
        verify_rotation(sign_note(text, [Signer(NAME, KEYS[0])]))
