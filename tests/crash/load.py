"""Clients that ingest drift after drift and follow the log until the platform dies."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import grpc

from systemzero.capture.v1 import capture_service_pb2 as pb
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.log.v1 import log_service_pb2 as log_pb
from systemzero.tree.v1 import tree_pb2
from tests.crash.ledger import Ledger
from tests.support.platform import Services

WRITERS = 8
_TIMEOUT = 10.0
SCREEN = "orders"


class Serving(Protocol):
    """What answers under load."""

    def services(self) -> Services:
        """Stubs of its services."""
        ...


def document(word: str) -> tree_pb2.NativeCapture:
    """A small screen on which one button says `word`."""
    links = "".join(f'- link "Part {n}"\n' for n in range(8))
    return tree_pb2.NativeCapture(
        data=f'- heading "Orders" [level=1]\n{links}- button "{word}"\n'.encode()
    )


def learn(services: Services) -> None:
    """Approve the screen that all drift is from."""
    source = tree_pb2.TreeSource(native=document("Buy"))
    request = template_pb.LearnTemplateRequest(screen_id=SCREEN, captures=[source])
    services.template.LearnTemplate(request)


def ingest(request_id: str) -> pb.IngestRequest:
    """A request whose capture no other has."""
    return pb.IngestRequest(
        request_id=request_id,
        native=document(f"Buy {request_id}"),
        screen_hint=SCREEN,
        check=True,
    )


@contextmanager
def under_load(platform: Serving, ledger: Ledger, name: str) -> Iterator[None]:
    """Clients at work; at the end each stops after its call under way."""
    over = threading.Event()

    def write(writer: int) -> None:
        with platform.services() as services:
            count = 0
            while not over.is_set():
                count += 1
                request = ingest(f"{name}-{writer}-{count}")
                try:
                    ledger.answered(request, services.capture.Ingest(request, timeout=_TIMEOUT))
                except grpc.RpcError:
                    ledger.failed(request)
                    over.wait(0.05)

    def follow() -> None:
        with platform.services() as services:
            while not over.is_set():
                try:
                    asked = log_pb.GetCheckpointRequest()
                    ledger.published(services.log.GetCheckpoint(asked, timeout=_TIMEOUT).note)
                except grpc.RpcError:
                    over.wait(0.05)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(WRITERS)]
    threads.append(threading.Thread(target=follow))
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
