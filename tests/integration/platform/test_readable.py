"""What is stored can be read back: what never could be is refused when it comes."""

from __future__ import annotations

from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import grpc
import pytest

from systemzero.capture.v1 import capture_service_pb2 as capture_pb
from systemzero.diff.v1 import diff_service_pb2 as diff_pb
from systemzero.diff.v1 import template_pb2
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.tree.v1 import tree_pb2
from systemzero_base.internal.identity import (
    METADATA_KEY,
    IdentitySigner,
    IdentityVerifier,
    Principal,
)
from systemzero_core.errors import TooLarge
from systemzero_core.tree import Node, Tree
from systemzero_diff.work import templates
from systemzero_runtime.interceptors.chain import MAX_ANSWER_BYTES
from systemzero_runtime.interceptors.errors import errors_interceptor
from systemzero_runtime.interceptors.identity import identity_interceptor
from systemzero_runtime.serving.local import LocalChannel
from systemzero_runtime.serving.registry import HandlerRegistry
from systemzero_wire.trees import MAX_TREE_BYTES, encode_tree
from tests.integration.diff.verdicts.test_answers_bounded import chain
from tests.support.checks import put
from tests.support.gateway import refused
from tests.support.services import KEY, capture_house, diff_house, seconds

VERDICT_BYTES = 1_000_000


def wide(size: int) -> Tree:
    """A screen whose tree message has about `size` bytes."""
    count = size // 1_000
    nodes = [Node("document", "Wide")]
    nodes += [Node("button", f"{i:06d}" + "n" * 979) for i in range(count)]
    return Tree(nodes, (-1, *(0 for _ in range(count))))


async def too_large(call: Awaitable[Any]) -> str:
    """What is said of a call that is refused since something is too large."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        code, reason, details = await refused(again(error))
        assert (code, reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, TooLarge.reason)
        assert set(details["ErrorInfo"].metadata) >= {"limit", "actual"}
        return str(error.details())
    raise AssertionError("the call was answered")


async def again(error: Exception) -> None:
    raise error


def test_a_tree_leaves_room_for_the_rest_of_its_answer() -> None:
    assert MAX_TREE_BYTES + VERDICT_BYTES + 400_000 <= MAX_ANSWER_BYTES


async def test_a_capture_that_could_never_be_read_is_not_stored(tmp_path: Path) -> None:
    async with capture_house(tmp_path) as house:
        request = capture_pb.IngestRequest(tree=encode_tree(wide(9_000_000)), check=True)
        said = await too_large(house.captures().Ingest(request))
        assert "could not be read back" in said
        assert not house.fake.requests
        page = await house.captures().ListCaptures(capture_pb.ListCapturesRequest())
        assert not page.captures


async def test_the_largest_capture_is_read_back(tmp_path: Path) -> None:
    async with capture_house(tmp_path) as house:
        request = capture_pb.IngestRequest(tree=encode_tree(wide(MAX_TREE_BYTES - 100_000)))
        made = (await house.captures().Ingest(request)).capture
        asked = capture_pb.GetCaptureRequest(capture_id=made.capture_id, include_tree=True)
        got = (await house.captures().GetCapture(asked)).capture
        assert len(got.tree.nodes) == made.node_count > 6_000


async def test_a_template_that_could_never_be_read_is_not_made(tmp_path: Path) -> None:
    async with diff_house(tmp_path) as house:
        made = template_pb2.Template(screen_id="wide", tree=encode_tree(wide(9_000_000)))
        request = template_pb.CreateTemplateRequest(template=made)
        said = await too_large(house.templates().CreateTemplate(request))
        assert "could not be read back" in said


async def test_a_template_whose_yaml_is_too_large_says_how_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(templates, "MAX_YAML_BYTES", 100)
    async with diff_house(tmp_path) as house:
        made = (await put(house, "deep", chain(40))).template_id
        asked = template_pb.ExportTemplateRequest(template_id=made)
        said = await too_large(house.templates().ExportTemplate(asked))
        assert "GetTemplate" in said
        got = await house.templates().GetTemplate(template_pb.GetTemplateRequest(template_id=made))
        assert len(got.template.tree.nodes) == 41


async def test_a_service_gets_more_of_another_than_clients_get() -> None:
    async def whole(request: bytes, context: Any) -> bytes:
        return b"x" * (MAX_ANSWER_BYTES + 1)

    trusted = dict.fromkeys(("gateway", "diff"), KEY.public_key())
    verifier = IdentityVerifier("capture", trusted, seconds)
    registry = HandlerRegistry(
        [errors_interceptor(lambda *_: None), identity_interceptor(verifier)]
    )
    for service, name in (("TreeService", "GetTrees"), ("CaptureService", "GetCapture")):
        handlers = {name: grpc.unary_unary_rpc_method_handler(whole)}
        registry.add_registered_method_handlers(f"systemzero.capture.v1.{service}", handlers)

    def asked_by(issuer: str, method: str) -> Any:
        call = LocalChannel(registry).unary_unary(f"/systemzero.capture.v1.{method}")
        token = IdentitySigner(issuer, KEY, seconds).token(Principal("acme", "key_1"), "capture")
        return call(b"", metadata=((METADATA_KEY, token),))

    assert len(await asked_by("diff", "TreeService/GetTrees")) == MAX_ANSWER_BYTES + 1
    await too_large(asked_by("gateway", "CaptureService/GetCapture"))


async def test_a_capture_that_its_service_can_not_send_is_too_large(tmp_path: Path) -> None:
    async with diff_house(tmp_path) as house:
        metadata = {"limit": "1", "actual": "2"}
        house.fake.error = TooLarge("more than an answer may have", metadata=metadata)
        source = tree_pb2.TreeSource(capture_id="cap_1")
        await too_large(house.diff().Diff(diff_pb.DiffRequest(a=source, b=source)))
