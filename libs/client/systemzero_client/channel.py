"""The channel under a client: options, encryption, credentials, deadlines.

Why the options are what they are:
1. Keepalive pings find a dead connection under a quiet stream; the platform's servers take one
   every 20 seconds, so 30 are polite. gRPC stops after two without data unless told otherwise.
2. Retries are gRPC's own, and only of methods that the contract declares idempotent. CANCELLED is
   among them: a server that is stopped says so to calls that it has not taken yet. A call that its
   caller cancels is over all the same.
3. What may be sent is the server's to bound, so that its refusal has a reason.
4. A platform that is down is looked for every second: gRPC's own pauses grow to two minutes, in
   which calls would fail long after it is back.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import json
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import grpc

from systemzero_client.contract import idempotent_methods
from systemzero_client.errors import SystemZeroError
from systemzero_client.failures import of_rpc, readable
from systemzero_client.silence import SilenceLimit

Q = TypeVar("Q")
R = TypeVar("R")

DEFAULT_TIMEOUT = 30.0
"""Seconds that a unary call may take, retries included."""

Context = Callable[[], Mapping[str, str]]
"""Gives the trace that a call is part of, asked before each: `traceparent` and `tracestate` as W3C
has them, and the call's `x-request-id`; whatever else there is stays here."""
_CONTEXT = ("traceparent", "tracestate", "x-request-id")

_MAX_RECEIVED = 9_000_000  # bytes: the platform answers with 8 MB at most
_LEAST_PAUSE = 0.05  # seconds between two attempts, whatever the server allows
_MOST_EMPTY_PAGES = 1000
_MOST_PAGES = 100_000
"""Pages of one list: of 200 items each, twenty million."""
_RETRY = {
    "maxAttempts": 4,
    "initialBackoff": "0.1s",
    "maxBackoff": "2s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
}


class Tls(NamedTuple):
    """How to encrypt; with no field set the system's certificate authorities are trusted.

    Attributes:
        ca: PEM of the authorities to trust instead.
        certificate: PEM of the client's own certificate chain, for mutual TLS.
        key: PEM of its private key.
        server_name: the name that the server's certificate must have, if not the target's.
    """

    ca: bytes | None = None
    certificate: bytes | None = None
    key: bytes | None = None
    server_name: str = ""

    def __repr__(self) -> str:
        """Without the private key."""
        return f"Tls(server_name={self.server_name!r})"


class Transport:
    """A channel with the credential and the deadline that each call gets."""

    def __init__(
        self,
        target: str,
        *,
        credential: str = "",
        tls: Tls | bool | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        context: Context | None = None,
    ) -> None:
        """Opens nothing yet: gRPC connects with the first call.

        Args:
            target: `host:port`, or any gRPC target such as `dns:///gateway:50051`.
            credential: API key or token; sent as `authorization: Bearer …`.
            tls: how to encrypt; True is `Tls()`, False is in the clear, None is in the clear to
                this machine and encrypted elsewhere.
            timeout: seconds that a unary call may take.
            context: gives the trace that a call is part of.

        Raises:
            ValueError: the credential cannot stand in a header.
        """
        if not credential.isascii() or not credential.isprintable() or " " in credential:
            raise ValueError("an API key or token holds printable ASCII characters alone")
        self.target = target
        self.timeout = timeout
        self._credential = (("authorization", f"Bearer {credential}"),) if credential else ()
        self._context = context
        self.channel = _open(target, is_local(target) is False if tls is None else tls)

    def __repr__(self) -> str:
        """Without the credential."""
        return f"Transport({self.target!r})"

    async def unary(
        self, method: Callable[..., Any], request: Q, seconds: float | None = None
    ) -> Any:
        """The response of a unary method of a stub.

        A rate limit that is over before the deadline is waited for: such a call was refused before
        it did anything, so that even one that is not idempotent may be sent again.

        Raises:
            SystemZeroError: the call failed.
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + (seconds or self.timeout)
        metadata = self._metadata()  # once: what is sent again is the same call
        while True:
            try:
                response = await method(request, timeout=deadline - clock(), metadata=metadata)
            except grpc.RpcError as raised:
                error = of_rpc(raised)
            else:
                return readable(response)
            pause = error.retry_after if error.reason == "RATE_LIMITED" else None
            if pause is None or clock() + pause >= deadline:
                raise error
            pause = max(pause, _LEAST_PAUSE)
            await asyncio.sleep(pause)

    async def stream(
        self,
        method: Callable[..., Any],
        request: Q | AsyncIterable[Q],
        seconds: float | None = None,
        *,
        silence: float | None = None,
    ) -> AsyncGenerator[Any]:
        """The responses of a streaming method.

        Without `seconds` it may last for ever, without `silence` be quiet for as long.

        Raises:
            SystemZeroError: the call failed, the server ended it early, or nothing came for
                `silence` seconds and the server does not say that it serves.
        """
        call = method(request, timeout=seconds, metadata=self._metadata())
        responses = aiter(call)
        patience = SilenceLimit(self.channel, lambda: silence)

        async def following() -> Any:
            return await anext(responses)

        try:
            while True:
                response = await (patience.wait_for(following()) if silence else following())
                yield readable(response)
        except StopAsyncIteration:
            return
        except grpc.RpcError as error:
            raise of_rpc(error) from None
        except TimeoutError:
            raise SystemZeroError(
                grpc.StatusCode.DEADLINE_EXCEEDED, "", f"nothing came for {silence:g} s"
            ) from None
        finally:
            call.cancel()

    async def pages(
        self, method: Callable[..., Any], request: Any, field: str
    ) -> AsyncGenerator[Any]:
        """The items, by the name of their `field`, of every page; each is fetched when needed.

        Raises:
            SystemZeroError: a call failed, or the pages would not end: a page comes again, too
                many hold nothing, or there are more than `_MOST_PAGES`.
        """
        pages = _Pages(field, request.page_size)
        while True:
            response = await self.unary(method, request)
            items = getattr(response, field)
            pages.take(len(items), response.next_page_token)
            for item in items:
                yield item
            if not response.next_page_token:
                return
            request.page_token = response.next_page_token

    def duplex(self, method: Callable[..., Any]) -> Any:
        """The call of a bidirectional method, to be written to and read by hand."""
        return method(metadata=self._metadata())

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        if self._context is None:
            return self._credential
        given = self._context()
        return (*self._credential, *((key, given[key]) for key in _CONTEXT if key in given))

    async def close(self) -> None:
        """Close the channel; calls in flight are cancelled."""
        await self.channel.close(None)


class _Pages:
    """Looks at the pages of one list, and ends one that a server would never end."""

    def __init__(self, field: str, size: int) -> None:
        self._field, self._size = field, size
        self._empty = 0
        self._tokens: set[bytes] = set()

    def take(self, items: int, token: str) -> None:
        """Note a page of so many items, and the token of the one that follows."""
        if 0 < self._size < items:
            raise self._refused(f"one has {items} items, and {self._size} were asked for")
        digest = hashlib.sha256(token.encode()).digest()
        if digest in self._tokens:
            raise self._refused("the pages do not end: one comes again")
        self._tokens.add(digest)
        self._empty = 0 if items else self._empty + 1
        if self._empty > _MOST_EMPTY_PAGES:
            raise self._refused("the pages do not end: they hold nothing")
        if len(self._tokens) > _MOST_PAGES:
            raise self._refused(f"the pages do not end: there are more than {_MOST_PAGES:,}")

    def _refused(self, why: str) -> SystemZeroError:
        return SystemZeroError(
            grpc.StatusCode.DATA_LOSS, "DATA_CORRUPTED", f"the server's {self._field}: {why}"
        )


def is_local(target: str) -> bool:
    """Whether what is sent to `target` stays on this machine."""
    if target.startswith(("unix:", "unix-abstract:")):
        return True
    host = target.rpartition("/")[2].removeprefix("ipv4:").removeprefix("ipv6:")
    host = host.rpartition(":")[0].strip("[]") or host
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback  # which no Python before 3.13 says of a mapped one


def service_config() -> dict[str, Any]:
    """The gRPC service config: retries of the contract's idempotent methods.

    Source: https://github.com/grpc/grpc/blob/master/doc/service_config.md.
    """
    names = [{"service": m.service, "method": m.method} for m in idempotent_methods()]
    return {
        "loadBalancingConfig": [{"round_robin": {}}],
        "methodConfig": [{"name": names, "retryPolicy": _RETRY}],
        "retryThrottling": {"maxTokens": 20, "tokenRatio": 0.2},
    }


def channel_options() -> list[tuple[str, Any]]:
    """The options of every channel; see the module's description."""
    return [
        ("grpc.service_config", json.dumps(service_config())),
        ("grpc.enable_retries", 1),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.max_receive_message_length", _MAX_RECEIVED),
        ("grpc.max_send_message_length", -1),
        ("grpc.initial_reconnect_backoff_ms", 200),
        ("grpc.max_reconnect_backoff_ms", 1_000),
        ("grpc.primary_user_agent", "systemzero-client"),
    ]


def _open(target: str, tls: Tls | bool) -> grpc.aio.Channel:
    options = channel_options()
    if tls is False:
        return grpc.aio.insecure_channel(target, options=options)
    chosen = tls if isinstance(tls, Tls) else Tls()
    if chosen.server_name:
        options.append(("grpc.ssl_target_name_override", chosen.server_name))
    credentials = grpc.ssl_channel_credentials(chosen.ca, chosen.key, chosen.certificate)
    return grpc.aio.secure_channel(target, credentials, options=options)
