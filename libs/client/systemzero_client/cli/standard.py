"""The standard streams, one of which may be closed or full.

Invariants:
1. What cannot be written does not end in a traceback, nor in a status that means something else.
2. Whoever cannot be told anything (stderr is gone) still gets results and a status.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import IO

import click

_STREAMS = (("stdin", os.O_RDONLY, "r"), ("stdout", os.O_WRONLY, "w"), ("stderr", os.O_WRONLY, "w"))


def fill() -> frozenset[str]:
    """Open what the process was started without, on nothing; the names of those streams.

    A file that is opened later would else get the descriptor, and what is meant for people.
    """
    missing = set()
    for descriptor, (name, flags, mode) in enumerate(_STREAMS):
        if getattr(sys, name) is None:
            missing.add(name)
            opened = _on_nothing(descriptor, flags)
            setattr(sys, name, open(opened, mode, closefd=False))  # noqa: SIM115 - stays
    return frozenset(missing)


def _on_nothing(descriptor: int, flags: int) -> int:
    opened = os.open(os.devnull, flags)
    try:
        os.fstat(descriptor)
    except OSError:
        os.dup2(opened, descriptor)
        os.close(opened)
        return descriptor
    return opened  # it is somebody else's by now, or was the one that was free


def silence(stream: IO[str]) -> None:
    """Let what `stream` still holds go nowhere: the interpreter flushes it once more at its end."""
    with suppress(OSError, ValueError):
        opened = os.open(os.devnull, os.O_WRONLY)
        os.dup2(opened, stream.fileno())
        os.close(opened)


def flush_results() -> None:
    """Write what stdout holds.

    Raises:
        BrokenPipeError: its reader went away.
        OSError: it cannot be written; its file is called `standard output`.
    """
    try:
        click.echo("", nl=False)
    except OSError as error:
        raise named(error) from error


def named(error: OSError) -> OSError:
    """`error`, of `standard output` where it is from there: only `click.echo` writes to it."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    ours = last is not None and last.tb_frame.f_code is click.echo.__code__
    if not ours or isinstance(error, BrokenPipeError):
        return error
    silence(sys.stdout)
    return OSError(error.errno, error.strerror, "standard output")
