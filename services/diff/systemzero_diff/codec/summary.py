"""The summary's figures as a message."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from systemzero.diff.v1 import drift_service_pb2 as pb
from systemzero.diff.v1 import verdict_pb2
from systemzero_diff.model import Counts, Group
from systemzero_wire import fields

_SENTENCES = 3
_CONCLUSIVE_GOOD = ("unchanged",)
_CONCLUSIVE = ("unchanged", "drift", "unknown_screen")
_SEVERITIES = (
    verdict_pb2.SEVERITY_INFO,
    verdict_pb2.SEVERITY_WARNING,
    verdict_pb2.SEVERITY_CRITICAL,
)


def encode_summary(counts: Counts, days: Sequence[str]) -> pb.GetSummaryResponse:
    """The summary; one row for each of `days`."""
    kinds: Counter[str] = Counter()
    severities: Counter[int] = Counter()
    verdicts_by_day: Counter[str] = Counter()
    events_by_day: Counter[str] = Counter()
    for day, kind, count in counts.verdicts:
        kinds[kind] += count
        verdicts_by_day[day] += count
    for day, severity, count in counts.events:
        severities[severity] += count
        events_by_day[day] += count
    conclusive = sum(kinds[kind] for kind in _CONCLUSIVE)
    good = sum(kinds[kind] for kind in _CONCLUSIVE_GOOD)
    return pb.GetSummaryResponse(
        compliance=good / conclusive if conclusive else 1.0,
        verdicts=[
            pb.VerdictCount(kind=_kind(kind), count=count) for kind, count in sorted(kinds.items())
        ],
        events=[
            pb.SeverityCount(severity=_SEVERITIES[rank], count=count)
            for rank, count in sorted(severities.items())
        ],
        days=[
            pb.DayCount(day=day, verdicts=verdicts_by_day[day], events=events_by_day[day])
            for day in days
        ],
        open_events=counts.open_events,
        groups=map(_group, counts.groups),
    )


def _group(group: Group) -> pb.EventGroup:
    script = verdict_pb2.Verdict.FromString(group.last.verdict).script
    return pb.EventGroup(
        fingerprint=group.fingerprint,
        events=group.events,
        open_events=group.open_events,
        severity=_SEVERITIES[group.severity],
        screen_ids=group.screen_ids,
        screens=group.screens,
        first_time=fields.timestamp(group.first_time),
        last_time=fields.timestamp(group.last_time),
        last_event_id=group.last.event_id,
        sentences=[edit.sentence for edit in script.edits[:_SENTENCES]],
    )


def _kind(word: str) -> verdict_pb2.VerdictKind.ValueType:
    return verdict_pb2.VerdictKind.Value(f"VERDICT_KIND_{word.upper()}")
