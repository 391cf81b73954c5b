"""Composition root of the capture service."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from systemzero_base.clock import micros
from systemzero_base.ids import PageTokens, new_id
from systemzero_base.internal.identity import IdentitySigner
from systemzero_base.lanes.dispatch import Lanes
from systemzero_base.lru import Lru
from systemzero_base.plugins import load_formats
from systemzero_base.secrets import load_or_create_secret
from systemzero_base.settings.redacting import RulesByTenant
from systemzero_base.telemetry.logs import get_logger
from systemzero_base.work.background import Background, Loops
from systemzero_capture.config import CaptureSettings
from systemzero_capture.handlers import CaptureServicer, PairingServicer, TreeServicer, register
from systemzero_capture.intake.decoding import Decoder
from systemzero_capture.intake.ingest import Ingestor
from systemzero_capture.intake.keeping import Keeper
from systemzero_capture.intake.known import KnownContents, known_memory
from systemzero_capture.kept.retention import Collector
from systemzero_capture.peers.diff_client import GrpcDiffClient
from systemzero_capture.peers.eraser import Eraser
from systemzero_capture.peers.notes import NoteMacs
from systemzero_capture.peers.watched import followers
from systemzero_capture.places import PAGE_TOKENS
from systemzero_capture.store import METADATA, SCHEMA, Marks, SqlCaptureStore
from systemzero_runtime.calls.reaching import ReachableChannel
from systemzero_runtime.operations.sampler import Sampler
from systemzero_runtime.serving.registry import HandlerRegistry
from systemzero_storage.database.sampler import StoreSampler
from systemzero_storage.sealing import open_sealed
from systemzero_storage.usage.room import StorageQuota
from systemzero_storage.usage.sampler import UsageSampler
from systemzero_storage.usage.servicer import UsageServicer

NAME = "capture"
LANE_MODULES = ("systemzero_capture.intake.work",)
"""What lanes import beforehand."""


class CaptureService:
    """The capture service, composed; see `systemzero_runtime.running.service.Service`."""

    name = NAME

    def __init__(
        self,
        settings: CaptureSettings,
        diff: ReachableChannel,
        signer: IdentitySigner,
        clock: Callable[[], int] = micros,
        lanes: Lanes | None = None,
    ) -> None:
        """Opens the database; `diff` is a channel to the diff service.

        `lanes` are the process's, where it has some for all its services; whoever made them starts
        and stops them.

        Raises:
            ConfigError: the settings of database or encryption are wrong.
            SchemaMismatch, Unavailable, DataCorrupted: the database can't be used.
            FailedPrecondition, AlreadyExists: a plug-in can't be used.
        """
        self._settings, self._clock, self._logger = settings, clock, get_logger(NAME)
        self.loops = Loops(NAME, self._logger)
        self._database = open_sealed(settings.data, SCHEMA, settings.database, settings.encryption)
        self._lanes = lanes or Lanes(settings.lanes, self.loops, LANE_MODULES)
        self._has_own_lanes = lanes is None
        self._room = StorageQuota(METADATA, msgspec.structs.asdict(settings.quotas))
        self._store = SqlCaptureStore(self._database, self._room)
        self._diff = GrpcDiffClient(diff, signer)
        self.sampler = self._sampled()
        secret = load_or_create_secret(settings.data / PAGE_TOKENS)
        macs = NoteMacs(secret)
        background = clock, self._logger, self.loops
        self._eraser = Eraser(self._store, diff, signer, macs, *background)
        self._collector = self._new_collector()
        self._servicer = self._captures(PageTokens(secret))
        self._background = self._collector, self.sampler, *self._following(), self._eraser

    def _sampled(self) -> Sampler:
        at = self._settings.data
        watched = StoreSampler(NAME, at, self._database, self._logger, self.loops)
        return Sampler(NAME, self.loops, [watched])

    def _following(self) -> tuple[Background, Background]:
        usage = UsageSampler(NAME, self._database, self._room)
        return usage.loop(self.loops), self._database.notifier.loop(self.loops)

    def _new_collector(self) -> Collector:
        settings = self._settings
        return Collector(
            *(self._store, settings.retention, settings.originals),
            *(self._clock, self._logger, self.loops),
            with_event=self._diff.with_event,
        )

    def _captures(self, tokens: PageTokens) -> CaptureServicer:
        settings, store, diff = self._settings, self._store, self._diff
        rules = RulesByTenant(settings.redact)
        memory = Lru(settings.known_captures, known_memory, settings.known_bytes)
        known, decoder = KnownContents(memory, store), Decoder(self._lanes, load_formats(), rules)
        keeper = Keeper(self._lanes, rules, settings.originals)
        watched = followers(self._database.notifier, store, diff)
        ingestor = Ingestor(store, diff, known, decoder, new_id, self._clock)
        return CaptureServicer(
            *(ingestor, store, tokens, watched, self._lanes),
            *(settings.stream_window, keeper, self._eraser, diff),
        )

    def register(self, registry: HandlerRegistry) -> None:
        """See `Service.register`."""
        usages = UsageServicer(self._database, self._room)
        pairings = PairingServicer(Marks(self._database))
        register(registry, self._servicer, TreeServicer(self._store), pairings, usages)

    async def start(self) -> None:
        """See `Service.start`; what is sealed and can't be opened is not served.

        Raises:
            FailedPrecondition, Unavailable, DataCorrupted: see `SealedDatabase.check_keys`.
        """
        await self._database.check_keys()
        if self._has_own_lanes:
            self._lanes.start()
        for each in self._background:
            each.start()

    async def stop(self) -> None:
        """See `Service.stop`."""
        for each in self._background:
            await each.stop()
        if self._has_own_lanes:
            await self._lanes.stop()
        await self._database.close()
