"""What `sz log` and `sz audit` share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from systemzero_client.cli import terminal
from systemzero_client.cli.exits import Exit
from systemzero_client.cli.output import Output, Progress
from systemzero_client.cli.problems import Problem, describe
from systemzero_client.cli.remote import Remote
from systemzero_client.cli.terminal import note
from systemzero_client.stored import MAX_BYTES, ByteBound
from systemzero_client.writing import writing

if TYPE_CHECKING:
    from systemzero_client.log import Log
    from systemzero_client.verify import LogVerifier
    from systemzero_core.tlog import ExportReport

T = TypeVar("T")

_FORMATS = {
    "jsonl": "EXPORT_FORMAT_JSON_LINES",
    "csv": "EXPORT_FORMAT_CSV",
    "html": "EXPORT_FORMAT_HTML",
}


key_option = click.option(
    "--key", default="", metavar="VKEY", help="The log's key; the pinned one if not given."
)


format_option = click.option("form", "--format", type=click.Choice(list(_FORMATS)), default="jsonl")
target_option = click.option(
    "target", "-o", "--output", default="-", help="A file; standard output if not given."
)


max_bytes_option = click.option(
    "--max-bytes",
    default=MAX_BYTES,
    type=click.IntRange(min=1),
    metavar="BYTES",
    help=f"Store no more of the log than this ({MAX_BYTES:_}).",
)


async def write_export(remote: Remote, log: Log, form: str, target: str, max_bytes: int) -> None:
    """Write all of `log` to `target` as a document.

    Raises:
        TooLarge: it has more than `max_bytes`; nothing is left in a file.
    """
    from systemzero.log.v1 import log_service_pb2 as pb

    size, bound = 0, ByteBound(max_bytes)
    with Progress() as progress, _opened(target) as write:
        async for chunk in log.export(pb.ExportFormat.Value(_FORMATS[form])):
            bound.take(chunk)
            write(chunk)
            size += len(chunk)
            progress.show(size, "bytes")
    if target != "-":
        remote.output.result({"file": target, "bytes": size}, [f"{target}: {size} bytes"])


@contextmanager
def _opened(target: str) -> Iterator[Callable[[bytes], object]]:
    """What takes a document for `target`, chunk by chunk."""
    if target == "-":
        with terminal.document() as write:
            yield write
    else:
        with writing(Path(target)) as file:
            yield file.write


def verify_file(
    name: str, key: str, progress: Callable[[int], None], *, audit: bool = False
) -> ExportReport:
    """Verify an export of the evidence log, or of the `audit` log.

    Raises:
        LogVerificationError: it proves nothing.
        FailedPrecondition: no key of its log is known.
    """
    from systemzero_client.offline import verify_export_file

    with Path(name).open("rb") as file:
        return verify_export_file(file, key=key, progress=progress, audit=audit)


def verifying(
    output: Output, work: Callable[[], T], shown: Callable[[T], tuple[dict[str, Any], list[str]]]
) -> Exit:
    """Do `work` and show what it proved.

    An export that is whole, but older than what was verified before, is undecided.

    Raises:
        Problem: it proved nothing; the JSON form has been printed.
    """
    from systemzero_core.tlog import LogVerificationError, OlderExport

    try:
        found = work()
    except OlderExport as error:
        told = {"verified": False, "older": True, "error": error.message}
        output.result(told, ())
        note(f"sz: OLDER: {error.message}")
        return Exit.UNDECIDED
    except LogVerificationError as error:
        problem = Problem(f"VERIFICATION FAILED: {error.message}")
        if output.as_json:
            place = {name: int(number) for name, number in error.metadata.items()}
            output.result({"verified": False, "error": describe(problem), **place}, ())
        raise problem from error
    value, lines = shown(found)
    output.result({"verified": True, **value}, lines)
    return Exit.UNCHANGED


def reported(report: ExportReport) -> tuple[dict[str, Any], list[str]]:
    """What was verified, for programs and for people."""
    checkpoint = report.checkpoint
    value = {
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
        "erased": report.erased,
    }
    erased = f", {report.erased} of them erased on record" if report.erased else ""
    lines = [
        f"VERIFIED {checkpoint.origin}: {checkpoint.size} entries{erased}",
        f"  root hash {checkpoint.root.hex()}",
    ]
    return value, lines


def tell_key(verifier: LogVerifier) -> None:
    """Say which key is trusted from now on, where that is new."""
    if verifier.first_use:
        note(f"sz: {verifier.first_use}")
    if verifier.rotated:
        note(f"sz: the log's key was rotated, as the trusted one says: now {verifier.rotated}")
