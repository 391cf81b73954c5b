"""Decodes what comes, in a lane where it is large."""

from __future__ import annotations

from typing import NamedTuple

from systemzero_base.lanes.dispatch import MEMORY_FACTOR, Lanes
from systemzero_base.settings.redacting import RulesByTenant
from systemzero_base.telemetry.stages import SMALL_BYTES
from systemzero_capture import metrics
from systemzero_capture.codec.trees import decode_message
from systemzero_capture.intake import pipeline, work
from systemzero_capture.intake.decoded import DecodedCapture
from systemzero_capture.model import ContentFacts, Decoded, Native, size_of
from systemzero_core.formats import Formats

__all__ = ["DecodedCapture", "Decoder", "Read"]


class Read(NamedTuple):
    """What is known of a capture, and its tree in hand."""

    known: ContentFacts
    held: DecodedCapture


class Decoder:
    """Decodes captures of all tenants."""

    def __init__(self, lanes: Lanes, formats: Formats, rules: RulesByTenant) -> None:
        self._lanes = lanes
        self._formats = formats
        self._rules = rules

    async def decode(self, tenant: str, content: Native | bytes) -> Read:
        """A native document, or a serialised tree message: decoded, gated, normalised, signed.

        Raises:
            InvalidInput, TooLarge: it can't be read.
        """
        with metrics.DECODE.time():
            read = await self._decode(tenant, content)
        if reasons := read.known.incompleteness:
            metrics.INCOMPLETE.labels(reasons[0].reason).inc()
        return read

    async def _decode(self, tenant: str, content: Native | bytes) -> Read:
        is_native = isinstance(content, Native)
        size = size_of(content)
        if size < SMALL_BYTES:
            decoded = self._at_once(tenant, content)
            return Read(decoded.known, DecodedCapture(decoded.tree))
        function = work.decode_native if is_native else work.decode_tree
        told, memory = self._rules.told(tenant), MEMORY_FACTOR * size
        done = await self._lanes.run(tenant, function, content, told, memory=memory)
        taken = work.taken(done.result)
        return Read(taken.known, DecodedCapture(None, taken.document, taken.body))

    def _at_once(self, tenant: str, content: Native | bytes) -> Decoded:
        rules = self._rules.of(tenant)
        if isinstance(content, Native):
            return pipeline.decode_native(content, self._formats, rules)
        return pipeline.decode_tree(decode_message(content), rules)
