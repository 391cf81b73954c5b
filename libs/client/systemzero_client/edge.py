"""Normalising and signing at the edge: a screen that the service knows costs its digest alone.

An incomplete capture is sent whole, as its platform gave it: what it lacks shows there, and a
normal form would hide it.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from systemzero_client.documents import Document
from systemzero_client.plugins import take_in_document


class EdgeCapture(NamedTuple):
    """A capture as the edge sends it.

    Attributes:
        digest: the full digest of the normal form (32 bytes); None where the body must be sent.
        body: the normal form, or the document itself where `digest` is None.
    """

    digest: bytes | None
    body: Document


def at_edge(document: Document) -> EdgeCapture:
    """Normalise and sign `document`.

    Raises:
        InvalidInput: it is malformed; the error names the line, field or node.
        TooLarge: it has too many bytes or nodes.
    """
    taken = take_in_document(document)
    if taken.incompleteness:
        return EdgeCapture(None, document)
    return EdgeCapture(taken.signatures.full, Document.of_tree(taken.tree))


async def at_edge_async(document: Document) -> EdgeCapture:
    """As `at_edge`, in a thread: a large capture takes longer than a loop may stand still."""
    return await asyncio.to_thread(at_edge, document)
