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
from systemzero_base.work.background import Loops
from systemzero_capture.config import CaptureSettings
from systemzero_capture.handlers import CaptureServicer, TreeServicer, register
from systemzero_capture.intake.decoding import Decoder
from systemzero_capture.intake.ingest import Ingestor
from systemzero_capture.intake.known import KnownContents, known_memory
from systemzero_capture.kept.originals import OriginalsPolicy
from systemzero_capture.kept.retention import Collector
from systemzero_capture.peers.diff_client import GrpcDiffClient
from systemzero_capture.peers.eraser import Eraser
from systemzero_capture.peers.notes import NoteMacs
from systemzero_capture.places import PAGE_TOKENS
from systemzero_capture.store import METADATA, SCHEMA, SqlCaptureStore
from systemzero_runtime.calls.reaching import ReachableChannel
from systemzero_runtime.operations.sampler import Sampler
from systemzero_runtime.serving.registry import HandlerRegistry
from systemzero_storage.database.sampler import StoreSampler
from systemzero_storage.sealing import open_sealed
from systemzero_storage.usage.room import StorageQuota
from systemzero_storage.usage.sampler import LOOK_SECONDS, UsageSampler
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
        self._database = open_sealed(settings.data, SCHEMA, settings.database, settings.encryption)
        logger = get_logger(NAME)
        self.loops = loops = Loops(NAME, logger)
        watched = StoreSampler(NAME, settings.data, self._database, logger, loops)
        self._lanes = lanes or Lanes(settings.lanes, loops, LANE_MODULES)
        self._has_own_lanes = lanes is None
        self.sampler = Sampler(NAME, loops, [watched])
        room = StorageQuota(METADATA, msgspec.structs.asdict(settings.quotas))
        store = SqlCaptureStore(self._database, room)
        usage = UsageSampler(NAME, self._database, room)
        self._usage = loops.new("usage", usage.look, pause=LOOK_SECONDS, vital=False)
        self._usages = UsageServicer(self._database, room)
        notifier = self._database.notifier
        self._noticing = loops.new("notifier", notifier.round, pause=notifier.pause, vital=False)
        formats, rules = load_formats(), RulesByTenant(settings.redact)
        diff_client = GrpcDiffClient(diff, signer)
        memory = Lru(settings.known_captures, known_memory, settings.known_bytes)
        ingestor = Ingestor(
            store,
            diff_client,
            KnownContents(memory, store),
            Decoder(self._lanes, formats, rules),
            new_id,
            clock,
        )
        self._collector = Collector(
            *(store, settings.retention, settings.originals, clock, logger, loops),
            with_event=diff_client.with_event,
        )
        secret = load_or_create_secret(settings.data / PAGE_TOKENS)
        tokens, macs = PageTokens(secret), NoteMacs(secret)
        self._eraser = Eraser(store, diff, signer, macs, clock, logger, loops)
        self._servicer = CaptureServicer(
            ingestor,
            store,
            tokens,
            store.followers,
            self._lanes,
            rules,
            settings.stream_window,
            OriginalsPolicy(settings.originals),
            self._eraser,
            diff_client,
        )
        self._trees = TreeServicer(store)

    def register(self, registry: HandlerRegistry) -> None:
        """See `Service.register`."""
        register(registry, self._servicer, self._trees, self._usages)

    async def start(self) -> None:
        """See `Service.start`; what is sealed and can't be opened is not served.

        Raises:
            FailedPrecondition, Unavailable, DataCorrupted: see `SealedDatabase.check_keys`.
        """
        await self._database.check_keys()
        self._collector.start()
        self.sampler.start()
        self._usage.start()
        self._noticing.start()
        if self._has_own_lanes:
            self._lanes.start()
        self._eraser.start()

    async def stop(self) -> None:
        """See `Service.stop`."""
        await self._collector.stop()
        await self.sampler.stop()
        await self._usage.stop()
        await self._noticing.stop()
        await self._eraser.stop()
        if self._has_own_lanes:
            await self._lanes.stop()
        await self._database.close()
