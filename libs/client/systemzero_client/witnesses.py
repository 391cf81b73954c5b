"""Witnesses of a log, as a client requires them: that others were shown the same history.

A server could show one log to this client and another to somebody else, each whole and well signed.
Where enough witnesses, of whom not all conspire with it, cosigned what this client is shown, it did
not: a witness cosigns one history alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple

from systemzero_core.errors import InvalidInput
from systemzero_core.tlog import (
    Checkpoint,
    Cosignature,
    LogVerificationError,
    VerifierKey,
    WitnessKey,
    cosignatures_of,
    verify_checkpoint,
)

CheckExtends = Callable[[Checkpoint, Checkpoint], Awaitable[None]]
"""Checks that the second checkpoint's log extends the first's."""


class Witnesses(NamedTuple):
    """Whose cosignatures count, and how many of them are required."""

    keys: tuple[WitnessKey, ...]
    quorum: int

    @classmethod
    def parse(cls, vkeys: Iterable[str], quorum: int = 0) -> Witnesses:
        """From C2SP verifier keys of type 4; all are required for a `quorum` of 0.

        Raises:
            InvalidInput: a key is none or stands twice, or there are fewer than the quorum.
        """
        keys = tuple(map(WitnessKey.parse, vkeys))
        if len({key.public_key for key in keys}) != len(keys):
            raise InvalidInput.at("witness", "one witness is named twice")
        if not 0 <= quorum <= len(keys):
            raise InvalidInput.at("witnesses", f"{quorum} of {len(keys)} cannot be")
        return cls(keys, quorum or len(keys))


class Witnessed(NamedTuple):
    """How much of a log enough witnesses have seen: its first `size` entries.

    `cosignatures` are the newest of each witness that was counted, the largest tree first.
    """

    size: int
    cosignatures: tuple[Cosignature, ...]


async def witnessed(
    notes: Iterable[str],
    required: Witnesses,
    log_keys: Sequence[VerifierKey],
    newest: Checkpoint,
    check_extends: CheckExtends,
) -> Witnessed:
    """What the required witnesses have seen of the log that `newest` commits to.

    Args:
        notes: checkpoints with cosignatures, as the server gives them.
        required: whose count, and how many.
        log_keys: those that may have signed them for the log.
        newest: a checkpoint that was verified.
        check_extends: fetches and checks a consistency proof.

    Raises:
        LogVerificationError: too few witnesses cosigned it, or one saw another history.
    """
    seen: dict[WitnessKey, tuple[int, Cosignature]] = {}
    for note in notes:
        found = cosignatures_of(note, required.keys)
        if not found:
            continue
        checkpoint = verify_checkpoint(note, log_keys)
        await _check_same_log(checkpoint, newest, check_extends)
        for cosignature in found:
            size, _ = seen.get(cosignature.witness, (0, cosignature))
            seen[cosignature.witness] = (max(size, checkpoint.size), cosignature)
    if len(seen) < required.quorum:
        raise LogVerificationError(
            f"{len(seen)} of the {len(required.keys)} witnesses have cosigned the log, "
            f"{required.quorum} are required"
        )
    largest = sorted(seen.values(), key=lambda each: -each[0])
    return Witnessed(largest[required.quorum - 1][0], tuple(each for _, each in largest))


async def _check_same_log(
    cosigned: Checkpoint, newest: Checkpoint, check_extends: CheckExtends
) -> None:
    if cosigned.origin != newest.origin:
        raise LogVerificationError(f"a witness cosigned another log, {cosigned.origin!r}")
    if cosigned.size > newest.size:
        raise LogVerificationError(
            f"the log has shrunk: a witness has seen {cosigned.size} entries, "
            f"{newest.size} are shown"
        )
    await check_extends(cosigned, newest)
