"""The screens of the mix, from the recorded captures, as requests in which ids are marked.

The older release of each recorded application is learned; the later one is the drift. The page of
2,492 nodes is left out: one such in forty calls would be most of the load.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks._corpus import Corpus, Files
from benchmarks.load.mix import ID_MARK, INGEST, MARK, Prepared
from systemzero.capture.v1 import capture_service_pb2 as pb
from systemzero.diff.v1 import drift_service_pb2, template_service_pb2, verdict_pb2
from systemzero.log.v1 import log_service_pb2
from systemzero.tree.v1 import tree_pb2
from systemzero_core.intake import Intake, take_in
from tests.support.stores import document

DATA = Path(__file__).parents[2] / "tests" / "data" / "captures"
BASE = {"stock-admin": ("4.2.16", "5.2.1"), "parcel-console": ("4.15.5", "5.31.0")}
"""The release that is learned, and the one that is the drift."""
STEPS = {
    "stock-admin": ("1-login", "2-index", "3-list", "4-form"),
    "parcel-console": ("1-console", "2-operation", "3-try", "4-authorize"),
}
UNCHANGED = verdict_pb2.VERDICT_KIND_UNCHANGED
DRIFT = verdict_pb2.VERDICT_KIND_DRIFT
_QUOTED = re.compile(rb'"@int@(\w+)"')


class Screen:
    """One screen: as it was learned, with new ids, and as it has drifted."""

    def __init__(self, corpus: Corpus, app: str, step: str) -> None:
        older, later = (f"{app}/{release}__{step}.ax.json.gz" for release in BASE[app])
        self.app = app
        self.name = f"{app}/{step}"
        self.learned = corpus.files(older)
        self.later = corpus.files(later)

    def template(self) -> template_service_pb2.LearnTemplateRequest:
        """The request by which the screen is learned."""
        source = tree_pb2.TreeSource(native=_native(self.learned))
        return template_service_pb2.LearnTemplateRequest(screen_id=self.name, captures=[source])

    def prepared(self) -> Iterator[Prepared]:
        """Its calls, of every kind that ingests."""
        known, later = _intake(self.learned), _intake(self.later)
        novel = _marked(self.learned, change=_new_text)
        told = _marked(self.learned, mark="", change=_new_text)
        yield self._ingest("fresh", UNCHANGED, native=_native(_marked(self.learned)))
        yield self._ingest("same", UNCHANGED, native=_native(self.learned))
        yield self._ingest("drift", DRIFT, native=_native(_marked(self.later)))
        yield self._ingest("novel", DRIFT, native=_native(novel))
        yield self._ingest("digest", UNCHANGED, full_digest=known.signatures.full)
        yield self._ingest("drift_digest", DRIFT, full_digest=later.signatures.full)
        # no digest that is known, and the screen that it stood for
        yield self._ingest("unknown", 0, full_digest=MARK.ljust(32, b"0"))
        yield self._ingest("novel_tree", DRIFT, native=document(_intake(told).tree))

    def _ingest(self, kind: str, verdict: int, **content: Any) -> Prepared:
        request = pb.IngestRequest(
            request_id=ID_MARK.decode(), app=self.app, screen_hint=self.name, check=True, **content
        )
        return Prepared(kind, INGEST, request.SerializeToString(), verdict)


def screens() -> list[Screen]:
    """All of them."""
    corpus = Corpus(DATA)
    return [Screen(corpus, app, step) for app, steps in STEPS.items() for step in steps]


def reads(capture_id: str, screen: str) -> Iterator[Prepared]:
    """What people and dashboards read: one call of each."""
    asked: dict[str, Any] = {
        "/systemzero.capture.v1.CaptureService/GetCapture": pb.GetCaptureRequest(
            capture_id=capture_id
        ),
        "/systemzero.capture.v1.CaptureService/ListCaptures": pb.ListCapturesRequest(page_size=20),
        "/systemzero.diff.v1.DriftService/ListEvents": drift_service_pb2.ListEventsRequest(
            page_size=20
        ),
        "/systemzero.diff.v1.TemplateService/GetTemplate": template_service_pb2.GetTemplateRequest(
            template_id=screen
        ),
        "/systemzero.log.v1.LogService/GetCheckpoint": log_service_pb2.GetCheckpointRequest(),
    }
    for method, request in asked.items():
        yield Prepared("read", method, request.SerializeToString(), 0)


def _intake(files: Files) -> Intake:
    intake = take_in(files.data, dom=files.dom, frames=files.frames)
    if intake.incompleteness:
        raise ValueError(f"an incomplete capture is no baseline: {intake.incompleteness}")
    return intake


def _native(files: Files) -> tree_pb2.NativeCapture:
    return tree_pb2.NativeCapture(data=files.data, dom=files.dom or b"", frames=files.frames)


def _marked(
    files: Files,
    mark: str = MARK.decode(),
    change: Callable[[list[Any]], None] = lambda _nodes: None,
) -> Files:
    """The capture with `mark` before every id, and with `change` made to its nodes."""
    document = json.loads(files.data)
    for node in document["nodes"]:
        for key in ("nodeId", "parentId"):
            if key in node:
                node[key] = mark + node[key]
        node["childIds"] = [mark + child for child in node.get("childIds", ())]
        if "backendDOMNodeId" in node:  # a number: its quotes go again below
            node["backendDOMNodeId"] = f"@int@{mark}{node['backendDOMNodeId']}"
    change(document["nodes"])
    dom = {mark + key: value for key, value in json.loads(files.dom or b"{}").items()}
    return Files(_dumped(document), _dumped(dom), files.frames)


def _dumped(document: Any) -> bytes:
    return _QUOTED.sub(rb"\1", json.dumps(document, separators=(",", ":")).encode())


def _new_text(nodes: list[Any]) -> None:
    """Mark one name of the tree: a heading says what it never said before."""
    shown = (node for node in nodes if not node["ignored"])
    heading = next(node for node in shown if node["role"]["value"] == "heading")
    heading["name"]["value"] += f" {MARK.decode()}"
