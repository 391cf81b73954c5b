"""`sz capture` and `sz check`: captures in, verdicts out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from systemzero_client.cli.exits import Exit, worst
from systemzero_client.cli.files import Parts, expand, read_capture, read_file, stdin_once
from systemzero_client.cli.options import format_option
from systemzero_client.cli.output import Output, Progress, to_dict
from systemzero_client.cli.problems import Problem, describe
from systemzero_client.cli.remote import Remote, remote
from systemzero_client.cli.terminal import note
from systemzero_client.cli.text import printable
from systemzero_client.documents import Document, Sighting
from systemzero_client.errors import SystemZeroError
from systemzero_core.errors import DomainError

if TYPE_CHECKING:
    from systemzero.capture.v1 import capture_service_pb2
    from systemzero.diff.v1 import verdict_pb2
    from systemzero_client.captures import Outcome

_FLAGS = ("files", "form", "dom", "frames", "app", "screen", "session", "all_edits")
"""What `_capture_options` adds."""

_ABOUT_THE_CAPTURE = frozenset(
    (
        "INVALID_INPUT",
        "UNKNOWN_FORMAT",
        "MALFORMED_TREE",
        "UNSAFE_INPUT",
        "TRUNCATED_INPUT",
        "TOO_LARGE",
    )
)
"""Reasons that are the capture's own; any other would stop the next one, too."""


def _capture_options(command: Any) -> Any:
    """Adds what says how to read captures and what is known of them."""
    for option in reversed(
        (
            click.argument("files", metavar="FILE…", nargs=-1, required=True),
            format_option("Detected if not given"),
            click.option("--dom", default="", help="CDP: file of boxes and attributes."),
            click.option("--frame", "frames", multiple=True, help="CDP: file of a child frame."),
            click.option("--app", default="", help="The application's name."),
            click.option("--screen", default="", help="The screen that this is believed to be."),
            click.option("--session", default="", help="Consecutive captures of it are a path."),
            click.option(
                "all_edits", "--all", is_flag=True, help="Show every line, not 20, and its edits."
            ),
        )
    ):
        command = option(command)
    return command


class _Request:
    """What the flags of one command say."""

    def __init__(
        self,
        files: tuple[str, ...],
        form: str | None,
        dom: str,
        frames: tuple[str, ...],
        app: str,
        screen: str,
        session: str,
        all_edits: bool,
    ) -> None:
        stdin_once((*files, dom, *frames))
        self.names = list(expand(files))
        if not self.names:
            raise Problem(f"no capture in {', '.join(files)}")
        if (dom or frames) and len(self.names) > 1:
            raise click.UsageError("--dom and --frame belong to one capture, not to several")
        self.parts = Parts(form, dom, frames)
        self.sighting = Sighting(app, screen, session)
        self.all_edits = all_edits


def _requesting(command: Callable[..., Exit]) -> Callable[..., Exit]:
    """Adds the flags that say what to judge; the command gets them as one `request`.

    Mistakes in them are told before anything that calls a server is imported.
    """

    @wraps(command)
    def run(**given: Any) -> Exit:
        request = _Request(**{name: given.pop(name) for name in _FLAGS})
        if given.get("edge") and given.get("keep_raw"):
            raise click.UsageError(
                "--edge does not send the file, so that --keep-raw keeps nothing"
            )
        if given.get("screenshot") and len(request.names) > 1:
            raise click.UsageError("--screenshot belongs to one capture, not to several")
        return command(request=request, **given)

    told: Callable[..., Exit] = _capture_options(run)
    return told


class _Reporter:
    """Prints what became of each file, and remembers the statuses."""

    def __init__(self, output: Output, *, all_edits: bool) -> None:
        self._output = output
        self._all_edits = all_edits
        self.statuses: list[Exit] = []

    def stored(self, name: str, response: capture_service_pb2.IngestResponse) -> None:
        """A capture was taken in."""
        value = {"file": name, **to_dict(response)}
        for sentence in response.withheld:
            note(f"sz: {printable(name)}: {printable(sentence)}")
        if response.HasField("verdict"):
            self._verdict(name, response.verdict, value)
            return
        self.statuses.append(Exit.UNCHANGED)
        capture = response.capture
        lines = [f"STORED {capture.capture_id} {printable(name)} ({capture.node_count} nodes)"]
        lines += [f"  incomplete: {printable(i.detail)}" for i in capture.incompleteness]
        self._output.result(value, lines)

    def judged(self, name: str, verdict: verdict_pb2.Verdict) -> None:
        """A capture was judged."""
        self._verdict(name, verdict, {"file": name, "verdict": to_dict(verdict)})

    def failed(self, name: str, error: Exception) -> None:
        """A capture was not taken in; the others go on."""
        self.statuses.append(Exit.ERROR)
        line = describe(error)
        of_file = "" if line.startswith(printable(name)) else f"{printable(name)}: "
        note(f"sz: {of_file}{line}")
        if self._output.as_json:
            self._output.result({"file": name, "error": error_dict(error)}, ())

    def _verdict(self, name: str, verdict: verdict_pb2.Verdict, value: dict[str, Any]) -> None:
        from systemzero_client.cli.verdicts import of_verdict, verdict_lines

        self.statuses.append(of_verdict(verdict))
        lines = verdict_lines(verdict, name, all_edits=self._all_edits, colour=self._output.colour)
        self._output.result(value, lines)


def error_dict(error: Exception) -> dict[str, Any]:
    """The JSON form of a failure: `reason`, `message`, `violations`."""
    violations = getattr(error, "violations", ())
    return {
        "reason": getattr(error, "reason", "") or "UNREADABLE",
        "message": getattr(error, "message", "") or describe(error),
        "violations": [{"field": v.field, "description": v.description} for v in violations],
    }


@click.command()
@_requesting
@click.option("--check/--no-check", default=True, help="Judge each capture (yes).")
@click.option("--edge", is_flag=True, help="Normalise here; send the body only if it is unknown.")
@click.option("--keep-raw", is_flag=True, help="Have the file itself kept, too.")
@click.option("--screenshot", default="", help="A picture of the screen to keep (PNG, JPEG, WebP).")
@remote
async def capture(
    remote: Remote, request: _Request, check: bool, edge: bool, keep_raw: bool, screenshot: str
) -> Exit:
    """Store captures and have them judged.

    FILE is a capture in any format, gzipped or not, a folder of them, or - for standard input.
    X.dom.json and X.frameN.ax.json beside X.ax.json are joined to it.
    """
    reporter = _Reporter(remote.output, all_edits=request.all_edits)
    if len(request.names) == 1:
        name = request.names[0]
        picture = read_file(screenshot) if screenshot else b""
        try:
            document = _read(name, request)
            response = await remote.client.ingest(
                document,
                request.sighting,
                check=check,
                at_edge=edge,
                keep_native=keep_raw,
                screenshot=picture,
            )
        except (DomainError, Problem) as error:
            reporter.failed(name, error)
        except SystemZeroError as error:
            if error.reason not in _ABOUT_THE_CAPTURE:
                raise
            reporter.failed(name, error)
        else:
            reporter.stored(name, response)
    else:
        how = {"check": check, "at_edge": edge, "keep_native": keep_raw}
        await _capture_many(remote, request, reporter, how)
    return worst(reporter.statuses)


def _read(name: str, request: _Request) -> Document:
    """The capture in a file.

    Raises:
        Problem: it is damaged, or cannot be read, which is no reason to leave the others out.
    """
    try:
        return read_capture(name, request.parts)
    except OSError as error:
        raise Problem(describe(error)) from error


async def _capture_many(
    remote: Remote, request: _Request, reporter: _Reporter, how: Mapping[str, bool]
) -> None:
    sent: list[str] = []

    def items() -> Iterator[tuple[Document, Sighting]]:
        for name in request.names:
            try:
                document = _read(name, request)
            except Problem as error:
                reporter.failed(name, error)
                continue
            sent.append(name)
            yield document, request.sighting

    with Progress(len(request.names)) as progress:
        async for outcome in remote.client.ingest_many(items(), **how):
            _report(reporter, sent[outcome.index], outcome)
            progress.show(len(reporter.statuses), "captures")


def _report(reporter: _Reporter, name: str, outcome: Outcome) -> None:
    from systemzero_client.captures import IngestFailure

    if isinstance(outcome, IngestFailure):
        reporter.failed(name, outcome.error)
    else:
        reporter.stored(name, outcome.response)


@click.command()
@_requesting
@remote
async def check(remote: Remote, request: _Request) -> Exit:
    """Judge captures without storing them; drift is recorded all the same."""
    reporter = _Reporter(remote.output, all_edits=request.all_edits)
    with Progress(len(request.names)) as progress:
        for name in request.names:
            try:
                document = _read(name, request)
                verdict = await remote.client.check(document, request.sighting)
            except Problem as error:
                reporter.failed(name, error)
            except SystemZeroError as error:
                if error.reason not in _ABOUT_THE_CAPTURE:
                    raise
                reporter.failed(name, error)
            else:
                reporter.judged(name, verdict)
            progress.show(len(reporter.statuses), "captures")
    return worst(reporter.statuses)
