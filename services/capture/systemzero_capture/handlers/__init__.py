"""The servicers, one for each gRPC service. Each decodes the request, calls the domain, encodes."""

from systemzero_capture.handlers.capture import CaptureServicer
from systemzero_capture.handlers.pairing import PairingServicer
from systemzero_capture.handlers.registering import register
from systemzero_capture.handlers.trees import TreeServicer

__all__ = ["CaptureServicer", "PairingServicer", "TreeServicer", "register"]
