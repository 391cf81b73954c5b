"""A backend's replica as a process of its own: `python -m tests.support.replica`.

It says on which port it listens, answers Echo's methods with the name it was given, and health.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc

from scripts.run_split import free_port
from systemzero_runtime.running.service import Listener, until_signal
from systemzero_runtime.serving.registry import HandlerRegistry

SERVICE = "systemzero.test.Echo"


class Replica:
    """A running replica."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.port = port

    def send(self, number: signal.Signals) -> None:
        """Send a signal: SIGKILL to lose it, SIGSTOP to hang it, SIGCONT to have it back."""
        os.kill(self.process.pid, number)

    async def kill(self) -> None:
        """Kill it, and wait for its end."""
        self.send(signal.SIGKILL)
        await self.process.wait()


@asynccontextmanager
async def replica(name: str, port: int = 0) -> AsyncIterator[Replica]:
    """A replica that answers with `name`, on a port that another one may have after it."""
    port = port or free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.replica", name, str(port)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield Replica(process, int(await process.stdout.readline()))
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def several(*ports: int) -> str:
    """The target of the replicas on these ports."""
    return "ipv4:" + ",".join(f"127.0.0.1:{port}" for port in ports)


async def _serve(name: bytes, port: int) -> None:
    async def unary(request: bytes, context: Any) -> bytes:
        return name

    async def stream(request: bytes, context: Any) -> AsyncIterator[bytes]:
        yield name
        if request == b"wait":
            await asyncio.Event().wait()

    registry = HandlerRegistry()
    handlers = {
        "Unary": grpc.unary_unary_rpc_method_handler(unary),
        "Get": grpc.unary_unary_rpc_method_handler(unary),
        "List": grpc.unary_stream_rpc_method_handler(stream),
    }
    registry.add_registered_method_handlers(SERVICE, handlers)
    listener = Listener([registry], [SERVICE], 5_000_000)
    sys.stdout.write(f"{await listener.start(f'127.0.0.1:{port}')}\n")
    sys.stdout.flush()
    await until_signal()
    await listener.stop(1)


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1].encode(), int(sys.argv[2])))
