"""The client's own verification of the evidence log: the server's word is never enough.

What is trusted: the log's key, given by the caller or kept from the first use, and the last
checkpoint that was verified. Everything the server says is checked against these two, so that a
server that rewrites its log is found out. A key that the trusted one says follows it is trusted in
its place. One that shows different logs to different people is found out by witnesses.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable
from typing import BinaryIO

import msgspec

from systemzero_client.bounds import ExportBound, lines_of
from systemzero_client.client import Client
from systemzero_client.offline import Progress, check_bundle_extends
from systemzero_client.pins import Pin, PinStore, default_folder
from systemzero_client.stored import MAX_BYTES
from systemzero_client.witnesses import Witnessed, Witnesses, witnessed
from systemzero_core.tlog import (
    Checkpoint,
    CompactRange,
    ExportReport,
    LogVerificationError,
    OlderExport,
    VerifiedBundle,
    VerifierKey,
    follow,
    parse_checkpoint,
    verify_bundle,
    verify_checkpoint,
    verify_consistency,
    verify_export,
)


class UntrustedLog(LogVerificationError):
    """The log's key is not one that this user trusts."""


class LogVerifier:
    """Verifies the log of one client's tenant and keeps what it learns.

    Attributes:
        first_use: a sentence for people, where the key was trusted because it was the first; else
            empty.
        rotated: the key that signs now, where it follows the one that was trusted; else empty.
        witnessed: what the required witnesses have seen of the log verified last; None for none
            required.
    """

    def __init__(
        self,
        client: Client,
        *,
        store: PinStore | None = None,
        key: str = "",
        witnesses: Witnesses | None = None,
        audit: bool = False,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        """Trusts `key` (a C2SP verifier key) or, without one, the pinned key or the first.

        `witnesses`, if given, must have cosigned the log. The log is the evidence log, or the
        gateway's `audit` log, which is pinned apart. Of an export at most `max_bytes` are stored.

        Raises:
            InvalidInput: `key` is no verifier key.
        """
        self._log = client.audit if audit else client.log
        self._target = f"{client.transport.target} audit" if audit else client.transport.target
        self._store = store or PinStore(default_folder())
        self._given = VerifierKey.parse(key) if key else None
        self._witnesses = witnesses
        self._max_bytes = max_bytes
        self.first_use = ""
        self.rotated = ""
        self.witnessed: Witnessed | None = None

    async def checkpoint(self) -> Checkpoint:
        """The newest checkpoint: signed by the trusted key, and an extension of the pinned one.

        Raises:
            LogVerificationError: it is not, or the required witnesses have not cosigned it.
            SystemZeroError: a call failed.
        """
        answer = await self._log.checkpoint()
        pin = self._followed(self._pin(answer.note, answer.verifier_key), answer.key_rotations)
        checkpoint = verify_checkpoint(answer.note, [pin.key])
        if pin.checkpoint is not None:
            await self._check_extends(pin.checkpoint, checkpoint)
        if self._witnesses:
            self.witnessed = await witnessed(
                answer.cosigned_notes, self._witnesses, pin.keys, checkpoint, self._check_extends
            )
        self._store.put(msgspec.structs.replace(pin, note=answer.note))
        return checkpoint

    async def entry(self, index: int) -> tuple[VerifiedBundle, bytes]:
        """Entry `index`, proven to be in the log that extends the pinned one, and its bundle.

        Raises:
            LogVerificationError: the proof does not hold.
            SystemZeroError: a call failed.
        """
        pinned = await self.checkpoint()
        bundle = await self._log.bundle(index, pinned_size=pinned.size)
        pin = self._pin_of(pinned.origin)
        verified = verify_bundle(bundle, pin.keys)
        if verified.entry.index != index:
            raise LogVerificationError(
                f"asked for entry {index}, the server proved entry {verified.entry.index}",
                metadata={"entry": str(index)},
            )
        check_bundle_extends(verified, pinned)
        return verified, bundle

    async def everything(self, *, progress: Progress | None = None) -> ExportReport:
        """Every entry: the whole log is fetched and its root computed anew.

        Raises:
            LogVerificationError: the first thing that is wrong, with `line` and `entry`.
            TooLarge: the log has, or claims, more than `max_bytes`.
            SystemZeroError: a call failed.
        """
        with tempfile.TemporaryFile() as file:
            return await self.entries_after(None, CompactRange(), file, progress=progress)

    async def entries_after(
        self,
        known: str | None,
        tree: CompactRange,
        file: BinaryIO,
        *,
        progress: Progress | None = None,
    ) -> ExportReport:
        """The entries after those of a checkpoint that is at hand, written to `file` and verified.

        Args:
            known: a signed note of the log; None for no entries.
            tree: that of its entries; it becomes the whole log's.
            file: empty; the export of the entries is written there.
            progress: called with the number of entries of the log that were verified.

        Raises:
            LogVerificationError: the first thing that is wrong, with `line` and `entry`.
            TooLarge: the log has, or claims, more than `max_bytes`.
            SystemZeroError: a call failed.
        """
        checkpoint = await self.checkpoint()
        pin = self._pin_of(checkpoint.origin)
        if known is not None:
            older = verify_checkpoint(known, pin.keys)
            if (older.origin, older.root) != (checkpoint.origin, tree.root()):
                raise LogVerificationError("what is at hand is not what its checkpoint says")
            await self._check_extends(older, checkpoint)
        bound = ExportBound(checkpoint.size - tree.size, self._max_bytes)
        async for chunk in self._log.export(start=tree.size):
            bound.take(chunk)
            file.write(chunk)
        file.seek(0)
        lines = lines_of(file)
        try:
            report = await asyncio.to_thread(
                verify_export,
                lines,
                vkeys=[pin.key],
                pinned=checkpoint,
                progress=progress,
                after=tree,
            )
        except OlderExport as error:  # the server had more a moment ago
            raise LogVerificationError(
                f"the tail was cut off: {error.message}", metadata=error.metadata
            ) from error
        self._store.put(msgspec.structs.replace(pin, note=report.note))
        return report

    def _pin(self, note: str, server_key: str) -> Pin:
        """What is known of the log that `note` is of; on first use, what the server says.

        A server that has a pin already and now shows a log of another name is not trusted: else a
        new name would be all that a rewritten log needs.
        """
        origin = parse_checkpoint(note).origin
        pins = self._store.of_target(self._target)
        for pin in pins:
            if pin.origin == origin:
                if self._given and self._given not in pin.keys:
                    return Pin(pin.target, origin, str(self._given), pin.note)
                return pin
        if self._given:
            return Pin(self._target, origin, str(self._given))
        if pins:
            raise UntrustedLog(
                f"{self._target} shows the log {origin!r}, but the log known of it is "
                f"{pins[0].origin!r}; if you expect a second one, name its key"
            )
        self.first_use = (
            f"trusting the key of {origin} on first use: {server_key} "
            "(compare it with one that came to you another way)"
        )
        return Pin(self._target, origin, str(VerifierKey.parse(server_key)))

    def _pin_of(self, origin: str) -> Pin:
        return next(p for p in self._store.of_target(self._target) if p.origin == origin)

    def _followed(self, pin: Pin, rotations: Iterable[str]) -> Pin:
        """The pin with the key that signs now, if the pinned one says that it follows it."""
        *former, key = follow(pin.key, rotations)
        if not former:
            return pin
        self.rotated = str(key)
        return msgspec.structs.replace(pin, vkey=str(key), former=(*pin.former, *map(str, former)))

    async def _check_extends(self, old: Checkpoint, new: Checkpoint) -> None:
        hashes: Iterable[bytes] = ()
        if 0 < old.size < new.size:
            proof = await self._log.consistency_proof(old.size, to_size=new.size)
            hashes = proof.hashes
        verify_consistency(old.size, old.root, new.size, new.root, list(hashes))
