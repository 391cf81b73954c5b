"""The entry point: the group of commands, and what every failure becomes.

Only click is imported here, and what a failure needs once there is one: half of a short command's
time would go into imports otherwise.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from systemzero_client.cli.commands import COMMANDS
from systemzero_client.cli.exits import INTERRUPTED, PIPE_CLOSED, Exit
from systemzero_client.cli.lazy import LazyGroup, Listed

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
    """Run `sz`; the exit status. Nothing that goes wrong ends in a traceback."""
    for stream in (sys.stdout, sys.stderr):
        # What was captured may hold what the terminal's encoding does not.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = sz.main(args=arguments, prog_name="sz", standalone_mode=False)
        sys.stdout.flush()
        return int(status or Exit.UNCHANGED)
    except click.exceptions.Exit as error:
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except (BrokenPipeError, SystemExit):
        # Click ends so on EPIPE, and on nothing else; its status would say that there is drift.
        return _pipe_closed()
    except click.exceptions.NoArgsIsHelpError as error:
        return _help(error.ctx)
    except Exception as error:  # noqa: BLE001 - what nobody expects is raised again
        line, where = _told(error)
        return _fail(line, where)


def _told(error: Exception) -> tuple[str, str]:
    """What is said of an error, and of which command; what nobody expects goes on."""
    if isinstance(error, click.UsageError):
        where = error.ctx.command_path if error.ctx else "sz"
        return f"{error.format_message()} (`{where} --help`)", where
    if isinstance(error, click.ClickException):
        return error.format_message(), "sz"
    from systemzero_client.cli.problems import EXPECTED, describe

    if not isinstance(error, EXPECTED):
        raise error
    return describe(error), "sz"


def _help(context: click.Context | None) -> int:
    from systemzero_client.cli.terminal import note

    for line in context.get_help().splitlines() if context else ():
        note(line)
    return Exit.ERROR


def _fail(line: str, where: str = "sz") -> int:
    from systemzero_client.cli.terminal import note

    note(f"{where}: {line}")
    return Exit.ERROR


def _pipe_closed() -> int:
    """End quietly: the interpreter flushes stdout once more, which must not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return PIPE_CLOSED
