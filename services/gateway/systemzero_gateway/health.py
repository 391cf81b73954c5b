"""The platform's health as the gateway tells it: by service, and as a whole.

A service serves while its backend says so and its breaker is closed. The whole (the empty name)
serves while every backend does. What the gateway's own process can do is another question, which
its ops port answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from systemzero_chassis.health import WHOLE, Health
from systemzero_gateway.backends import Backend
from systemzero_gateway.monitor import Monitor
from systemzero_gateway.routes import backend_of


class PlatformHealth:
    """Keeps a server's health true to the backends, from `start` to `stop`."""

    def __init__(self, routes: Mapping[str, str], backends: Mapping[str, Backend]) -> None:
        self._routes = routes
        self._monitors = {name: Monitor(b, self._tell) for name, b in backends.items()}
        self._names: dict[str, Monitor | None] = {}
        self._health: Health | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, health: Health, names: Iterable[str]) -> None:
        """Ask every backend once, tell `health` of the services `names`, and go on doing so."""
        self._health = health
        for name in names:
            backend = backend_of(name, self._routes) or ""
            self._names[name] = self._monitors.get(backend)
        await asyncio.gather(*(monitor.look() for monitor in self._monitors.values()))
        self._tell()
        self._tasks = [asyncio.create_task(monitor.run()) for monitor in self._monitors.values()]

    async def stop(self) -> None:
        """Say NOT_SERVING of everything, and ask no more."""
        if self._health is not None:
            self._health.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _tell(self) -> None:
        if self._health is None:
            return
        for name, monitor in self._names.items():
            self._health.set(name, monitor is None or monitor.serving)
        self._health.set(WHOLE, all(monitor.serving for monitor in self._monitors.values()))
