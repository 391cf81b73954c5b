"""`sz audit`: what the gateway decided about whom, verified as the evidence log is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from systemzero_client.cli.exits import Exit
from systemzero_client.cli.logs import (
    format_option,
    key_option,
    max_bytes_option,
    reported,
    target_option,
    tell_key,
    verify_file,
    verifying,
    write_export,
)
from systemzero_client.cli.options import json_option
from systemzero_client.cli.output import Output, Progress, to_dict
from systemzero_client.cli.remote import (
    Remote,
    Wanted,
    first,
    remote,
    run_remote,
    server_options,
)
from systemzero_client.cli.text import printable, time_text

if TYPE_CHECKING:
    from systemzero_core.tlog import ExportReport


@click.group()
def audit() -> None:
    """List, export and verify the gateway's audit log."""


@audit.command("list")
@click.option("--start", default=0, help="The first index.")
@click.option("--limit", default=50, type=click.IntRange(min=1), help="At most so many (50).")
@remote
async def list_entries(remote: Remote, start: int, limit: int) -> None:
    """List who did what, from where, and what was decided, as the server tells it."""
    found = remote.client.audit.entries(start=start, page_size=min(limit, 200))
    async for entry in first(found, limit):
        line = f"{entry.index}  {time_text(entry.create_time)}  {_told(entry.body)}"
        remote.output.result(to_dict(entry), [line])


@audit.command()
@format_option
@target_option
@max_bytes_option
@remote
async def export(remote: Remote, form: str, target: str, max_bytes: int) -> None:
    """Write the whole log as a document; jsonl can be verified offline."""
    await write_export(remote, remote.client.audit, form, target, max_bytes)


@audit.command()
@click.option("--file", "file", default="", help="An export to verify, offline.")
@key_option
@max_bytes_option
@server_options
@json_option
def verify(file: str, key: str, max_bytes: int, wanted: Wanted, as_json: bool) -> Exit:
    """Verify every entry of the log, or of an exported file.

    What is believed, and kept for the next time, is as with `sz log verify`.
    """
    output = Output(as_json=as_json)
    with Progress() as progress:

        def show(done: int) -> None:
            progress.show(done, "entries")

        if file:
            return verifying(output, lambda: verify_file(file, key, show, audit=True), reported)

        async def online(remote: Remote) -> ExportReport:
            from systemzero_client.verify import LogVerifier

            verifier = LogVerifier(remote.client, key=key, audit=True, max_bytes=max_bytes)
            try:
                return await verifier.everything(progress=show)
            finally:
                tell_key(verifier)

        return verifying(output, lambda: run_remote(wanted, output, online), reported)


def _told(body: bytes) -> str:
    """An entry in a line, whatever the server put into it."""
    try:
        found: dict[str, Any] = json.loads(body)
        words = [found["decision"], found["method"], found["principal"] or "(unknown)"]
        words += [found["address"], found["reason"], f"x{found['times']}"]
    except (ValueError, KeyError, TypeError):
        return printable(body.decode(errors="replace"))
    return printable("  ".join(str(word) for word in words if word))
