"""Normalising and signing at the edge: a screen that the service knows costs its digest alone.

An incomplete capture is sent whole, as its platform gave it: what it lacks shows there, and a
normal form would hide it. No secret leaves the edge in either.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from systemzero_client.documents import Document
from systemzero_client.plugins import formats, take_in_document
from systemzero_core import originals
from systemzero_core.errors import FailedPrecondition
from systemzero_core.redaction import DEFAULT, Rules


class EdgeCapture(NamedTuple):
    """A capture as the edge sends it.

    Attributes:
        digest: the full digest of the normal form (32 bytes); None where the body must be sent.
        body: the normal form, or the document itself where `digest` is None.
        has_secrets: whether any were taken out of it: a picture of the screen is not to be sent.
    """

    digest: bytes | None
    body: Document
    has_secrets: bool = False


def at_edge(document: Document, rules: Rules = DEFAULT) -> EdgeCapture:
    """Free `document` of its secrets, normalise and sign it.

    Raises:
        InvalidInput: it is malformed; the error names the line, field or node.
        TooLarge: it has too many bytes or nodes.
        FailedPrecondition: it is incomplete, and can't be sent without a secret in it.
    """
    taken = take_in_document(document, rules)
    has_secrets = bool(taken.secrets)
    if not taken.incompleteness:
        body = Document.of_tree(taken.tree)
        return EdgeCapture(taken.signatures.full, body, has_secrets)
    cleaned = originals.clean(originals.Document(*document), formats=formats(), rules=rules)
    if cleaned.document is None:
        raise FailedPrecondition(
            "the capture is incomplete and would be sent as it is, but holds a secret, or may: it "
            "was not sent; capture again"
        )
    return EdgeCapture(None, Document(*cleaned.document), cleaned.has_secrets)


async def at_edge_async(document: Document, rules: Rules = DEFAULT) -> EdgeCapture:
    """As `at_edge`, in a thread: a large capture takes longer than a loop may stand still."""
    return await asyncio.to_thread(at_edge, document, rules)
