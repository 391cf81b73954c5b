"""The platform's health as the gateway tells it: by service, and as a whole.

A service serves while its backend says so and its breaker is closed; the gateway's own while the
gateway's store answers. The whole (the empty name) serves while all of them do.

Whether the gateway's own process is to be sent calls is another question, which its ops port
answers: also without one of the backends it is, since the calls of the other, keys, audit log and
status are served; not without all of them, since another gateway may reach them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from systemzero_base.work.background import Loops
from systemzero_gateway.backends.backend import Backend
from systemzero_gateway.backends.monitor import Monitor
from systemzero_gateway.backends.routes import backend_of
from systemzero_runtime.operations.readiness import Condition
from systemzero_runtime.serving.health import WHOLE, Health


class PlatformHealth:
    """Keeps a server's health true to the backends, from `start` to `stop`."""

    def __init__(
        self,
        routes: Mapping[str, str],
        backends: Mapping[str, Backend],
        own: Mapping[str, Condition],
        loops: Loops,
    ) -> None:
        """`own` are the conditions under which the gateway's own services serve."""
        self._own = own
        self._routes = routes
        self._monitors = {name: Monitor(b, self.tell) for name, b in backends.items()}
        self._names: dict[str, Monitor | None] = {}
        self._health: Health | None = None
        self._looking = [
            loops.new(f"backend.{name}", monitor.round) for name, monitor in self._monitors.items()
        ]

    async def start(self, health: Health, names: Iterable[str]) -> None:
        """Ask every backend once, tell `health` of the services `names`, and go on doing so."""
        self._health = health
        for name in names:
            backend = backend_of(name, self._routes) or ""
            self._names[name] = self._monitors.get(backend)
        await asyncio.gather(*(monitor.look() for monitor in self._monitors.values()))
        self.tell()
        for each in self._looking:
            each.start()

    def unserved(self) -> str:
        """A condition of readiness: some backend serves."""
        if not self._monitors or any(monitor.serving for monitor in self._monitors.values()):
            return ""
        return f"none of the backends serves: {', '.join(sorted(self._monitors))}"

    async def stop(self) -> None:
        """Say NOT_SERVING of everything, and ask no more."""
        if self._health is not None:
            self._health.stop()
        for each in self._looking:
            await each.stop()
        for monitor in self._monitors.values():
            monitor.stop()

    def tell(self) -> None:
        """Tell what is the case now, which may be what was told before."""
        if self._health is None:
            return
        own = not any(condition() for condition in self._own.values())
        for name, monitor in self._names.items():
            self._health.set(name, own if monitor is None else monitor.serving)
        serving = own and all(monitor.serving for monitor in self._monitors.values())
        self._health.set(WHOLE, serving)
