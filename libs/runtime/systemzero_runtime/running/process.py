"""A service as a process of its own: arguments, settings, logs, serve until a signal."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from systemzero_base.settings import config
from systemzero_base.settings.addresses import refuse_taken
from systemzero_base.settings.config import ConfigError, Settings
from systemzero_base.telemetry import logs
from systemzero_base.telemetry.logs import LogSettings, get_logger
from systemzero_base.work import loop
from systemzero_base.work.memory import share_arenas
from systemzero_core.errors import DomainError
from systemzero_runtime.operations.ops import OpsSettings
from systemzero_runtime.running.ports import shared_port
from systemzero_runtime.running.workers import Supervisor, WorkerSlot

S = TypeVar("S", bound=Settings)


def run(
    name: str,
    settings_class: type[S],
    prefix: str,
    serve: Callable[[S], Awaitable[None]],
    check: Callable[[S], None] = lambda _settings: None,
) -> int:
    """Run a service; the process's exit status: 0 after a signal, 2 for what stops a start."""
    return _run(name, settings_class, prefix, check, lambda settings: _serve_here(settings, serve))


def run_workers(
    name: str,
    settings_class: type[S],
    prefix: str,
    serve: Callable[[S, WorkerSlot], Awaitable[None]],
    ops: Callable[[S], OpsSettings],
    check: Callable[[S], None],
) -> int:
    """As `run`, by as many processes as `workers` of the settings says.

    `serve` is a module's function, of one that workers import: it runs in each of them. `ops` are
    the settings' own.
    """

    def start(settings: S) -> int:
        seat = WorkerSlot(ops(settings))
        if getattr(settings, "workers") > 1:  # noqa: B009 - no type says both: settings, and these
            return _supervise(name, settings, serve, seat.ops)
        return _serve_here(settings, lambda settings: serve(settings, seat))

    return _run(name, settings_class, prefix, check, start)


def _run(
    name: str,
    settings_class: type[S],
    prefix: str,
    check: Callable[[S], None],
    start: Callable[[S], int],
) -> int:
    def checked() -> int:
        settings = load(name, settings_class, prefix)
        check(settings)
        if _arguments(name, settings_class).check_config:
            return 0
        if listen := getattr(settings, "listen", ""):
            refuse_taken(listen)
        return start(settings)

    return _guarded(name, checked)


def _guarded(name: str, start: Callable[[], int]) -> int:
    """What `start` returns, or 2 where something stops it, which is then told."""
    try:
        return start()
    except (ConfigError, DomainError, OSError, RuntimeError) as error:
        sys.stderr.write(f"systemzero_{name}: {error}\n")
        return 2


def _serve_here(settings: S, serve: Callable[[S], Awaitable[None]]) -> int:
    share_arenas()
    logs.configure(getattr(settings, "log", LogSettings()))
    loop.run(_served(serve, settings))
    return 0


def load(name: str, settings_class: type[S], prefix: str) -> S:
    """The settings by this process's arguments and environment, read now.

    Raises:
        ConfigError: the file can't be read, or a key or value is wrong.
    """
    arguments = _arguments(name, settings_class)
    environ = dict(os.environ)
    if arguments.workers is not None:
        environ[f"{prefix}WORKERS"] = str(arguments.workers)
    return config.load(settings_class, arguments.config, environ, prefix)


def on_hangup(name: str, reload: Callable[[], None]) -> None:
    """Do `reload` on every SIGHUP; where it raises ConfigError, say so, and nothing changes."""

    def again() -> None:
        try:
            reload()
        except ConfigError as error:
            get_logger(name).error("reload failed", error=str(error))

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, again)


def _arguments(name: str, settings_class: type[Settings]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"systemzero_{name}")
    parser.add_argument("--config", type=Path, help="YAML file with the settings")
    parser.add_argument("--check-config", action="store_true", help="check the settings, then end")
    parser.set_defaults(workers=None)
    if "workers" in settings_class.__struct_fields__:
        parser.add_argument("--workers", type=int, help="how many processes serve")
    return parser.parse_args()


def _supervise(
    name: str, settings: Any, serve: Callable[[Any, WorkerSlot], Awaitable[None]], ops: OpsSettings
) -> int:
    logs.configure(settings.log)
    with shared_port(settings.listen) as address:
        settled = msgspec.structs.replace(settings, listen=address)
        work = partial(_work, name, settled, serve, ops)
        supervisor = Supervisor(settings.workers, work, settings.grace, get_logger(name), announce)
        return supervisor.run(ops.listen)


def _work(
    name: str,
    settings: Any,
    serve: Callable[[Any, WorkerSlot], Awaitable[None]],
    ops: OpsSettings,
    number: int,
    shared: Path,
    connection: Connection,
) -> None:
    """One worker's life; what it announces goes to the supervisor."""
    global _announce
    _announce = connection.send
    seat = WorkerSlot(ops.of_worker(number), shared)
    sys.exit(_guarded(name, lambda: _serve_here(settings, lambda mine: serve(mine, seat))))


async def _served(serve: Callable[[S], Awaitable[None]], settings: S) -> None:
    await serve(settings)


def announce(*lines: str) -> None:
    """Tell whoever started the process, once, that it serves: on standard output, at once."""
    _announce(list(lines))


def _print(lines: list[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


_announce: Callable[[list[str]], None] = _print
