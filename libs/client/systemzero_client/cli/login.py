"""`sz login` and `sz status`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from systemzero_client.cli.exits import Exit
from systemzero_client.cli.options import DEFAULT_SERVER, json_option, tls_options
from systemzero_client.cli.output import Output, to_dict
from systemzero_client.cli.problems import Problem
from systemzero_client.cli.remote import Remote, remote, run_session
from systemzero_client.cli.text import printable, seconds_of

if TYPE_CHECKING:
    from systemzero.gateway.v1 import status_service_pb2
    from systemzero_client.cli.profiles import Profile


@click.command()
@click.argument("server", default=DEFAULT_SERVER)
@click.option("--key-file", type=click.Path(dir_okay=False), help="A file with the API key.")
@click.option("--profile", default="", metavar="NAME", help="Store it under a name of its own.")
@tls_options
@json_option
def login(
    server: str,
    key_file: str | None,
    profile: str,
    plaintext: bool,
    as_json: bool,
    **files: str,
) -> None:
    """Store a server and an API key for it, once the server has accepted the key.

    The key comes from --key-file, from a prompt, or, if standard input is no terminal, from there;
    with --certificate it may be left out, and the certificate stands for it.
    The standalone server writes its first admin key to data/gateway/admin.key.
    """
    from systemzero_client.cli.profiles import Profile, check_server, store

    if server.startswith("s0_"):
        raise Problem(
            "an API key on the command line can be read by everybody on this machine; rotate it, "
            "and hand it over by --key-file or standard input"
        )
    check_server(server)
    api_key = "" if files["certificate"] and not key_file else _key(key_file)
    paths = {name: str(Path(file).resolve()) if file else "" for name, file in files.items()}
    chosen = Profile(server, api_key, plaintext, **paths)
    found = run_session(_status(chosen), server)
    path = store(profile, chosen)
    value = {"server": server, "tenant": found.tenant, "principal": found.principal}
    Output(as_json=as_json).result(
        {**value, "config": str(path)},
        [
            f"logged in to {server} as {found.principal}, tenant {found.tenant}",
            f"stored in {path}",
        ],
    )


def _key(file: str | None) -> str:
    from systemzero_client.cli.profiles import clean_key, read_key

    if file:
        return read_key(Path(file))
    if sys.stdin.isatty():
        typed: str = click.prompt("API key", hide_input=True, err=True)
        return clean_key(typed.encode(), "what was typed")
    return clean_key(sys.stdin.buffer.read(65_536), "standard input")


async def _status(profile: Profile) -> status_service_pb2.GetStatusResponse:
    from systemzero_client.cli.profiles import open_client

    async with open_client(profile, 10.0) as client:
        return await client.status()


@click.command()
@remote
async def status(remote: Remote) -> Exit:
    """Show how the platform is, and who you are to it. A damaged log: exit status 2."""
    found = await remote.client.status()
    age = seconds_of(found.checkpoint_age)
    lines = [
        f"{remote.client.transport.target}: System//Zero {found.version}",
        f"you are {printable(found.principal)}, tenant {printable(found.tenant)}",
        f"log: DAMAGED: {printable(found.log_damage)}"
        if found.log_damage
        else f"log: {found.log_size} entries, checkpoint {age:.0f} s old",
    ]
    for backend in found.backends:
        latency = seconds_of(backend.latency)
        state = f"serving ({latency * 1e3:.1f} ms)" if backend.serving else "NOT SERVING"
        lines += [f"{backend.name}: {state}", *_storage(backend)]
    remote.output.result(to_dict(found), lines)
    return Exit.ERROR if found.log_damage else Exit.UNCHANGED


def _storage(backend: status_service_pb2.BackendStatus) -> list[str]:
    if not backend.storage_known:
        return ["  what you store there is not known"]
    return [
        f"  {printable(each.quota)}: {each.used:,}" + (f" of {each.limit:,}" if each.limit else "")
        for each in backend.storage
    ]
