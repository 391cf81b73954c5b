"""A verdict without the texts of the screen that it is about: what is left once they are erased."""

from __future__ import annotations

from typing import Final

from systemzero.diff.v1 import verdict_pb2

ERASED: Final = "erased with its capture"
"""The explanation of a verdict whose texts are gone."""


def without_texts(verdict: bytes) -> bytes:
    """A serialised verdict without what it says of the screen's content.

    Kind, figures, fingerprint and the names of templates, events and decisions stay; explanation,
    edits, findings and what the match says of its features are gone.
    """
    message = verdict_pb2.Verdict.FromString(verdict)
    message.explanation = ERASED
    for field in ("script", "findings"):
        message.ClearField(field)
    if message.HasField("match"):
        message.match.ClearField("features")
    return message.SerializeToString()
