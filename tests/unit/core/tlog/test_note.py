"""Signed notes and checkpoints: the published format, and nothing near it."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from systemzero_core.errors import InvalidInput
from systemzero_core.tlog import (
    EMPTY_ROOT,
    Checkpoint,
    LogVerificationError,
    Signer,
    VerifierKey,
    parse_checkpoint,
    sign_note,
    verify_checkpoint,
    verify_note,
)

# The example of Go's golang.org/x/mod/sumdb/note, whose format C2SP's signed-note is.
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
GO_NOTE = (
    GO_TEXT + "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUg"
    "YN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)

ORIGIN = "systemzero.example/log/t1"


def _signer(name: str = ORIGIN, seed: int = 1) -> Signer:
    return Signer(name, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


def _checkpoint(size: int = 0) -> Checkpoint:
    return Checkpoint(ORIGIN, size, EMPTY_ROOT)


def test_a_note_signed_by_go_verifies() -> None:
    key = VerifierKey.parse(GO_VKEY)
    assert verify_note(GO_NOTE, [key]) == (GO_TEXT, (key,))
    with pytest.raises(LogVerificationError, match="wrong"):
        verify_note(GO_NOTE.replace("answer", "Answer"), [key])


def test_a_checkpoint_survives_the_way() -> None:
    signer = _signer()
    note = _checkpoint(7).signed([signer])
    assert note.startswith(f"{ORIGIN}\n7\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n— ")
    assert verify_checkpoint(note, [signer.verifier]) == _checkpoint(7) == parse_checkpoint(note)


def test_extensions_are_signed_too() -> None:
    signer = _signer()
    checkpoint = Checkpoint(ORIGIN, 7, EMPTY_ROOT, ("key value", "x"))
    assert verify_checkpoint(checkpoint.signed([signer]), [signer.verifier]) == checkpoint


def test_one_trusted_signature_of_several_is_enough() -> None:
    old, new, witness = _signer(seed=1), _signer(seed=2), _signer("witness.example", 3)
    note = _checkpoint().signed([old, new, witness])
    for trusted in (old, new, witness):
        assert verify_note(note, [trusted.verifier])[1] == (trusted.verifier,)
    assert len(verify_note(note, [old.verifier, new.verifier])[1]) == 2


def test_a_stranger_signature_is_none() -> None:
    note = _checkpoint().signed([_signer()])
    for stranger in (_signer(seed=9), _signer("other.example")):
        with pytest.raises(LogVerificationError, match="no trusted key"):
            verify_checkpoint(note, [stranger.verifier])


def test_a_bad_signature_in_a_trusted_name_is_refused_beside_a_good_one() -> None:
    signer, other = _signer(), _signer(seed=2)
    note = _checkpoint().signed([signer, other])
    forged = note.replace(note.splitlines()[-1], _checkpoint(1).signed([other]).splitlines()[-1])
    with pytest.raises(LogVerificationError, match="wrong"):
        verify_checkpoint(forged, [signer.verifier, other.verifier])


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_no_byte_of_a_checkpoint_is_free(data: st.DataObject) -> None:
    signer = _signer()
    raw = bytearray(_checkpoint(12).signed([signer]).encode())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises((LogVerificationError, UnicodeDecodeError)):
        verify_checkpoint(raw.decode(), [signer.verifier])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "origin\n1\n",
        "origin\n01\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "origin\n-1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "origin\n1\n47DEQpj8\n",
        "origin\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n",
        "origin\n1\nno base64\n",
        "\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
    ],
)
def test_what_is_signed_must_be_a_checkpoint(text: str) -> None:
    signer = _signer("origin")
    with pytest.raises(LogVerificationError):
        verify_checkpoint(sign_note(text, [signer]), [signer.verifier])


@pytest.mark.parametrize("note", ["", "text\n", "text\n\n", "text\n\n— x\n", "text\n\n— x !!!!\n"])
def test_what_is_no_note_is_refused(note: str) -> None:
    with pytest.raises(LogVerificationError):
        verify_note(note, [_signer().verifier])


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "PeterNeumann",
        GO_VKEY.replace("c74f20a3", "c74f20a4"),
        GO_VKEY.replace("c74f20a3", "C74F20A3"),
        GO_VKEY.replace("Peter", "Paul"),
        GO_VKEY + "A",
        GO_VKEY.replace("+AR", "+Ap"),
        " " + GO_VKEY,
    ],
)
def test_a_malformed_key_is_refused(vkey: str) -> None:
    with pytest.raises(InvalidInput):
        VerifierKey.parse(vkey)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\n"])
def test_a_name_that_would_blur_the_note_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        _signer(name)


def test_a_key_survives_the_way() -> None:
    key = _signer().verifier
    assert VerifierKey.parse(str(key)) == key
    assert len({key, VerifierKey.parse(str(key))}) == 1
