"""Bounds on streams that need no credential: health watches and reflection.

Invariants:
1. The number of streams of one kind is bounded, in total and for each network (an IPv6 /64). One
   network alone cannot use up the total.
2. A stream past the bound is refused at once, with a reason, and counted. No stream waits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from prometheus_client import Counter, Gauge

from systemzero_base.settings.addresses import address_of, network_of
from systemzero_core.errors import Overloaded, TooManyInFlight

RETRY_SECONDS: Final = 5.0
OPEN: Final = Gauge(
    "rpc_server_unguarded_streams",
    "Streams that anybody may open and that are open, by kind: health, reflection, or "
    "health_request, whose request is not there yet.",
    ["kind"],
    multiprocess_mode="livesum",
)
REFUSED: Final = Counter(
    "rpc_server_unguarded_refusals",
    "Such streams that were refused, by kind, and by the bound that they met: network or total.",
    ["kind", "bound"],
)


class AnonymousStreams:
    """The open streams of one kind."""

    def __init__(self, kind: str, total: int, of_network: int) -> None:
        self._kind = kind
        self._total = total
        self._of_network = of_network
        self._networks: dict[str, int] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @contextmanager
    def open(self, context: Any) -> Iterator[None]:
        """Count the stream of `context` meanwhile.

        Raises:
            Overloaded: there are as many as there may be.
            TooManyInFlight: there are as many of its network.
        """
        network = network_of(address_of(context.peer()))
        own = self._networks.get(network, 0)
        if self._count >= self._total:
            REFUSED.labels(self._kind, "total").inc()
            raise Overloaded(
                f"{self._total} streams of {self._kind} are open, which is all there may be",
                retry_after=RETRY_SECONDS,
            )
        if own >= self._of_network:
            REFUSED.labels(self._kind, "network").inc()
            raise TooManyInFlight(
                f"this network has {own} streams of {self._kind} open, which is all it may have",
                retry_after=RETRY_SECONDS,
                metadata={"subject": "address", "limit": str(self._of_network)},
            )
        self._count += 1
        self._networks[network] = own + 1
        try:
            with OPEN.labels(self._kind).track_inprogress():
                yield
        finally:
            self._count -= 1
            left = self._networks.pop(network) - 1
            if left:
                self._networks[network] = left
