"""C2SP signed notes (c2sp.org/signed-note) with Ed25519 signatures and cosignatures.

A note is a text that ends in a line feed, an empty line, and one line for each signature:

    — NAME BASE64(KEY_ID || SIGNATURE)

KEY_ID is the first 4 bytes of SHA-256(NAME || 0x0A || 0x01 || PUBLIC_KEY). A public key travels as
a *vkey*: `NAME+hex(KEY_ID)+BASE64(0x01 || PUBLIC_KEY)`. The keys of witnesses have 0x04 instead
(c2sp.org/tlog-cosignature), see `tlog.witness`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from typing import ClassVar, Final, NamedTuple, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from systemzero_core.errors import InvalidInput
from systemzero_core.tlog.errors import LogVerificationError

_KEY_ID_BYTES: Final = 4
_PUBLIC_KEY_BYTES: Final = 32
_MAX_SIGNATURES: Final = 64


class Signature(NamedTuple):
    """One signature line: whose it says it is, and the bytes."""

    name: str
    key_id: bytes
    signature: bytes


class VerifierKey:
    """A public key with the name it signs under.

    Attributes:
        algorithm: the byte that says how it signs; 1 is Ed25519 over the note's text.
    """

    algorithm: ClassVar[bytes] = b"\x01"

    def __init__(self, name: str, public_key: bytes) -> None:
        """`public_key`: 32 raw bytes of Ed25519.

        Raises:
            InvalidInput: the name holds a blank or a plus sign, or the key is none.
        """
        if not name or "+" in name or any(c.isspace() for c in name):
            raise InvalidInput.at("vkey", "a key's name holds no blank and no plus sign")
        if len(public_key) != _PUBLIC_KEY_BYTES:
            raise InvalidInput.at("vkey", "an Ed25519 public key has 32 bytes")
        self.name = name
        self.public_key = public_key
        self.key_id = _key_id(name, self.algorithm + public_key)
        self._encoded = base64.b64encode(self.algorithm + public_key).decode()
        self._key = Ed25519PublicKey.from_public_bytes(public_key)

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """The key in a vkey text.

        Raises:
            InvalidInput: it is malformed, of another algorithm, or its key id does not fit.
        """
        name, _, rest = vkey.partition("+")
        key_id, _, encoded = rest.partition("+")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if raw[:1] != cls.algorithm:
            raise InvalidInput.at(
                "vkey", f"not NAME+KEYID+KEY with a key of algorithm {cls.algorithm[0]} (Ed25519)"
            )
        key = cls(name, raw[1:])
        if str(key) != vkey:  # also refuses the second spellings that Base64 and hex allow
            raise InvalidInput.at("vkey", f"the key id {key_id!r} is not that of this name and key")
        return key

    def __str__(self) -> str:
        """The vkey text."""
        return f"{self.name}+{self.key_id.hex()}+{self._encoded}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VerifierKey) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def made(self, signature: Signature) -> bool:
        """Whether the signature claims to be by this key."""
        return signature.name == self.name and signature.key_id == self.key_id

    def verify(self, text: str, signature: bytes) -> bool:
        """Whether `signature` is this key's over `text`."""
        return self._verifies(signature, text.encode())

    def _verifies(self, signature: bytes, message: bytes) -> bool:
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


class Signer:
    """A private key with the name it signs under."""

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.verifier = VerifierKey(name, key.public_key().public_bytes_raw())

    def sign(self, text: str) -> str:
        """The signature line over `text`."""
        signature = self.verifier.key_id + self._key.sign(text.encode())
        return f"— {self.verifier.name} {base64.b64encode(signature).decode()}\n"


def sign_note(text: str, signers: Iterable[Signer]) -> str:
    """The note with `text` (ends in a line feed) signed by each of `signers`."""
    return text + "\n" + "".join(signer.sign(text) for signer in signers)


def split_note(note: str) -> tuple[str, tuple[Signature, ...]]:
    """The text and the signatures of a note, unverified.

    Raises:
        LogVerificationError: it is not a signed note.
    """
    text, gap, lines = note.rpartition("\n\n")
    if not gap or not lines.endswith("\n"):
        raise LogVerificationError("not a signed note: text, an empty line, signatures")
    signatures = tuple(map(parse_signature, lines[:-1].split("\n")))
    if len(signatures) > _MAX_SIGNATURES:
        raise LogVerificationError(f"more than {_MAX_SIGNATURES} signatures")
    return text + "\n", signatures


def verify_note(note: str, trusted: Iterable[VerifierKey]) -> tuple[str, tuple[VerifierKey, ...]]:
    """The text of a note, and those of the trusted keys that signed it (at least one).

    Signatures by other keys are ignored, as the specification wants it: witnesses add theirs.

    Raises:
        LogVerificationError: no trusted key signed it, or a signature in one's name is wrong.
    """
    keys = tuple(trusted)
    text, signatures = split_note(note)
    signed_by: list[VerifierKey] = []
    for signature in signatures:
        for key in keys:
            if key.made(signature):
                if key in signed_by or not key.verify(text, signature.signature):
                    raise LogVerificationError(f"the signature of {key.name!r} is wrong")
                signed_by.append(key)
    if not signed_by:
        raise LogVerificationError("no trusted key signed it")
    return text, tuple(signed_by)


def parse_signature(line: str) -> Signature:
    """One signature line, without its line feed.

    Raises:
        LogVerificationError: it is malformed.
    """
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    canonical = base64.b64encode(raw).decode() == encoded
    if dash != "—" or not name or not canonical or len(raw) <= _KEY_ID_BYTES:
        raise LogVerificationError("a malformed signature line")
    return Signature(name, raw[:_KEY_ID_BYTES], raw[_KEY_ID_BYTES:])


def _key_id(name: str, typed_key: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + typed_key).digest()[:_KEY_ID_BYTES]
