"""Streams that end while the other side is still sending end with the status that was sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from systemzero_gateway.forwarding.streams import StreamCall
from tests.support.gateway import sending

DETAILS = ("grpc-status-details-bin", b"details")


class Hasty(grpc.GenericRpcHandler):  # type: ignore[type-arg]
    """Ends in the middle of what it is sent."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        if handler_call_details.method.endswith("Client"):
            return grpc.stream_unary_rpc_method_handler(self.client)
        return grpc.stream_stream_rpc_method_handler(self.both)

    async def both(self, requests: Any, context: Any) -> AsyncIterator[bytes]:
        async for request in requests:
            if request == b"bad":
                await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "bad", (DETAILS,))
            if request == b"end":
                context.set_trailing_metadata((DETAILS,))
                return
            yield request

    async def client(self, requests: Any, context: Any) -> bytes:
        return b" ".join([response async for response in self.both(requests, context)])


@pytest.fixture
async def channel() -> AsyncIterator[grpc.aio.Channel]:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Hasty(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    await server.stop(0)


@pytest.mark.parametrize("kind", ["Client", "Both"])
async def test_an_error_in_the_middle_is_never_taken_for_another(
    channel: grpc.aio.Channel, kind: str
) -> None:
    open_call: Any = channel.stream_unary if kind == "Client" else channel.stream_stream
    start, seen = open_call(f"/x/{kind}", None, None), Counter[str]()
    for _ in range(300):
        call = StreamCall(start, sending(b"a", b"bad", b"c", b"d", b"e"))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            _ = await call if kind == "Client" else [response async for response in call]
        trailers: Any = caught.value.trailing_metadata()
        seen[f"{caught.value.code().name} {caught.value.details()} {tuple(trailers)}"] += 1
    assert seen == {f"INVALID_ARGUMENT bad {(DETAILS,)}": 300}


async def test_a_good_end_before_the_last_request_is_a_good_end(channel: grpc.aio.Channel) -> None:
    start: Any = channel.stream_stream("/x/Both", None, None)
    for _ in range(300):
        call = StreamCall(start, sending(b"a", b"end", b"c", b"d", b"e"))
        assert [response async for response in call] == [b"a"]
        assert DETAILS in tuple(await call.trailing_metadata())
