"""The client: one channel, and the platform's services on it."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from systemzero.gateway.v1 import status_service_pb2 as status_pb
from systemzero.gateway.v1 import status_service_pb2_grpc
from systemzero_client.captures import Captures
from systemzero_client.channel import DEFAULT_TIMEOUT, Context, Tls, Transport
from systemzero_client.events import Events
from systemzero_client.keys import Keys
from systemzero_client.log import Log
from systemzero_client.screens import Screens
from systemzero_client.streams import Backoff
from systemzero_client.templates import Templates
from systemzero_client.tenants import Tenants
from systemzero_core.redaction import DEFAULT, Rules

_DEFAULT_BACKOFF = Backoff()


class Client:
    """A tenant's way to the platform. Use it as an async context manager; it may be shared.

    Attributes:
        captures: take in, read, watch and erase captures.
        screens: compare, match and judge without storing.
        templates: learn, read, change, import and export templates.
        events: read, watch and decide about drift events.
        log: the evidence log; see `systemzero_client.verify`.
        keys: API keys and tokens.
        tenants: tenants and their quotas.
    """

    def __init__(
        self,
        target: str,
        *,
        api_key: str = "",
        token: str = "",
        tls: Tls | bool | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        context: Context | None = None,
        backoff: Backoff = _DEFAULT_BACKOFF,
        redaction: Rules = DEFAULT,
    ) -> None:
        """Connects with the first call.

        Args:
            target: `host:port`, or any gRPC target.
            api_key: an API key, `s0_…`.
            token: a token made from one, instead of it.
            tls: how to encrypt; True is `Tls()`, False is in the clear, None is in the clear to
                this machine and encrypted elsewhere.
            timeout: seconds that a unary call may take, retries included.
            context: asked before each call for the trace that it is part of: `traceparent`,
                `tracestate`, and an `x-request-id` of the caller's own.
            backoff: pauses before a broken stream is taken up again.
            redaction: which texts are secrets and do not leave this machine in what is normalised
                here (`at_edge`).

        Raises:
            ValueError: both an API key and a token, or one that cannot stand in a header.
        """
        if api_key and token:
            raise ValueError("an API key or a token, not both")
        self.transport = Transport(
            target, credential=api_key or token, tls=tls, timeout=timeout, context=context
        )
        self.captures = Captures(self.transport, backoff, redaction)
        self.screens = Screens(self.transport)
        self.templates = Templates(self.transport)
        self.events = Events(self.transport, backoff)
        self.log = Log(self.transport)
        self.audit = Log(self.transport, audit=True)
        self.keys = Keys(self.transport)
        self.tenants = Tenants(self.transport)
        # What nearly everybody is here for, without the detour.
        self.ingest = self.captures.ingest
        self.ingest_many = self.captures.ingest_many
        self.check = self.screens.check
        self.diff = self.screens.diff
        self.match = self.screens.match
        self.learn = self.templates.learn
        self.watch_events = self.events.watch
        self._status = status_service_pb2_grpc.StatusServiceStub(self.transport.channel)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        """Without the credential."""
        return f"Client({self.transport.target!r})"

    async def close(self) -> None:
        """Close the channel; calls in flight are cancelled."""
        await self.transport.close()

    async def status(self) -> status_pb.GetStatusResponse:
        """The platform as the gateway sees it now: versions, backends, the caller, the log."""
        response: status_pb.GetStatusResponse = await self.transport.unary(
            self._status.GetStatus, status_pb.GetStatusRequest()
        )
        return response
