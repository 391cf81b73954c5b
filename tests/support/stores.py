"""Values for stores and services: small trees, captures, events, templates."""

from __future__ import annotations

from collections.abc import Sequence

from systemzero.tree.v1 import tree_pb2
from systemzero_capture.model import ContentFacts, Reason, Sighting
from systemzero_core.drift import (
    CoveredEdit,
    Decision,
    DecisionKind,
    DecisionScope,
    PlaceDigests,
    Severity,
)
from systemzero_core.formats import own
from systemzero_core.signature import sign
from systemzero_core.template import Template, signed
from systemzero_core.tree import Node, Tree
from systemzero_diff.model import NewEvent

DAY = 86_400_000_000
NOW = 20_000 * DAY
"""A time in 2024, in microseconds."""


def tree(*names: str) -> Tree:
    """A form with one button for each name."""
    nodes = [Node("form", name="Order"), *(Node("button", name=name) for name in names)]
    return Tree(nodes, [-1, *(0 for _ in names)])


def document(content: Tree) -> tree_pb2.NativeCapture:
    """The tree's own JSON, as a client sends it."""
    return tree_pb2.NativeCapture(data=own.encode(content), format=tree_pb2.FORMAT_TREE)


def known(*names: str, incomplete: str = "") -> ContentFacts:
    """What is known of `tree(*names)`."""
    reasons = (Reason("busy", incomplete),) if incomplete else ()
    return ContentFacts(sign(tree(*names)), 1 + len(names), None, reasons)


def sighting(request_id: str = "", digest: bytes = b"", **said: str) -> Sighting:
    """A sighting; `digest` stands for the rest of the request."""
    return Sighting(request_id=request_id, request_digest=digest, **said)  # type: ignore[arg-type]


def plain(_verdict: bytes) -> bytes:
    """What is left of a verdict without its texts, for stores: they know nothing of verdicts."""
    return b"plain"


def template(screen: str = "order", *names: str, template_id: str = "tpl_1") -> Template:
    """A template of the screen, from `tree(*names)`."""
    made = Template(template_id=template_id, screen_id=screen, app="shop", tree=tree(*names))
    return signed(made)


def event(number: int, time: int = NOW, **other: object) -> NewEvent:
    """An event with the id `evt_<number>`."""
    values: dict[str, object] = {
        "event_id": f"evt_{number}",
        "create_time": time,
        "capture_id": f"cap_{number}",
        "app": "shop",
        "screen_id": "order",
        "template_id": "tpl_1",
        "template_version": 1,
        "severity": Severity.WARNING,
        "fingerprint": f"{number:064x}",
        "verdict": b"",
        **other,
    }
    # the same values where nothing else is said of alike events
    values.setdefault("values_digest", values["fingerprint"])
    return NewEvent(**values)  # type: ignore[arg-type]


def decision(
    number: int,
    kind: DecisionKind,
    time: int = NOW,
    expire_time: int | None = None,
    scope: DecisionScope = DecisionScope.SCREEN,
) -> Decision:
    """A decision with the id `dec_<number>`."""
    return Decision(
        decision_id=f"dec_{number}",
        kind=kind,
        scope=scope,
        edits=(CoveredEdit("f" * 64, PlaceDigests()),),
        screen_id="order",
        app="shop",
        reason="because",
        actor="key_1",
        create_time=time,
        expire_time=expire_time,
    )


async def no_events(_tenant: str, _capture_ids: Sequence[str]) -> frozenset[str]:
    """What the diff service says of captures without events."""
    return frozenset()
