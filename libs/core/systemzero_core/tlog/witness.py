"""Witnesses: others who saw the log grow, and sign that they saw one history.

A witness keeps the last checkpoint that it saw of a log, and cosigns a later one only if that is
proven to extend it. So two people who are shown checkpoints that one honest witness cosigned are
shown one log. Formats: c2sp.org/tlog-witness, c2sp.org/tlog-cosignature (Ed25519).
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import ClassVar, Final, NamedTuple

from systemzero_core.tlog.errors import LogVerificationError
from systemzero_core.tlog.note import VerifierKey, parse_signature, split_note

MAX_PROOF_LINES: Final = 63
"""What a witness takes at most; a proof of 2**63 entries has as many."""

_TIME_BYTES: Final = 8
_MAX_TIME: Final = 2**63 - 1


class WitnessKey(VerifierKey):
    """The public key of a witness: its signatures are over a time and the checkpoint."""

    algorithm: ClassVar[bytes] = b"\x04"

    def verify(self, text: str, signature: bytes) -> bool:
        """Whether `signature` is this witness's cosignature of the checkpoint `text`."""
        return self.time_of(text, signature) is not None

    def time_of(self, text: str, signature: bytes) -> int | None:
        """When this witness cosigned the checkpoint `text` (POSIX seconds); None if it did not."""
        time = int.from_bytes(signature[:_TIME_BYTES], "big")
        message = cosigned_message(text, time)
        if time > _MAX_TIME or not self._verifies(signature[_TIME_BYTES:], message):
            return None
        return time


class Cosignature(NamedTuple):
    """That a witness saw a checkpoint: who, when (POSIX seconds), and its line in the note."""

    witness: WitnessKey
    time: int


def cosigned_message(text: str, time: int) -> bytes:
    """The bytes that a witness signs of the checkpoint `text` at `time` (POSIX seconds)."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def cosignatures_of(note: str, witnesses: Iterable[WitnessKey]) -> list[Cosignature]:
    """Those of `witnesses` that cosigned a note, in their order; signatures of others are ignored.

    Raises:
        LogVerificationError: a signature in the name and key id of one of them is wrong.
    """
    text, signatures = split_note(note)
    found = []
    for witness in witnesses:
        times = [witness.time_of(text, each.signature) for each in signatures if witness.made(each)]
        if None in times:
            raise LogVerificationError(f"the cosignature of {witness.name!r} is wrong")
        found += [Cosignature(witness, time) for time in times[:1] if time is not None]
    return found


def submission(old_size: int, proof: Sequence[bytes], note: str) -> bytes:
    """The body of an `add-checkpoint` request.

    Args:
        old_size: of the checkpoint that the witness cosigned last; 0 for none.
        proof: that `note` extends it.
        note: the checkpoint to be cosigned.
    """
    lines = [base64.b64encode(digest).decode() for digest in proof]
    return "\n".join([f"old {old_size}", *lines, "", note]).encode()


def cosignature_line(answer: str, note: str, witness: WitnessKey) -> str | None:
    """The line of the answer to `add-checkpoint` that is the witness's cosignature of `note`.

    Lines of other keys are ignored; None if there is none.

    Raises:
        LogVerificationError: the answer is no sequence of signature lines.
    """
    text = split_note(note)[0]
    if not answer.endswith("\n"):
        raise LogVerificationError("the witness's answer does not end in a line feed")
    for line in answer[:-1].split("\n"):
        signature = parse_signature(line)
        if witness.made(signature) and witness.verify(text, signature.signature):
            return line + "\n"
    return None
