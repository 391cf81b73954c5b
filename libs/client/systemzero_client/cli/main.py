"""The entry point: the group of commands, and how every failure is reported.

Only click is imported here, and what a failure needs once there is one: half of a short command's
time would go into imports otherwise.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from systemzero_client.cli import standard
from systemzero_client.cli.commands import COMMANDS
from systemzero_client.cli.exits import INTERRUPTED, PIPE_CLOSED, Exit
from systemzero_client.cli.lazy import LazyGroup, Listed

DEBUG_VARIABLE = "SYSTEMZERO_DEBUG"
"""Set to anything, a fault of ours is shown with its traceback."""

_EPILOG = """\b
Exit status:
  0  unchanged, or done
  1  drift, or a difference
  2  an error; one line on stderr says what to do
  3  inconclusive, or an unknown screen
Of several captures the worst counts: 2 before 1 before 3 before 0.

\b
Environment:
  SYSTEMZERO_SERVER        the server, host:port
  SYSTEMZERO_API_KEY_FILE  a file with the API key
  SYSTEMZERO_DEBUG         set: a fault of sz itself is shown with its traceback
"""


@click.group(
    cls=LazyGroup,
    commands={name: Listed(name, entry) for name, entry in COMMANDS.items()},
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="systemzero-client", prog_name="sz")
def sz() -> None:
    """Is this screen still the one that was approved, and can I prove what it showed?"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `sz`; the exit status. Nothing that goes wrong ends in a traceback, or in status 1."""
    if "stdout" in standard.fill():
        return _fail("standard output is closed: there is nowhere to write the result")
    for stream in (sys.stdout, sys.stderr):
        # What was captured may hold what the terminal's encoding does not.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = _run(arguments)
        standard.flush_results()
    except BaseException as error:  # noqa: BLE001 - a status of the interpreter's would be a verdict
        return _status_of(error)
    return status


def _run(arguments: Sequence[str] | None) -> int:
    try:
        return int(sz.main(args=arguments, prog_name="sz", standalone_mode=False) or Exit.UNCHANGED)
    except click.exceptions.Exit as error:
        return error.exit_code
    except BrokenPipeError:
        raise
    except OSError as error:
        raise standard.named(error) from error


def _status_of(error: BaseException) -> int:
    """The status that stands for what went wrong; it is told on stderr."""
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return INTERRUPTED
    if isinstance(error, BrokenPipeError | SystemExit):
        # Click ends so on EPIPE, and on nothing else; its status would say that there is drift.
        standard.silence(sys.stdout)
        return PIPE_CLOSED
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return _help(error.ctx)
    return _fail(*_told(error))


def _told(error: BaseException) -> tuple[str, str]:
    """What is said of an error, and of which command."""
    if isinstance(error, click.UsageError):
        where = error.ctx.command_path if error.ctx else "sz"
        return f"{error.format_message()} (`{where} --help`)", where
    if isinstance(error, click.ClickException):
        return error.format_message(), "sz"
    from systemzero_client.cli.problems import EXPECTED, describe

    return (describe(error) if isinstance(error, EXPECTED) else _fault(error)), "sz"


def _fault(error: BaseException) -> str:
    """What is said of a fault of ours: where it was, not its text, which may hold a secret."""
    import traceback

    from systemzero_client.cli.terminal import note

    if os.environ.get(DEBUG_VARIABLE):
        for line in "".join(traceback.format_exception(error)).splitlines():
            note(line)
    at = traceback.extract_tb(error.__traceback__)[-1:]
    where = "".join(f" at {os.path.basename(f.filename)}:{f.lineno}" for f in at)  # noqa: PTH119
    return (
        f"a fault of sz itself, {type(error).__name__}{where}; please report this line, and what "
        f"{DEBUG_VARIABLE}=1 shows"
    )


def _help(context: click.Context | None) -> int:
    from systemzero_client.cli.terminal import note

    for line in context.get_help().splitlines() if context else ():
        note(line)
    return Exit.ERROR


def _fail(line: str, where: str = "sz") -> int:
    from systemzero_client.cli.terminal import note

    note(f"{where}: {line}")
    return Exit.ERROR
