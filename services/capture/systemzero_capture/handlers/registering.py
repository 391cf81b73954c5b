"""Adds the servicers to the registry that serves them."""

from __future__ import annotations

from systemzero.capture.v1 import capture_service_pb2_grpc as capture
from systemzero.capture.v1 import pairing_service_pb2_grpc as pairing
from systemzero.capture.v1 import tree_service_pb2_grpc as tree
from systemzero.usage.v1 import usage_service_pb2_grpc as usage
from systemzero_capture.handlers.capture import CaptureServicer
from systemzero_capture.handlers.pairing import PairingServicer
from systemzero_capture.handlers.trees import TreeServicer
from systemzero_runtime.serving.registry import HandlerRegistry
from systemzero_storage.usage.servicer import UsageServicer


def register(
    registry: HandlerRegistry,
    captures: CaptureServicer,
    trees: TreeServicer,
    pairings: PairingServicer,
    usages: UsageServicer,
) -> None:
    """Have the registry serve all of them."""
    registry.add(capture.add_CaptureServiceServicer_to_server, captures, unread=True)
    registry.add(tree.add_TreeServiceServicer_to_server, trees)
    registry.add(pairing.add_PairingServiceServicer_to_server, pairings)
    registry.add(usage.add_UsageServiceServicer_to_server, usages)
