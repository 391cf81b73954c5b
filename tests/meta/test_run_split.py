"""The ports that processes of this machine are given before they listen."""

from __future__ import annotations

import socket

import pytest

from scripts.run_split import free_port


def test_a_port_is_its_servers_again_and_again_and_nobody_elses_in_between() -> None:
    port = free_port()
    for _ in range(2):
        with socket.socket() as chance, pytest.raises(OSError, match="in use"):
            chance.bind(("127.0.0.1", port))
        with socket.create_server(("127.0.0.1", port)):  # by SO_REUSEADDR, as servers do
            socket.create_connection(("127.0.0.1", port)).close()
