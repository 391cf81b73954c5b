"""Asks witnesses to cosign checkpoints: the client side of c2sp.org/tlog-witness.

Invariants:
1. No append and no checkpoint waits for a witness: each is asked by a task of its own.
2. Only a cosignature that verifies, by the configured key and over a stored checkpoint, is kept.
3. A witness is believed in one thing alone: that it has seen more of the log than there is. That
   is reported as an error, over and over, and nothing is cosigned: the log was cut or split.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import Connection

from systemzero_base.telemetry.logs import get_logger
from systemzero_base.work.background import Background, Loops
from systemzero_base.work.rounds import heard
from systemzero_core.errors import DataCorrupted, DomainError, InvalidInput, Unavailable
from systemzero_core.tlog import (
    LogVerificationError,
    WitnessKey,
    cosignature_line,
    parse_checkpoint,
    submission,
)
from systemzero_evidence.signed.checkpoints import Checkpoints
from systemzero_evidence.signed.cosignatures import Cosignatures
from systemzero_evidence.signed.http import Answer, post
from systemzero_evidence.signed.proofs import Proofs
from systemzero_storage.database import Database

_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0  # seconds, after a witness failed again and again
_ROUND_SECONDS: Final = 1.0
_CONFLICT: Final = 409
_NO_EXTENSION: Final = 422
_OK: Final = 200
_TRIES: Final = 5  # while others have it cosign what is newer than what was about to be sent


class Witness(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One witness.

    Attributes:
        url: its submission prefix; checkpoints are posted to `URL/add-checkpoint`.
        key: its public key, a C2SP vkey of type 4.
    """

    url: str
    key: str


class _Submission(NamedTuple):
    old_size: int
    size: int
    note: str
    body: bytes


class Cosigner:
    """Gets the newest checkpoint of every log that grows cosigned by one witness.

    Attributes:
        key: the witness's public key.
        refused: why the witness refuses a log as one that was cut or split; else empty.
    """

    def __init__(
        self,
        witness: Witness,
        database: Database,
        checkpoints: Checkpoints,
        cosignatures: Cosignatures,
        proofs: Proofs,
    ) -> None:
        """A cosigner.

        Raises:
            InvalidInput: the witness's key is none, or its URL is not of HTTP.
        """
        if not witness.url.startswith(("http://", "https://")):
            raise InvalidInput.at("witnesses.url", "http:// or https://")
        self.key = WitnessKey.parse(witness.key)
        self._url = witness.url.rstrip("/") + "/add-checkpoint"
        self._database = database
        self._checkpoints = checkpoints
        self._cosignatures = cosignatures
        self._proofs = proofs
        self._waiting: dict[str, None] = {}  # tenants, in the order in which they came
        self._published = asyncio.Event()
        self._log = get_logger("logstore")
        self._pause = _FIRST_PAUSE
        self.refused = ""

    def published(self, tenant: str) -> None:
        """There is a new checkpoint of the tenant's log."""
        self._waiting[tenant] = None
        self._published.set()

    async def round(self) -> None:
        """Ask if something new comes, and pause where that failed; for a background loop."""
        if not await heard(self._published, _ROUND_SECONDS):
            return
        if await self.ask():
            self._pause = _FIRST_PAUSE
        else:
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    async def ask(self) -> bool:
        """Submit what is new of each log; whether all of it was cosigned. What was not, stays."""
        self._published.clear()
        waiting, self._waiting = self._waiting, {}
        failed, refused = False, ""
        while waiting:
            tenant = next(iter(waiting))
            del waiting[tenant]
            try:
                await self._submit(tenant)
            except DomainError as error:
                failed = True
                self.published(tenant)
                event = "log.witness.failed"
                if isinstance(error, DataCorrupted):
                    event, refused = "log.witness.refused", error.message
                self._log.error(event, witness=self.key.name, tenant=tenant, why=error.message)
            except BaseException:
                # nothing is lost of it, and the one that failed keeps none of the others waiting
                self._waiting = {**waiting, **self._waiting}
                self.published(tenant)
                raise
        self.refused = refused
        return not failed

    async def _submit(self, tenant: str) -> None:
        old_size = None
        for _ in range(_TRIES):
            made = await self._made(tenant, old_size)
            if made is None:
                return
            answer = await post(self._url, made.body)
            if answer.status == _CONFLICT and (seen := _seen(answer)) != made.old_size:
                old_size = seen  # other processes ask it, too, or it forgot
                continue
            await self._keep(tenant, made, answer)
            return
        raise Unavailable("the witness is asked by others at the same time")

    async def _keep(self, tenant: str, made: _Submission, answer: Answer) -> None:
        _check_status(answer, made.size)
        line = cosignature_line(answer.body, made.note, self.key)
        if line is None:
            raise LogVerificationError("its answer holds no cosignature by its key")
        key = str(self.key)
        await self._database.of(tenant).write(
            lambda c: self._cosignatures.put(c.unscoped, tenant, key, made.size, line)
        )

    async def _made(self, tenant: str, old_size: int | None) -> _Submission | None:
        return await self._database.of(tenant).read(
            lambda c: self._submission(c.unscoped, tenant, old_size)
        )

    def _submission(
        self, connection: Connection, tenant: str, old_size: int | None
    ) -> _Submission | None:
        """The newest checkpoint with its proof from `old_size`, or from what is known to be seen.

        None where the witness has cosigned it already, for this process or another.
        """
        stored = self._checkpoints.latest(connection, tenant)
        if stored is None:
            return None
        size = parse_checkpoint(stored.note).size
        last = self._cosignatures.last_size(connection, tenant, str(self.key))
        old = last if old_size is None else old_size
        if old > size:
            raise DataCorrupted(
                f"the witness has cosigned {old} entries, the log has {size}: it was cut back, or "
                "there are two of it"
            )
        if last == size:
            return None
        proof = self._proofs.consistency(connection, tenant, old, size).hashes
        return _Submission(old, size, stored.note, submission(old, proof, stored.note))


def _seen(answer: Answer) -> int:
    """The size of the checkpoint that the witness cosigned last, as it answered a conflict."""
    text = answer.body.removesuffix("\n")
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise Unavailable("the witness answered a conflict without a size")
    return int(text)


def _check_status(answer: Answer, size: int) -> None:
    if answer.status in (_CONFLICT, _NO_EXTENSION):
        raise DataCorrupted(
            f"the witness does not take the log of {size} entries for an extension of the one that "
            "it has cosigned: history was rewritten, or there are two of it"
        )
    if answer.status != _OK:
        raise Unavailable(f"the witness answered with status {answer.status}")


def cosigning(loops: Loops, cosigners: Sequence[Cosigner]) -> list[Background]:
    """The loops that ask the witnesses, each for itself; not yet started."""
    return [
        loops.new(f"witness.{cosigner.key.name}", cosigner.round, vital=False)
        for cosigner in cosigners
    ]
