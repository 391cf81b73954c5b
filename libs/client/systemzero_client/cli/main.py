"""The entry point: the commands, and what every failure becomes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from systemzero_client.cli.audit import audit
from systemzero_client.cli.captures import captures
from systemzero_client.cli.diff import diff_command
from systemzero_client.cli.events import approve, events, reject, snooze, summary
from systemzero_client.cli.exits import INTERRUPTED, PIPE_CLOSED, Exit
from systemzero_client.cli.ingest import capture, check
from systemzero_client.cli.keys import keys
from systemzero_client.cli.log import log
from systemzero_client.cli.login import login, status
from systemzero_client.cli.problems import Problem, describe
from systemzero_client.cli.templates import learn, templates
from systemzero_client.cli.tenants import tenants
from systemzero_client.cli.token import token
from systemzero_client.errors import SystemZeroError
from systemzero_core.errors import DomainError

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
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="systemzero-client", prog_name="sz")
def sz() -> None:
    """Is this screen still the one that was approved, and can I prove what it showed?"""


for _command in (
    login,
    status,
    capture,
    captures,
    check,
    learn,
    diff_command,
    events,
    approve,
    reject,
    snooze,
    summary,
    templates,
    log,
    audit,
    keys,
    token,
    tenants,
):
    sz.add_command(_command)


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
        click.echo(error.ctx.get_help() if error.ctx else "", err=True)
        return Exit.ERROR
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "sz"
        return _fail(f"{describe(Problem(error.format_message()))} (`{where} --help`)", where)
    except (click.ClickException, Problem, SystemZeroError, DomainError, OSError) as error:
        return _fail(describe(error))


def _fail(line: str, where: str = "sz") -> int:
    click.echo(f"{where}: {line}", err=True)
    return Exit.ERROR


def _pipe_closed() -> int:
    """End quietly: the interpreter flushes stdout once more, which must not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return PIPE_CLOSED
