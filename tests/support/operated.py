"""One service as a process of its own, as operators meet it: its ops pages, its signals."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc

from systemzero.gateway.v1 import status_service_pb2, status_service_pb2_grpc
from tests.support.patience import PATIENCE


class Running:
    """A service's process, or a supervisor with its workers."""

    def __init__(self, process: asyncio.subprocess.Process, lines: dict[str, list[str]]) -> None:
        self.process = process
        self.target = lines["listening"][0]
        self.metrics = lines["metrics"][0]
        self.channelz = lines["channelz"][0]
        self.bearer: tuple[tuple[str, str], ...] = ()
        if "first" in lines:
            secret = Path(lines["first"][0]).read_text().strip()
            self.bearer = (("authorization", f"Bearer {secret}"),)

    async def page(self, path: str, accept: str = "*/*") -> tuple[int, str]:
        """A page of the ops port: its status and its text."""
        asked = urllib.request.Request(f"http://{self.metrics}{path}", headers={"Accept": accept})

        def get() -> tuple[int, str]:
            try:
                with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:  # noqa: S310 - HTTP
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as error:
                with error:
                    return error.code, error.read().decode()

        return await asyncio.to_thread(get)

    async def failing(self) -> dict[str, str]:
        """Why it is not ready."""
        status, text = await self.page("/readyz")
        answer = json.loads(text)
        assert (status, answer["ready"]) == ((503, False) if answer["failing"] else (200, True))
        failing: dict[str, str] = answer["failing"]
        return failing

    async def ask(self, *metadata: tuple[str, str]) -> None:
        """A call over a connection of its own."""
        options = [("grpc.use_local_subchannel_pool", 1)]
        async with grpc.aio.insecure_channel(self.target, options=options) as channel:
            stub: Any = status_service_pb2_grpc.StatusServiceStub(channel)
            request = status_service_pb2.GetStatusRequest()
            await stub.GetStatus(
                request, metadata=(*self.bearer, *metadata), wait_for_ready=True, timeout=PATIENCE
            )

    def workers(self) -> list[int]:
        """The ids of the processes that hold a listening gateway."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [
            int(child)
            for child in children.split()
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
        ]


@asynccontextmanager
async def gateway(data: Path, *arguments: str, **settings: str) -> AsyncIterator[Running]:
    """A gateway, whose backends nobody serves unless `settings` say otherwise."""
    backends = {"BACKENDS": '{"capture": "127.0.0.1:1", "diff": "127.0.0.1:1"}'}
    async with service("gateway", data, *arguments, **{**backends, **settings}) as running:
        yield running


@asynccontextmanager
async def service(
    name: str, data: Path, *arguments: str, **settings: str
) -> AsyncIterator[Running]:
    """The service `name` over `data`, on ports of its own; `settings` are without prefix."""
    own = {
        "LISTEN": "127.0.0.1:0",
        "OPS__LISTEN": "127.0.0.1:0",
        "OPS__CHANNELZ": "127.0.0.1:0",
        "DATA": str(data / "data"),
        "TRUST": str(data / "trust"),
        **settings,
    }
    log = data / "log"
    with log.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", f"systemzero_{name}", *arguments),
            env=os.environ | {f"SZ_{name.upper()}_{key}": value for key, value in own.items()},
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
    assert process.stdout is not None
    wanted = {"listening", "channelz", "metrics", *(("first",) if name == "gateway" else ())}
    try:
        lines: dict[str, list[str]] = {}
        while not wanted <= lines.keys():
            line = (await process.stdout.readline()).decode()
            assert line, log.read_text()
            words = line.removeprefix(f"{name}: ").split()
            lines.setdefault(words[0], []).append(words[-1])
        yield Running(process, lines)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
        rest, _ = await process.communicate()
        assert rest == b"", "it announced twice"


def ended(pid: int) -> asyncio.Future[None]:
    """Done when the process of that id has ended."""
    loop = asyncio.get_running_loop()
    future, descriptor = loop.create_future(), os.pidfd_open(pid)

    def tell() -> None:
        loop.remove_reader(descriptor)
        os.close(descriptor)
        future.set_result(None)

    loop.add_reader(descriptor, tell)
    return future
