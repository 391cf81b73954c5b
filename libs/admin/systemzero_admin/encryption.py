"""`sz-admin make-kek`, `rewrap` and `erase-tenant`: the keys of encryption at rest."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import msgspec

from systemzero_admin.schemas import installed
from systemzero_base.clock import micros
from systemzero_base.secrets import write_private
from systemzero_base.settings.config import ConfigError, Settings, load
from systemzero_core.errors import FailedPrecondition
from systemzero_storage.database import Database, DatabaseSettings, Schema, open_database
from systemzero_storage.sealing import EncryptionSettings, Keks, load_keks, tables
from systemzero_storage.sealing.cipher import KEY_BYTES
from systemzero_storage.sealing.kek import FileKek
from systemzero_storage.sealing.rewrap import rewrap
from systemzero_storage.sealing.tenant_erasure import GROUP, Erase, destroy_keys

ENVIRONMENT_PREFIX = "SZ_ADMIN_"


class _Section(Settings, frozen=True):
    """What can be set in the environment."""

    encryption: EncryptionSettings = EncryptionSettings()


class _FileSection(msgspec.Struct, frozen=True):
    """What of a service's settings file is read here, and of what the environment adds to it."""

    encryption: EncryptionSettings = EncryptionSettings()


def add(subparsers: Any) -> None:
    """Add the commands to a command line."""
    parser = subparsers.add_parser(
        "make-kek",
        help="make a key-encryption key in a file",
        description="Write 32 random bytes into a file that is not there yet, with mode 0600. "
        "Keep it, and a copy of it, apart from data folders and their backups.",
    )
    parser.add_argument("file", type=Path)
    parser.set_defaults(run=_make_kek)
    parser = subparsers.add_parser(
        "rewrap",
        help="wrap data keys anew, under the current key-encryption key",
        description="Wrap every data key anew; no body is touched. Also while serving.",
    )
    add_config(parser, required=True)
    _add_place(parser)
    parser.set_defaults(run=_rewrap)
    parser = subparsers.add_parser(
        "erase-tenant",
        help="destroy a tenant's data keys, and erase its bodies, for good",
        description="Suspend the tenant first, and restart the services afterwards. Logs and "
        "proofs stay valid.",
    )
    parser.add_argument("tenant")
    parser.add_argument("--yes", action="store_true", help="it is meant: there is no way back")
    parser.add_argument("--origin", default="", help="the log's origin, if one is configured")
    _add_place(parser, with_keys=True)
    parser.set_defaults(run=_erase)


def add_config(parser: Any, *, required: bool = False) -> None:
    """Add the option that says where the key-encryption key is."""
    parser.add_argument(
        "--config",
        type=Path,
        required=required,
        help="a service's settings file, of which the section `encryption` is read",
    )


def keks_of(config: Path | None) -> Keks | None:
    """The key-encryption keys of a settings file and `SZ_ADMIN_ENCRYPTION__…`, or None.

    The services' variables are left alone: their containers are where this is run.

    Raises:
        ConfigError: the file can't be read, the section is wrong, or a variable `SZ_ADMIN_…` is
            none of it.
    """
    own = {key: value for key, value in os.environ.items() if key.startswith(ENVIRONMENT_PREFIX)}
    load(_Section, None, own, ENVIRONMENT_PREFIX)  # alone: here nothing but the section is known
    return load_keks(load(_FileSection, config, own, ENVIRONMENT_PREFIX).encryption)


def _add_place(parser: Any, *, with_keys: bool = False) -> None:
    place = parser
    if with_keys:  # what is erased is recorded in the log, whose key is in the folder
        folder = "data folder of all services, with their keys"
        parser.add_argument("--data", type=Path, required=True, help=folder)
        place = parser.add_mutually_exclusive_group()
    else:
        place = parser.add_mutually_exclusive_group(required=True)
        folder = "data folder of all services, with SQLite files"
        place.add_argument("--data", type=Path, help=folder)
    place.add_argument("--url-file", type=Path, help="file with a service's URL of PostgreSQL")
    place.add_argument("--url", help="that URL, if it has no password")
    parser.add_argument(
        "--service", action="append", help="only this one (may be repeated); else all installed"
    )


def _make_kek(arguments: argparse.Namespace) -> None:
    key = os.urandom(KEY_BYTES)
    try:
        write_private(arguments.file, key)
    except FileExistsError:
        raise FailedPrecondition(f"{arguments.file} is there already") from None
    sys.stdout.write(f"{arguments.file}: {FileKek(key).id}\n")


def _rewrap(arguments: argparse.Namespace) -> None:
    keks = keks_of(arguments.config)
    if keks is None:
        raise ConfigError("configuration: encryption: kek_file or transit is missing")

    async def work(database: Database, schema: Schema, _folder: Path) -> None:
        count = await rewrap(database, schema, keks)
        _say(schema.name, f"{count} data keys are wrapped by {keks.current.id}")

    _in_each(arguments, work)


def _erase(arguments: argparse.Namespace) -> None:
    tenant, now = arguments.tenant, micros()
    if not arguments.yes:
        raise FailedPrecondition(f"erasing tenant {tenant!r:.80} can't be undone: add --yes")

    async def destroy(database: Database, schema: Schema, _folder: Path) -> None:
        count = await destroy_keys(database, schema, tenant, now)
        _say(schema.name, f"{count} data keys of tenant {tenant} are destroyed")

    async def overwrite(database: Database, schema: Schema, folder: Path) -> None:
        for point in entry_points(group=GROUP, name=schema.name):
            erase: Erase = point.load()
            async for line in erase(database, folder, arguments.origin, tenant, now):
                _say(schema.name, line)

    _in_each(arguments, destroy)  # of every service first: from here on nothing is readable
    _in_each(arguments, overwrite)


def _in_each(
    arguments: argparse.Namespace, work: Callable[[Database, Schema, Path], Awaitable[None]]
) -> None:
    """Do something in the database of each service that can have sealed bodies.

    Raises:
        FailedPrecondition: there is no such database.
    """

    async def run(schema: Schema, folder: Path) -> None:
        database = open_database(folder, schema, settings)
        try:
            await work(database, schema, folder)
        finally:
            await database.close()

    settings = DatabaseSettings(url=arguments.url or "", url_file=arguments.url_file)
    places = list(_places(arguments, settings))
    if not places:
        raise FailedPrecondition(f"no service has a database below {arguments.data}")
    for schema, folder in places:
        asyncio.run(run(schema, folder))


def _places(
    arguments: argparse.Namespace, settings: DatabaseSettings
) -> Iterator[tuple[Schema, Path]]:
    for schema in installed(arguments.service):
        folder = Path() if arguments.data is None else arguments.data / schema.name
        there = settings.location() or (folder / schema.file).exists()
        if there and tables.NAME in schema.metadata.tables:
            yield schema, folder


def _say(service: str, line: str) -> None:
    sys.stdout.write(f"{service}: {line}\n")
    sys.stdout.flush()
