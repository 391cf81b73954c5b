"""Composition root of the diff service."""

from __future__ import annotations

import time
from collections.abc import Callable

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
from systemzero_diff.intake.sources import TreeSources
from systemzero_diff.places import PAGE_TOKENS, log_files
from systemzero_diff.store import LOG, METADATA, SCHEMA, SqlDiffStore
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
from systemzero_storage.usage.sampler import LOOK_SECONDS, UsageSampler
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
        self._settings = settings
        self._logger = get_logger(NAME)
        self.loops = Loops(NAME, self._logger)
        self._database = open_sealed(settings.data, SCHEMA, settings.database, settings.encryption)
        self._executor = Pool("diff", _WORKERS)
        self._lanes = lanes or Lanes(settings.lanes, self.loops, LANE_MODULES)
        self._has_own_lanes = lanes is None
        self._log = self._open_log()
        room = StorageQuota(METADATA, msgspec.structs.asdict(settings.quotas))
        store = SqlDiffStore(self._database, self._log, room)
        usage = UsageSampler(NAME, self._database, room)
        self._usage = self.loops.new("usage", usage.look, pause=LOOK_SECONDS, vital=False)
        self._usages = UsageServicer(self._database, room)
        self._noticing = self._new_noticing()
        self._counts = VerdictCounts(store)
        pause = settings.checkpoint_interval
        self._signing = self.loops.new("checkpoints", self._publish, pause=pause)
        self._counting = self.loops.new("counts", self._flush, pause=pause, vital=False)
        self._cosigning = cosigning(self.loops, self._log.cosigners)
        sets = TemplateSets(
            store,
            self._executor,
            time.monotonic,
            settings.match.of,
            most_bytes=settings.template_bytes,
        )
        self.sampler = self._watched(sets)
        rules = RulesByTenant(settings.redact)
        sources = TreeSources(capture, signer, self._lanes, rules)
        detectors, searcher = load_detectors(), Searcher(self._executor)
        checker = Checker(
            store,
            sets,
            Judging(self._lanes, searcher, detectors, clock),
            Lru(settings.known_verdicts, judged_memory, settings.known_bytes),
            Lru(settings.known_drifts, judged_memory, settings.known_bytes),
            SessionPaths(settings.session_days),
            self._counts,
            new_id,
            clock,
        )
        decider = Decider(store, sets, sources, new_id, clock)
        library = TemplateLibrary(store, sets, new_id, clock)
        tokens = PageTokens(load_or_create_secret(settings.data / PAGE_TOKENS))
        self._diff = DiffServicer(checker, sources, sets, searcher)
        self._judgements = JudgementServicer(checker, sources)
        self._templates = TemplateServicer(library, store, sources, tokens)
        self._drift = DriftServicer(decider, store, self._counts, tokens, store.followers, clock)
        self._logs = LogServicer(self._log, tokens)

    def _new_noticing(self) -> Background:
        notifier = self._database.notifier
        return self.loops.new("notifier", notifier.round, pause=notifier.pause, vital=False)

    def _open_log(self) -> LogStore:
        settings = self._settings
        files = log_files(settings.data)
        return open_log(self._database, LOG, files, settings.origin, settings.witnesses)

    def _watched(self, sets: TemplateSets) -> Sampler:
        loops = self.loops
        store = StoreSampler(NAME, self._settings.data, self._database, self._logger, loops)
        log = LogSampler(NAME, "evidence", self._log, loops)
        return Sampler(NAME, loops, [store, log], pools=[self._executor], looks=[sets.look])

    def register(self, registry: HandlerRegistry) -> None:
        """See `Service.register`."""
        handlers = (self._diff, self._judgements, self._templates, self._drift, self._logs)
        register(registry, *handlers, self._usages)

    async def start(self) -> None:
        """See `Service.start`; a log that does not extend its last checkpoint is not served.

        Raises:
            LogDiverged: the message says how to recover.
            FailedPrecondition, Unavailable, DataCorrupted: what is sealed can't be opened; see
                `SealedDatabase.check_keys`.
        """
        await self._database.check_keys()
        await self._log.check()
        for each in (self._signing, self._counting, self._usage, self._noticing, *self._cosigning):
            each.start()
        self.sampler.start()
        if self._has_own_lanes:
            self._lanes.start()

    async def stop(self) -> None:
        """See `Service.stop`."""
        await self.sampler.stop()
        had_started = self._signing.started
        for each in (self._signing, self._counting, self._usage, self._noticing, *self._cosigning):
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
