"""Composition root of the diff service."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec

from systemzero_base.clock import micros
from systemzero_base.ids import PageTokens, new_id
from systemzero_base.internal.identity import IdentitySigner
from systemzero_base.lanes.dispatch import Lanes
from systemzero_base.lru import Lru
from systemzero_base.plugins import load_detectors
from systemzero_base.secrets import load_or_create_secret
from systemzero_base.settings.redacting import RulesByTenant
from systemzero_base.telemetry.logs import get_logger
from systemzero_base.work.background import Background, Loops
from systemzero_base.work.pool import Pool
from systemzero_core.errors import DomainError
from systemzero_diff.config import DiffSettings
from systemzero_diff.decisions.decide import Decider
from systemzero_diff.handlers import (
    DiffServicer,
    DriftServicer,
    JudgementServicer,
    LogServicer,
    TemplateServicer,
    register,
)
from systemzero_diff.intake.pairing import Pairing
from systemzero_diff.intake.sources import TreeSources
from systemzero_diff.places import PAGE_TOKENS, log_files
from systemzero_diff.store import LOG, METADATA, SCHEMA, PairingStore, SqlDiffStore
from systemzero_diff.templates.library import TemplateLibrary
from systemzero_diff.templates.sets import TemplateSets
from systemzero_diff.verdicts.check import Checker, judged_memory
from systemzero_diff.verdicts.counts import VerdictCounts
from systemzero_diff.verdicts.judging import Judging
from systemzero_diff.verdicts.searching import Searcher
from systemzero_diff.verdicts.sessions import SessionPaths
from systemzero_evidence.log import LogStore, open_log
from systemzero_evidence.sampler import LogSampler
from systemzero_evidence.signed.witnesses import cosigning
from systemzero_runtime.calls.reaching import ReachableChannel
from systemzero_runtime.operations.sampler import Sampler
from systemzero_runtime.serving.registry import HandlerRegistry
from systemzero_storage.database.sampler import StoreSampler
from systemzero_storage.sealing import open_sealed
from systemzero_storage.usage.room import StorageQuota
from systemzero_storage.usage.sampler import UsageSampler
from systemzero_storage.usage.servicer import UsageServicer

NAME = "diff"
LANE_MODULES = (
    "systemzero_diff.work.approving",
    "systemzero_diff.work.compare",
    "systemzero_diff.work.judging",
    "systemzero_diff.work.templates",
)
"""What lanes import beforehand."""
_WORKERS = 2


class DiffService:
    """The diff service, composed; see `systemzero_runtime.running.service.Service`."""

    name = NAME

    def __init__(
        self,
        settings: DiffSettings,
        capture: ReachableChannel,
        signer: IdentitySigner,
        clock: Callable[[], int] = micros,
        lanes: Lanes | None = None,
    ) -> None:
        """Opens the database; `capture` is a channel to the capture service.

        `lanes` are the process's, where it has some for all its services; whoever made them starts
        and stops them.

        Raises:
            ConfigError: the settings of database or encryption are wrong.
            SchemaMismatch, Unavailable, DataCorrupted: the database can't be used.
            FailedPrecondition, AlreadyExists: a key file or a plug-in can't be used.
        """
        self._settings, self._clock, self._logger = settings, clock, get_logger(NAME)
        self.loops = Loops(NAME, self._logger)
        self._database = open_sealed(settings.data, SCHEMA, settings.database, settings.encryption)
        self._executor = Pool("diff", _WORKERS)
        self._lanes = lanes or Lanes(settings.lanes, self.loops, LANE_MODULES)
        self._has_own_lanes = lanes is None
        self._log = self._open_log()
        self._room = StorageQuota(METADATA, msgspec.structs.asdict(settings.quotas))
        self._store = SqlDiffStore(self._database, self._log, self._room)
        marks = PairingStore(self._database)
        self.pairing = Pairing(marks, capture, signer, self._logger, self.loops)
        self._counts = VerdictCounts(self._store)
        pause = settings.checkpoint_interval
        self._signing = self.loops.new("checkpoints", self._publish, pause=pause)
        self._counting = self.loops.new("counts", self._flush, pause=pause, vital=False)
        self._background = self._signing, self._counting, *self._following()
        self._sets = self._template_sets()
        self.sampler = self._watched()
        rules = RulesByTenant(settings.redact)
        self._sources = TreeSources(capture, signer, self._lanes, rules)
        self._searcher = Searcher(self._executor)
        self._checker = self._new_checker()
        self._tokens = PageTokens(load_or_create_secret(settings.data / PAGE_TOKENS))

    def _following(self) -> Sequence[Background]:
        usage = UsageSampler(NAME, self._database, self._room).loop(self.loops)
        cosigners = cosigning(self.loops, self._log.cosigners)
        return usage, self._database.notifier.loop(self.loops), *cosigners

    def _template_sets(self) -> TemplateSets:
        settings, most = self._settings, self._settings.template_bytes
        of = settings.match.of
        return TemplateSets(self._store, self._executor, time.monotonic, of, most_bytes=most)

    def _new_checker(self) -> Checker:
        settings, clock = self._settings, self._clock
        return Checker(
            self._store,
            self._sets,
            Judging(self._lanes, self._searcher, load_detectors(), clock),
            Lru(settings.known_verdicts, judged_memory, settings.known_bytes),
            Lru(settings.known_drifts, judged_memory, settings.known_bytes),
            SessionPaths(settings.session_days),
            self._counts,
            new_id,
            clock,
        )

    def _open_log(self) -> LogStore:
        settings = self._settings
        files = log_files(settings.data, settings.notes)
        return open_log(self._database, LOG, files, settings.origin, settings.witnesses)

    def _watched(self) -> Sampler:
        loops, looks = self.loops, [self._sets.look]
        store = StoreSampler(NAME, self._settings.data, self._database, self._logger, loops)
        log = LogSampler(NAME, "evidence", self._log, loops)
        return Sampler(
            NAME,
            loops,
            [store, log],
            pools=[self._executor],
            looks=looks,
            conditions={f"{NAME}.captures": self.pairing.apart},
        )

    def register(self, registry: HandlerRegistry) -> None:
        """See `Service.register`."""
        store, sets, sources, clock = self._store, self._sets, self._sources, self._clock
        decider = Decider(store, sets, sources, new_id, clock)
        library = TemplateLibrary(store, sets, new_id, clock)
        register(
            registry,
            DiffServicer(self._checker, sources, sets, self._searcher),
            JudgementServicer(self._checker, sources, self.pairing),
            TemplateServicer(library, store, sources, self._tokens),
            DriftServicer(decider, store, self._counts, self._tokens, store.followers, clock),
            LogServicer(self._log, self._tokens),
            UsageServicer(self._database, self._room),
        )

    async def start(self) -> None:
        """See `Service.start`; a log that does not extend its last checkpoint is not served.

        Raises:
            LogDiverged: the message says how to recover.
            FailedPrecondition, Unavailable, DataCorrupted: what is sealed can't be opened; see
                `SealedDatabase.check_keys`.
        """
        await self._database.check_keys()
        await self._log.check()
        for each in self._background:
            each.start()
        self.pairing.start()
        self.sampler.start()
        if self._has_own_lanes:
            self._lanes.start()

    async def stop(self) -> None:
        """See `Service.stop`."""
        await self.pairing.stop()
        await self.sampler.stop()
        had_started = self._signing.started
        for each in self._background:
            await each.stop()
        if had_started:
            await self._signing.once_more()
            await self._counting.once_more()
        if self._has_own_lanes:
            await self._lanes.stop()
        self._executor.shutdown(cancel_futures=True)
        await self._database.close()

    async def _publish(self) -> None:
        try:
            await self._log.publish_checkpoints()
        except DomainError as error:  # sampler tell, and so does readiness
            self._logger.warning("log.not_signed", reason=error.reason, error=error.message)

    async def _flush(self) -> None:
        try:
            await self._counts.flush()
        except DomainError as error:
            self._logger.warning("counts.not_written", reason=error.reason, error=error.message)
