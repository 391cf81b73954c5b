"""The port that several workers listen on: there again at once, and nobody else's."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from systemzero_gateway.process import main
from systemzero_runtime.running.ports import shared_port
from tests.support.operated import ended, gateway

TIME_WAIT = "06"


@contextmanager
def listening(address: tuple[str, int], *, shared: bool) -> Iterator[socket.socket]:
    """A server as gRPC has it: with SO_REUSEADDR, and with SO_REUSEPORT where workers share."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(shared))
        server.bind(address)
        server.listen()
        yield server


def read_to_the_end(client: socket.socket) -> None:
    """Close second, having read all: so the server's end stays behind in TIME_WAIT."""
    with client:
        while client.recv(4096):
            pass


def left_behind(port: int) -> bool:
    """Whether a connection to `port` is in TIME_WAIT."""
    tables = Path("/proc/net/tcp"), Path("/proc/net/tcp6")  # gRPC listens on both by one socket
    rows = [line.split() for table in tables for line in table.read_text().splitlines()]
    return any(row[1].endswith(f":{port:04X}") and row[3] == TIME_WAIT for row in rows)


def port_with_a_connection_behind(*, shared: bool) -> int:
    with listening(("127.0.0.1", 0), shared=shared) as server:
        port: int = server.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        server.accept()[0].close()
    read_to_the_end(client)
    assert left_behind(port)
    return port


@pytest.mark.parametrize("shared", [True, False])
def test_connections_of_the_one_before_do_not_keep_a_port(shared: bool) -> None:
    port = port_with_a_connection_behind(shared=shared)
    with shared_port(f"127.0.0.1:{port}") as address, ExitStack() as workers:
        assert address == f"127.0.0.1:{port}"
        for _ in range(2):
            workers.enter_context(listening(("127.0.0.1", port), shared=True))


@pytest.mark.parametrize("shared", [True, False])
def test_a_port_that_somebody_listens_on_is_refused(shared: bool) -> None:
    with listening(("127.0.0.1", 0), shared=shared) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(OSError, match="in use"), shared_port(address):
            pass


def test_a_port_that_another_supervisor_holds_is_refused() -> None:
    """Also before its workers listen: two installations would take each other's calls."""
    with (
        shared_port("127.0.0.1:0") as address,
        pytest.raises(OSError, match="in use"),
        shared_port(address),
    ):
        pass


@pytest.mark.parametrize("shared", [True, False])
def test_so_is_one_that_connections_are_left_of(shared: bool) -> None:
    port = port_with_a_connection_behind(shared=shared)
    with (
        shared_port(f"127.0.0.1:{port}") as address,
        pytest.raises(OSError, match="in use"),
        shared_port(address),
    ):
        pass


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_killed_gateway_is_back_on_its_ports_at_once(tmp_path: Path, workers: str) -> None:
    for folder in ("before", "after"):
        (tmp_path / folder).mkdir()
    channelz = {"OPS__CHANNELZ": "127.0.0.1:0"} if workers == "1" else {}
    async with gateway(tmp_path / "before", "--workers", workers, **channelz) as here:
        addresses = {"LISTEN": here.target, "OPS__LISTEN": here.metrics}
        if workers == "1":
            addresses["OPS__CHANNELZ"] = here.channelz
        ports = [int(address.rpartition(":")[2]) for address in addresses.values()]
        clients = [socket.create_connection(("127.0.0.1", port)) for port in ports]
        # One that nobody has taken yet would be reset. gRPC greets whom it takes, and the server of
        # the pages takes one after the other.
        for address, client in zip(addresses, clients, strict=True):
            if address != "OPS__LISTEN":
                await asyncio.to_thread(client.recv, 1)
        await here.page("/livez")
        all_ended = [ended(worker) for worker in here.workers()]
        os.killpg(here.process.pid, signal.SIGKILL)
        await asyncio.gather(here.process.wait(), *all_ended)
    for client in clients:
        read_to_the_end(client)
    assert all(left_behind(port) for port in ports)
    async with gateway(tmp_path / "after", "--workers", workers, **addresses) as again:
        assert (again.target, again.metrics) == (here.target, here.metrics)
        await again.ask()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_in_use_is_told_in_one_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    workers: str,
) -> None:
    with listening(("127.0.0.1", 0), shared=False) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        monkeypatch.setenv("SZ_GATEWAY_LISTEN", address)
        monkeypatch.setenv("SZ_GATEWAY_DATA", str(tmp_path / "data"))
        monkeypatch.setattr(sys, "argv", ["gateway", "--workers", workers])
        assert main() == 2
    told = f"systemzero_gateway: {address} is in use: is another System//Zero running here?\n"
    assert capsys.readouterr().err == told
    assert not (tmp_path / "data").exists()
