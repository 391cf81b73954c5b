"""A receiver of traces, as a collector has one: OTLP over gRPC, on a real port."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as pb
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc
from opentelemetry.proto.trace.v1 import trace_pb2

from tests.support.patience import PATIENCE

"""Seconds after which spans that do not come are given up."""


@dataclass(frozen=True)
class Received:
    """One span, and the name of the service that it is of."""

    service: str
    span: trace_pb2.Span

    @property
    def attributes(self) -> dict[str, Any]:
        """By name."""
        return _values(self.span.attributes)


class Receiver(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps what is exported to `target`."""

    def __init__(self) -> None:
        self.target = ""
        self._spans: list[Received] = []
        self._came = threading.Condition()

    def Export(self, request: pb.ExportTraceServiceRequest, context: Any) -> Any:  # noqa: N802
        with self._came:
            for resource in request.resource_spans:
                service = _values(resource.resource.attributes)["service.name"]
                for scope in resource.scope_spans:
                    self._spans += [Received(service, span) for span in scope.spans]
            self._came.notify_all()
        return pb.ExportTraceServiceResponse()

    def received(self) -> list[Received]:
        """All spans that came so far."""
        with self._came:
            return list(self._spans)

    def until(self, enough: Callable[[list[Received]], bool], trace_id: str) -> list[Received]:
        """The spans of a trace, once they are `enough`."""

        def found() -> list[Received]:
            return [one for one in self._spans if one.span.trace_id.hex() == trace_id]

        with self._came:
            assert self._came.wait_for(lambda: enough(found()), PATIENCE), found()
            return found()


def _values(attributes: Any) -> dict[str, Any]:
    return {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in attributes}


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver, running."""
    receiver = Receiver()
    server = grpc.server(ThreadPoolExecutor(2))
    add: Any = trace_service_pb2_grpc.add_TraceServiceServicer_to_server
    add(receiver, server)
    receiver.target = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield receiver
    finally:
        server.stop(0).wait()
