"""`sz events`, the decisions about them, and `sz summary`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from systemzero_client.cli.options import Until, decision_options
from systemzero_client.cli.output import to_dict
from systemzero_client.cli.remote import Remote, first, remote
from systemzero_client.cli.terminal import note
from systemzero_client.cli.text import printable, time_text

if TYPE_CHECKING:
    from systemzero.diff.v1 import drift_service_pb2
    from systemzero_client.errors import SystemZeroError

_GROUP_SCREENS = 5
SEVERITIES = ("info", "warning", "critical")
"""How severe drift may be, in the contract's words, the least first."""


@click.command()
@click.argument("event", default="")
@click.option("--open", "only_open", is_flag=True, help="Only those nobody has decided about.")
@click.option("--screen", default="", help="Only those of a screen.")
@click.option("--severity", type=click.Choice(SEVERITIES), help="This or worse.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many.")
@click.option("--watch", is_flag=True, help="Show events as they happen, until Ctrl-C.")
@click.option("--cursor", default="", help="With --watch: go on after this cursor.")
@click.option("--from-start", is_flag=True, help="With --watch: from the first event ever.")
@remote
async def events(remote: Remote, event: str, watch: bool, **flags: Any) -> None:
    """List drift events, newest first; with EVENT, show one whole."""
    from systemzero_client.cli.verdicts import event_lines, verdict_lines

    if event:
        found = await remote.client.events.get(event)
        lines = event_lines(found, full=True)
        lines += verdict_lines(found.verdict, "", all_edits=True, colour=remote.output.colour)
        remote.output.result(to_dict(found), lines)
    elif watch:
        await _watch(remote, flags["cursor"], flags["limit"], from_start=flags["from_start"])
    else:
        await _list(remote, flags)


async def _list(remote: Remote, flags: dict[str, Any]) -> None:
    from systemzero.diff.v1 import drift_service_pb2, verdict_pb2
    from systemzero_client.cli.verdicts import event_lines

    limit = flags["limit"]
    severity = f"SEVERITY_{(flags['severity'] or 'unspecified').upper()}"
    events = remote.client.events.list(
        state=(
            drift_service_pb2.EVENT_STATE_OPEN
            if flags["only_open"]
            else drift_service_pb2.EVENT_STATE_UNSPECIFIED
        ),
        screen_id=flags["screen"],
        min_severity=verdict_pb2.Severity.Value(severity),
        page_size=min(limit or 200, 200),
    )
    async for event in first(events, limit):
        value = to_dict(event) if remote.output.as_json else {}  # of a large verdict it takes long
        remote.output.result(value, event_lines(event, full=True))


async def _watch(remote: Remote, cursor: str, limit: int | None, *, from_start: bool) -> None:
    from systemzero_client.cli.verdicts import event_lines

    def on_retry(error: SystemZeroError, pause: float) -> None:
        note(f"sz events: interrupted ({printable(error.message)}), again in {pause:.1f} s")

    watch = remote.client.events.watch(cursor, from_start=from_start, on_retry=on_retry)
    async for watched in first(watch, limit):
        value = {"event": to_dict(watched.event), "cursor": watched.cursor}
        remote.output.result(value, event_lines(watched.event))


@click.command()
@click.argument("event")
@decision_options
@click.option("--until", type=Until(), help="A time or a span (7d); for good if not given.")
@click.option("--pattern", is_flag=True, help="Any other value of the same type there, too.")
@remote
async def approve(
    remote: Remote, event: str, reason: str, scope: str, until: datetime | None, pattern: bool
) -> None:
    """Approve an event's change: it becomes part of the template.

    Exactly the values that the event shows are approved. With --pattern, the new template version
    lets pass any value of the same type in their places: any number, amount, date, and so on.
    """
    from systemzero_client.cli.verdicts import decision_scope, event_lines

    if pattern and (until or scope != "screen"):
        raise click.UsageError("--pattern is policy of the template: without --until and --scope")
    done: drift_service_pb2.ApproveEventResponse | drift_service_pb2.ApprovePatternResponse
    if pattern:
        done = await remote.client.events.approve_pattern(event, reason)
    else:
        done = await remote.client.events.approve(
            event, reason, scope=decision_scope(scope), until=until
        )
    lines = event_lines(done.event, full=True)
    lines += [f"  any {printable(each)}" for each in done.event.decision.patterns]
    if done.HasField("template"):
        template = done.template
        lines.append(f"  {template.template_id} is at version {template.version} now")
    remote.output.result(to_dict(done), lines)


@click.command()
@click.argument("event")
@decision_options
@remote
async def reject(remote: Remote, event: str, reason: str, scope: str) -> None:
    """Reject an event's change: it is more severe when it comes back."""
    from systemzero_client.cli.verdicts import decision_scope, event_lines

    done = await remote.client.events.reject(event, reason, scope=decision_scope(scope))
    remote.output.result({"event": to_dict(done)}, event_lines(done, full=True))


@click.command()
@click.argument("event")
@decision_options
@click.option("--until", type=Until(), required=True, help="A time or a span (7d, 12h).")
@remote
async def snooze(remote: Remote, event: str, reason: str, scope: str, until: datetime) -> None:
    """Keep an event quiet for a while."""
    from systemzero_client.cli.verdicts import decision_scope, event_lines

    done = await remote.client.events.snooze(event, reason, until, scope=decision_scope(scope))
    remote.output.result({"event": to_dict(done)}, event_lines(done, full=True))


@click.command()
@remote
async def summary(remote: Remote) -> None:
    """Compliance, counts and trend of the last 30 days."""
    from systemzero_client.cli.verdicts import kind_name, severity_name

    found = await remote.client.events.summary()
    lines = [f"compliance {found.compliance:.1%}, {found.open_events} open events"]
    lines += [f"  {kind_name(row.kind)}: {row.count}" for row in found.verdicts]
    lines += [f"  {severity_name(row.severity)} events: {row.count}" for row in found.events]
    lines += [line for group in found.groups for line in _group_lines(group)]
    lines += [
        f"  {day.day}: {day.verdicts} verdicts, {day.events} events"
        for day in found.days
        if day.verdicts
    ]
    remote.output.result(to_dict(found), lines)


def _group_lines(group: drift_service_pb2.EventGroup) -> list[str]:
    from systemzero_client.cli.verdicts import severity_name

    screens = ", ".join(map(printable, group.screen_ids[:_GROUP_SCREENS]))
    more = group.screens - min(len(group.screen_ids), _GROUP_SCREENS)
    return [
        f"  {group.events} events ({group.open_events} open, {severity_name(group.severity)}) "
        f"of one change on {screens}" + (f" and {more} more" if more else ""),
        *(f"      {printable(sentence)}" for sentence in group.sentences),
        f"      last {group.last_event_id}  {time_text(group.last_time)}",
    ]
