"""What a judgement says, as values.

Invariants:
1. A judgement whose policy-filtered edits are empty is UNCHANGED, of severity info, with
   similarity 1 and an empty fingerprint. It is never an event, whatever detectors found.
2. What the policy ignores is in no edit, no finding, no figure and no fingerprint.
3. Times are integers: microseconds since the Unix epoch, UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

import msgspec

from systemzero_core.diff import Edit, EditScript, PathStep
from systemzero_core.overlay import Overlay
from systemzero_core.template.model import Template
from systemzero_core.tree import Tree


class Verdict(StrEnum):
    """The answer to: is this screen still the one that was approved?"""

    UNCHANGED = "unchanged"
    DRIFT = "drift"
    UNKNOWN_SCREEN = "unknown_screen"
    INCONCLUSIVE = "inconclusive"


class Severity(StrEnum):
    """How much a change matters; ordered by `rank`."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for info, 1 for warning, 2 for critical."""
        return _RANKS[self]

    def raised(self) -> Severity:
        """One step up; critical stays."""
        return _ORDER[min(self.rank + 1, 2)]


_ORDER = (Severity.INFO, Severity.WARNING, Severity.CRITICAL)
_RANKS = {severity: rank for rank, severity in enumerate(_ORDER)}


class PlaceDigests(NamedTuple):
    """What stands for the place of an edit: 32 hex digits each; see `places.py`.

    Attributes:
        exact: equal for the very same place of the same screen.
        like: equal for places of other screens, too, that differ in no more than what is beside.
    """

    exact: str = ""
    like: str = ""


class JudgedEdit(msgspec.Struct, frozen=True, omit_defaults=True):
    """An edit that the policy let through, and what it counts for.

    Attributes:
        edit: the edit, reduced to what counts. `places` and `nodes` hold the counting nodes alone:
            a judged edit explains, it is not to be applied.
        weight: its share of the similarity that was lost, in [0, 1].
        volatile: it only changes live values of the same shape: a clock, a duration, a count.
        fingerprint: 64 hex digits (32 bytes); equal for alike edits on any screen, version or day.
        values_digest: 64 hex digits; equal for edits of the same values alone.
        place: where it is, and which of equal ones there it is.
        whole: whether people are shown all of its values; no approval and no snooze covers another.
    """

    edit: Edit
    weight: float
    volatile: bool
    fingerprint: str
    values_digest: str
    place: PlaceDigests = PlaceDigests()
    whole: bool = True

    @property
    def shown(self) -> tuple[str, str]:
        """What tells it from all other edits of its screen: its values, and its place."""
        return self.values_digest, self.place.exact


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that a detector saw.

    Attributes:
        detector: the detector's name.
        code: what was seen, a stable word such as `control_removed`.
        severity: how much it matters by itself.
        message: a sentence.
        path: the node, from the root; empty when it is about a session.
        node: its index in the baseline, or -1.
        target: its index in the capture, or -1.
        digest: of all that it says, and of its place; set by `judge`. 64 hex digits.
    """

    detector: str
    code: str
    severity: Severity
    message: str
    path: tuple[PathStep, ...] = ()
    node: int = -1
    target: int = -1
    digest: str = ""


class Judgement(msgspec.Struct, frozen=True):
    """The verdict on one capture, and what it rests on.

    Attributes:
        verdict: the verdict.
        similarity: 1 where nothing differs that counts, down to 0.
        severity: info unless the verdict is DRIFT.
        edits: what differs and counts.
        findings: what detectors saw, most severe first.
        fingerprint: 64 hex digits over the edits' fingerprints; empty without edits.
        reasons: why a verdict is INCONCLUSIVE or UNKNOWN_SCREEN, and what was approximated.
        template_id: the template judged against, or empty.
        template_version: its version, or 0.
        overlays: what came over the screen, told apart from it.
        beneath: the verdict on the screen by itself; None where nothing came over it. INCONCLUSIVE
            where the capture has nothing of it.
    """

    verdict: Verdict
    similarity: float = 1.0
    severity: Severity = Severity.INFO
    edits: tuple[JudgedEdit, ...] = ()
    findings: tuple[Finding, ...] = ()
    fingerprint: str = ""
    reasons: tuple[str, ...] = ()
    template_id: str = ""
    template_version: int = 0
    overlays: tuple[Overlay, ...] = ()
    beneath: Verdict | None = None


class SessionCapture(msgspec.Struct, frozen=True):
    """One capture of a session.

    Attributes:
        screen_id: the screen it was recognised as; empty for an unknown one.
        time: when it was captured, in microseconds since the epoch.
    """

    screen_id: str
    time: int


class Context(msgspec.Struct, frozen=True):
    """What a detector may look at.

    Attributes:
        template: the template judged against; its `tree` is set.
        capture: the capture's tree in normal form.
        script: the exact edit script from the template's tree to the capture.
        edits: what the policy let through.
        ignored: indices of the capture's nodes that the policy ignores.
        row_violations: (index of a policy's rule, index of a node of the capture) to the number of
            rows below that node, where the rule wants more or fewer.
        session: the visits of the capture's session up to and with this one, oldest first.
        transitions: screen id to the screens that may follow it; none said where it is empty.
    """

    template: Template
    capture: Tree
    script: EditScript
    edits: tuple[JudgedEdit, ...]
    ignored: frozenset[int] = frozenset()
    row_violations: Mapping[tuple[int, int], int] = {}
    session: tuple[SessionCapture, ...] = ()
    transitions: Mapping[str, Sequence[str]] = {}


class Detector(Protocol):
    """A plug-in of the entry point group `systemzero.detectors`.

    MUST be pure, deterministic and linear in the size of its context.
    """

    @property
    def name(self) -> str:
        """Stable and unique; stands in every finding."""

    def __call__(self, context: Context) -> Iterable[Finding]:
        """What it sees."""


class DecisionKind(StrEnum):
    """What a person decided about a change."""

    APPROVE = "approve"
    REJECT = "reject"
    SNOOZE = "snooze"


class DecisionScope(StrEnum):
    """How far a decision reaches."""

    NODE = "node"
    SUBTREE = "subtree"
    SCREEN = "screen"
    APP = "app"
    TENANT = "tenant"


class CoveredEdit(NamedTuple):
    """An edit that a decision speaks of: its values digest, and its place."""

    values_digest: str
    place: PlaceDigests


class Decision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person's word on changes, remembered.

    Attributes:
        decision_id: identity; the later of two decisions holds (`create_time`, then this).
        kind: what was decided.
        scope: how far it reaches: the same edits at the same places of the same screen (`node`,
            `subtree`, `screen`), and at like places of the same app or tenant.
        edits: the edits it was taken on.
        findings: digests of what detectors had found that it was shown.
        screen_id: the screen it was taken on; bounds the scopes node, subtree and screen.
        app: the app it was taken on; bounds the scope app.
        reason: why, in the person's words.
        actor: who.
        create_time: when it was taken.
        expire_time: until when it holds; None for ever. A snooze always has one.
        patterns: what was let pass besides, in words: the template's policy has the rules.
    """

    decision_id: str
    kind: DecisionKind
    scope: DecisionScope
    edits: tuple[CoveredEdit, ...]
    findings: tuple[str, ...] = ()
    screen_id: str = ""
    app: str = ""
    reason: str = ""
    actor: str = ""
    create_time: int
    expire_time: int | None = None
    patterns: tuple[str, ...] = ()


class EventState(StrEnum):
    """What decisions make of a judgement."""

    OPEN = "open"
    SUPPRESSED = "suppressed"
    RAISED = "raised"


class Resolution(msgspec.Struct, frozen=True):
    """A judgement in the light of decisions.

    Attributes:
        state: open; suppressed (every edit is covered by an approval or a snooze); raised (some
            edit was rejected before).
        severity: of what is open, after raising; info when suppressed.
        open_edits: the edits that no approval or snooze covers, and those that a finding is about
            which none was shown; those of boxes alone come last.
        findings: those of the judgement, first those that no approval or snooze was shown.
        decisions: ids of the decisions that had a say, in the order of the edits.
        reopen_time: when the first snooze in play ends; None without one.
        fingerprint: of the open edits, so that what was approved before splits no group of events;
            empty without any.
        values_digest: of the open edits, each with its values and its place, and of the findings
            that nobody was shown; empty without open edits.
    """

    state: EventState
    severity: Severity
    open_edits: tuple[JudgedEdit, ...]
    findings: tuple[Finding, ...] = ()
    decisions: tuple[str, ...] = ()
    reopen_time: int | None = None
    fingerprint: str = ""
    values_digest: str = ""
