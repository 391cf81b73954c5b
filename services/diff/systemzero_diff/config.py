"""Settings of the diff service: a YAML file, then `SZ_DIFF_*` in the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from systemzero_base.lanes.settings import LaneSettings
from systemzero_base.settings.config import Address, AddressOrNowhere, Count, Seconds, Settings
from systemzero_base.settings.redacting import RedactSettings
from systemzero_base.telemetry.logs import LogSettings
from systemzero_base.telemetry.tracing import TraceSettings
from systemzero_core.match import DEFAULT_THRESHOLDS, DEFAULT_WEIGHTS, Thresholds, Weights
from systemzero_evidence.log import Witness
from systemzero_runtime.operations.ops import OpsSettings
from systemzero_runtime.serving.tls import BackendTlsSettings, TlsSettings
from systemzero_storage.database import DatabaseSettings
from systemzero_storage.sealing import EncryptionSettings

ENVIRONMENT_PREFIX = "SZ_DIFF_"


class TenantMatch(Settings, frozen=True, kw_only=True):
    """How one tenant's captures are matched, where not as everybody's.

    Attributes:
        weights: in the place of the service's; a feature left out has its built-in weight.
        thresholds: the same of the thresholds.
    """

    weights: Weights | None = None
    thresholds: Thresholds | None = None


class MatchSettings(Settings, frozen=True, kw_only=True):
    """How captures are matched to templates; `docs/design/match.md` says what each figure does.

    Attributes:
        weights: how much each feature counts, relative to the others; 0 leaves it out.
        thresholds: from which score on a template is taken for the screen.
        tenants: other settings for the template sets of some tenants, by tenant id.
    """

    weights: Weights = DEFAULT_WEIGHTS
    thresholds: Thresholds = DEFAULT_THRESHOLDS
    tenants: dict[str, TenantMatch] = msgspec.field(default_factory=dict)

    def of(self, tenant: str) -> tuple[Weights, Thresholds]:
        """What holds for a tenant's template set."""
        own = self.tenants.get(tenant, TenantMatch())
        return own.weights or self.weights, own.thresholds or self.thresholds


class DiffOpsSettings(OpsSettings, frozen=True, kw_only=True):
    """Where operators ask; other ports than the gateway's, for all on one machine."""

    listen: AddressOrNowhere = "127.0.0.1:9484"
    channelz: AddressOrNowhere = "127.0.0.1:9485"


Limit = Annotated[int, msgspec.Meta(ge=0)]
"""A number that bounds something; 0 for no bound."""


class DiffQuotas(Settings, frozen=True, kw_only=True):
    """How much a tenant may store here that has no quotas of its own; 0 for any amount.

    Attributes:
        stored_bytes: of all rows, as they are stored: templates, events, the log.
        templates: that are there now, whatever the number of their versions.
        events: of captures that are not deleted.
    """

    stored_bytes: Limit = 10_000_000_000
    templates: Limit = 10_000
    events: Limit = 1_000_000


class DiffSettings(Settings, frozen=True, kw_only=True):
    """What can be set.

    Attributes:
        listen: `host:port` of the gRPC server; port 0 picks one.
        health: `host:port` on which `grpc.health.v1` alone is served, in the clear, for probes;
            empty for nowhere.
        data: folder of the database and keys, created with mode 0700.
        notes: folder of what the service notes down while it runs, for its next start, where `data`
            holds keys that are mounted to be read alone; `data` where none is set.
        database: PostgreSQL in the place of the SQLite file in `data`.
        encryption: encryption at rest of templates, verdicts, decisions and what the log says of
            them; none, if nothing is set.
        trust: folder in which services publish the public keys of their identities.
        tls: TLS on the service's port; none is in the clear.
        backend_tls: TLS to the capture service; none is in the clear.
        capture: target of the capture service.
        origin: the start of every tenant's log name; choose it once, it stands in every checkpoint.
            Empty for one that is made up at the first start and kept in the data folder.
        ops: metrics, health and channelz for operators; standalone has the gateway's alone.
        log: what is logged, and where to.
        traces: which calls are traced beside those that are sampled.
        grace: seconds that calls in flight get at shutdown.
        witnesses: who is to cosign the log's checkpoints: the `url` below which each takes them
            (`add-checkpoint`), and its `key`, a C2SP verifier key of type 4.
        checkpoint_interval: seconds between checkpoints of a log that grows.
        known_verdicts: how many verdicts without an event are kept in memory.
        known_drifts: how many verdicts of drift are kept in memory; each has all its edits.
        known_bytes: memory, in bytes, that either of both takes at most, however large each is.
        template_bytes: memory, in bytes, for templates of all tenants: packed, in indexes, and
            ready to be compared with. A tenant's packed ones and its index may take three quarters.
        session_days: how long the path of a session is remembered at least after it was seen last;
            twice as long at most.
        lanes: processes for large work; standalone has its own for all services.
        match: how captures are matched to templates.
        redact: which texts of captures are secrets, and never kept; the same in the capture
            service.
        quotas: how much a tenant may store.
    """

    listen: Address = "127.0.0.1:50053"
    health: AddressOrNowhere = ""
    data: Path = Path("data/diff")
    notes: Path | None = None
    database: DatabaseSettings = DatabaseSettings()
    encryption: EncryptionSettings = EncryptionSettings()
    trust: Path = Path("data/trust")
    tls: TlsSettings | None = None
    backend_tls: BackendTlsSettings | None = None
    capture: str = "127.0.0.1:50052"
    origin: str = ""
    ops: DiffOpsSettings = DiffOpsSettings()
    log: LogSettings = LogSettings()
    traces: TraceSettings = TraceSettings()
    grace: Seconds = 10.0
    checkpoint_interval: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    witnesses: tuple[Witness, ...] = ()
    known_verdicts: Count = 20_000
    known_drifts: Count = 500
    known_bytes: Annotated[int, msgspec.Meta(ge=1_000_000)] = 64_000_000
    template_bytes: Annotated[int, msgspec.Meta(ge=1_000_000)] = 256_000_000
    session_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 1
    lanes: LaneSettings = LaneSettings()
    match: MatchSettings = MatchSettings()
    redact: RedactSettings = RedactSettings()
    quotas: DiffQuotas = DiffQuotas()

    @property
    def noted(self) -> Path:
        """The folder of what the service notes down while it runs."""
        return self.data if self.notes is None else self.notes
