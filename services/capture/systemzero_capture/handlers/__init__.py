"""The servicers, one per gRPC service: decode, call, encode."""

from systemzero_capture.handlers.capture import CaptureServicer
from systemzero_capture.handlers.registering import register
from systemzero_capture.handlers.trees import TreeServicer

__all__ = ["CaptureServicer", "TreeServicer", "register"]
