"""`sz log`: evidence, verified here and never taken on the server's word."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

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
from systemzero_client.writing import write_whole

if TYPE_CHECKING:
    from systemzero_client.evidence import Shown
    from systemzero_client.witnesses import Witnessed
    from systemzero_core.tlog import Checkpoint, Entry, ExportReport, VerifiedBundle


class _Online(NamedTuple):
    """What was verified of a server's log."""

    report: ExportReport
    witnessed: Witnessed | None


class _Evidence(NamedTuple):
    """An entry that was proven, and what became of the capture that it speaks of."""

    verified: VerifiedBundle
    shown: Shown | None


_MAX_BODY = 300
"""Characters of a body that people are shown."""


@click.group()
def log() -> None:
    """Verify, export and prove the evidence log."""


@log.command()
@click.option("--start", default=0, help="The first index.")
@click.option("--limit", default=50, type=click.IntRange(min=1), help="At most so many (50).")
@remote
async def entries(remote: Remote, start: int, limit: int) -> None:
    """List entries, as the server tells them."""
    found = remote.client.log.entries(start=start, page_size=min(limit, 200))
    async for entry in first(found, limit):
        line = f"{entry.index}  {time_text(entry.create_time)}  {printable(entry.kind)}"
        remote.output.result(to_dict(entry), [line])


@log.command()
@click.option("--file", "file", default="", help="An export to verify, offline.")
@click.option("--tiles", "tiles_folder", default="", help="A folder of tiles to verify, offline.")
@key_option
@click.option(
    "--witness",
    "witness_keys",
    multiple=True,
    metavar="VKEY",
    help="A witness who must have cosigned the log; may be given again.",
)
@click.option(
    "--witnesses",
    "quorum",
    default=0,
    type=click.IntRange(min=0),
    help="How many of the witnesses; all if not given.",
)
@max_bytes_option
@server_options
@json_option
def verify(
    file: str,
    tiles_folder: str,
    key: str,
    witness_keys: tuple[str, ...],
    quorum: int,
    max_bytes: int,
    wanted: Wanted,
    as_json: bool,
) -> Exit:
    """Verify every entry of the log, or of an exported file, or of a folder of tiles.

    The key is trusted on first use and pinned, with the checkpoint that was verified last: from
    then on a log that was rewritten or cut is found out. Witnesses vouch that others are shown the
    same log. Failure: exit status 2, and the entry.
    """
    if bool(file) + bool(tiles_folder) + bool(witness_keys) > 1:
        raise click.UsageError("one of --file, --tiles and --witness: the last needs the server")
    output = Output(as_json=as_json)
    from systemzero_client.tiles import TileFolder
    from systemzero_client.witnesses import Witnesses

    witnesses = Witnesses.parse(witness_keys, quorum)
    with Progress() as progress:

        def show(done: int) -> None:
            progress.show(done, "entries")

        if file:
            return verifying(output, lambda: verify_file(file, key, show), reported)
        if tiles_folder:
            folder = TileFolder(Path(tiles_folder))
            return verifying(output, lambda: folder.verify(key=key, progress=show), _whole)

        async def online(remote: Remote) -> _Online:
            from systemzero_client.verify import LogVerifier

            verifier = LogVerifier(
                remote.client,
                key=key,
                witnesses=witnesses if witness_keys else None,
                max_bytes=max_bytes,
            )
            try:
                return _Online(await verifier.everything(progress=show), verifier.witnessed)
            finally:
                tell_key(verifier)

        return verifying(output, lambda: run_remote(wanted, output, online), _online_report)


@log.command()
@format_option
@target_option
@max_bytes_option
@remote
async def export(remote: Remote, form: str, target: str, max_bytes: int) -> None:
    """Write the whole log as a document; jsonl can be verified offline."""
    await write_export(remote, remote.client.log, form, target, max_bytes)


@log.command()
@click.argument("folder", type=click.Path(file_okay=False))
@key_option
@max_bytes_option
@server_options
@json_option
def tiles(folder: str, key: str, max_bytes: int, wanted: Wanted, as_json: bool) -> Exit:
    """Mirror the log into FOLDER as C2SP tiles, for any static file server; again to update it.

    What is new is fetched, and verified before any of it is written. Tiles hold leaves, not bodies.
    """
    output = Output(as_json=as_json)
    with Progress() as progress:

        async def online(remote: Remote) -> Checkpoint:
            from systemzero_client.tiles import TileFolder
            from systemzero_client.verify import LogVerifier

            verifier = LogVerifier(remote.client, key=key, max_bytes=max_bytes)
            try:
                report = await TileFolder(Path(folder)).update(
                    verifier, progress=lambda done: progress.show(done, "entries")
                )
                return report.checkpoint
            finally:
                tell_key(verifier)

        return verifying(output, lambda: run_remote(wanted, output, online), _whole)


@log.command()
@click.argument("index", type=int, required=False)
@click.option("target", "-o", "--output", default="", help="Keep the bundle in a file.")
@click.option("--verify", "file", default="", help="A bundle to verify, offline.")
@key_option
@server_options
@json_option
def proof(
    index: int | None, target: str, file: str, key: str, wanted: Wanted, as_json: bool
) -> Exit:
    """Prove that entry INDEX is in the log, or verify a bundle that says so.

    Of a drift event it is shown, too, that its capture is the one that was recorded.
    """
    output = Output(as_json=as_json)
    if (index is None) == (not file):
        raise click.UsageError("either an INDEX or --verify FILE")
    if file:
        from systemzero_client.offline import verify_bundle_file

        return verifying(output, lambda: verify_bundle_file(Path(file), key=key), _proven)

    async def online(remote: Remote) -> _Evidence:
        from systemzero_client.evidence import check_capture
        from systemzero_client.verify import LogVerifier

        verifier = LogVerifier(remote.client, key=key)
        try:
            verified, bundle = await verifier.entry(index or 0)
        finally:
            tell_key(verifier)
        if target:
            write_whole(Path(target), bundle)
        return _Evidence(verified, await check_capture(remote.client, verified.entry))

    return verifying(output, lambda: run_remote(wanted, output, online), _evidence)


def _whole(checkpoint: Checkpoint) -> tuple[dict[str, Any], list[str]]:
    root = checkpoint.root.hex()
    value = {"origin": checkpoint.origin, "size": checkpoint.size, "root": root}
    lines = [
        f"VERIFIED {checkpoint.origin}: {checkpoint.size} entries",
        f"  root hash {root}",
    ]
    return value, lines


def _online_report(found: _Online) -> tuple[dict[str, Any], list[str]]:
    value, lines = reported(found.report)
    if found.witnessed is not None:
        size, cosignatures = found.witnessed
        names = [each.witness.name for each in cosignatures]
        value["witnessed"] = {
            "size": size,
            "cosignatures": [{"witness": c.witness.name, "time": c.time} for c in cosignatures],
        }
        lines.append(f"  the first {size} entries are witnessed by {', '.join(names)}")
    return value, lines


def _proven(verified: VerifiedBundle) -> tuple[dict[str, Any], list[str]]:
    entry, checkpoint, extends = verified.entry, verified.checkpoint, verified.extends
    value = {
        "origin": checkpoint.origin,
        "index": entry.index,
        "kind": entry.kind,
        "create_time": entry.create_time,
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
        "extends": extends.size if extends else None,
        "body": _body(entry),
    }
    what = f"entry {entry.index} ({entry.kind}, {entry.create_time})"
    lines = [f"VERIFIED {what} is in {checkpoint.origin} of {checkpoint.size} entries"]
    if extends and extends.size < checkpoint.size:
        lines.append(f"  which extends the one of {extends.size} entries")
    lines.append("  body: erased" if entry.body is None else f"  body: {printable(_text(entry))}")
    return value, lines


def _body(entry: Entry) -> Any:
    try:
        return json.loads(entry.body) if entry.body is not None else None
    except (ValueError, RecursionError):  # proven all the same: it is what was recorded
        return entry.body.decode(errors="replace") if entry.body else None


def _evidence(found: _Evidence) -> tuple[dict[str, Any], list[str]]:
    value, lines = _proven(found.verified)
    if found.shown is not None:
        lines.append(f"  capture: {found.shown.value}")
    return {**value, "capture": found.shown.name.lower() if found.shown else None}, lines


def _text(entry: Entry) -> str:
    text = (entry.body or b"").decode(errors="replace")
    return text if len(text) <= _MAX_BODY else f"{text[:_MAX_BODY]}… (whole with --json)"
