"""A service whose peer does not answer says so, in a way after which the call is sent again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from systemzero.capture.v1 import capture_service_pb2 as capture_pb
from systemzero.diff.v1 import diff_service_pb2 as diff_pb
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.diff.v1 import verdict_pb2
from systemzero.tree.v1 import tree_pb2
from systemzero_core.tree import Node, Tree
from tests.support.gateway import refused
from tests.support.pair import SILENCE, Pair, pair
from tests.support.stores import document

SCREEN = document(Tree([Node("document", name="Account"), Node("button", name="Pay")], [-1, 0]))
AGAIN = (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Pair]:
    async with pair(tmp_path) as both:
        yield both


@pytest.mark.parametrize("said", SILENCE)
async def test_no_verdict_is_unavailable_and_the_same_request_gets_it_later(
    served: Pair, said: grpc.StatusCode
) -> None:
    source = tree_pb2.TreeSource(native=SCREEN)
    await served.templates().LearnTemplate(
        template_pb.LearnTemplateRequest(screen_id="account", captures=[source])
    )
    request = capture_pb.IngestRequest(native=SCREEN, check=True, request_id="one")
    served.away["JudgeCapture"] = said
    assert (await refused(served.captures().Ingest(request)))[:2] == AGAIN
    served.away.clear()
    answer = await served.captures().Ingest(request)
    assert answer.verdict.kind == verdict_pb2.VERDICT_KIND_UNCHANGED


@pytest.mark.parametrize("said", SILENCE)
async def test_no_capture_to_compare_with_is_unavailable(
    served: Pair, said: grpc.StatusCode
) -> None:
    stored = await served.captures().Ingest(capture_pb.IngestRequest(native=SCREEN))
    request = diff_pb.DiffRequest(
        a=tree_pb2.TreeSource(capture_id=stored.capture.capture_id),
        b=tree_pb2.TreeSource(native=SCREEN),
    )
    served.away["GetTrees"] = said
    assert (await refused(served.diff().Diff(request)))[:2] == AGAIN
    served.away.clear()
    await served.diff().Diff(request)
