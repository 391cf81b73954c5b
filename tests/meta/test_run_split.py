"""The ports that processes of this machine are given before they listen."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from scripts.run_split import ended, free_port


def test_a_port_is_its_servers_again_and_again_and_nobody_elses_in_between() -> None:
    port = free_port()
    for _ in range(2):
        with socket.socket() as chance, pytest.raises(OSError, match="in use"):
            chance.bind(("127.0.0.1", port))
        with socket.create_server(("127.0.0.1", port)):  # by SO_REUSEADDR, as servers do
            socket.create_connection(("127.0.0.1", port)).close()


def test_who_ended_and_how_is_told() -> None:
    def run(code: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)

    killed = run("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    failed = run("raise SystemExit(2)")
    lasting = run("input()")
    try:
        killed.wait()
        failed.wait()
        assert ended({"diff": killed, "gateway": lasting}) == ["diff was ended by SIGKILL"]
        assert ended({"capture": failed}) == ["capture ended with status 2"]
    finally:
        for process in (killed, failed, lasting):
            process.kill()
            process.communicate()
