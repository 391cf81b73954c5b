"""A password that somebody typed is in no byte that is stored, logged, traced, kept or answered."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import zstandard

from systemzero.capture.v1 import capture_service_pb2 as pb
from systemzero.diff.v1 import (
    diff_service_pb2,
    drift_service_pb2,
    template_pb2,
    template_service_pb2,
)
from systemzero.tree.v1 import tree_pb2
from systemzero_client import Client, Document, Sighting
from systemzero_core.formats import own
from systemzero_core.template import Template, to_yaml
from systemzero_core.tree import Node, Tree
from systemzero_wire.trees import encode_tree
from tests.support.cli import Sz
from tests.support.otlp import Receiver, receiving
from tests.support.planted import Planted, captures
from tests.support.platform import Platform, Services, running

SECRET = "Xq7hunterZ42"
OTHER = "Wv3correctK95"
CARD = "4111 1111 1111 1111"
MEMBER = "MB8-member-Q31"
PLANTED = (SECRET, OTHER, CARD, MEMBER)
RULES = json.dumps({"names": ["^member"], "selectors": [{"attribute": "data-private"}]})
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR and so on"
_FORMATS = {
    "cdp": tree_pb2.FORMAT_CDP,
    "aria": tree_pb2.FORMAT_ARIA,
    "uiautomator": tree_pb2.FORMAT_UIAUTOMATOR,
    "appium-ios": tree_pb2.FORMAT_APPIUM_IOS,
    "appium-windows": tree_pb2.FORMAT_APPIUM_WINDOWS,
    "atspi": tree_pb2.FORMAT_ATSPI,
    "tree": tree_pb2.FORMAT_TREE,
}
_FRAME = b"\x28\xb5\x2f\xfd"
"""How what Zstandard packed begins."""
SETTINGS = {
    "SZ_STANDALONE_CAPTURE__ORIGINALS__NATIVE": "asked",
    "SZ_STANDALONE_CAPTURE__ORIGINALS__SCREENSHOTS": "true",
    "SZ_STANDALONE_CAPTURE__REDACT": RULES,
    "SZ_STANDALONE_DIFF__REDACT": RULES,
    "SZ_STANDALONE_LOG__LEVEL": "debug",
}


def message(planted: Planted) -> tree_pb2.NativeCapture:
    return tree_pb2.NativeCapture(
        data=planted.data,
        format=_FORMATS[planted.format],
        dom=planted.dom or b"",
        frames=planted.frames,
    )


def card_capture() -> Planted:
    return Planted("card", f'- paragraph: "paid with {CARD}"\n- button "Go"\n'.encode(), "aria")


def all_planted(typed: str) -> list[Planted]:
    return [*captures(typed), card_capture()]


def take_in(services: Services, answers: list[Any]) -> None:
    """Everything that an ingest can do with a capture, for every format."""
    for planted in all_planted(SECRET):
        request = pb.IngestRequest(
            request_id=f"first-{planted.name}",
            native=message(planted),
            app=planted.name,
            check=True,
            keep_native=True,
            screenshot=PNG,
        )
        answer = services.capture.Ingest(request)
        assert [sentence for sentence in answer.withheld if "screenshot" in sentence]
        answers += [answer, services.capture.Ingest(request)]
        asked = pb.GetCaptureRequest(
            capture_id=answer.capture.capture_id,
            include_tree=True,
            include_native=True,
            include_screenshot=True,
        )
        answers.append(services.capture.GetCapture(asked))
        assert answers[-1].capture.originals.HasField("native_info"), planted.name


def judge(services: Services, answers: list[Any]) -> None:
    """Templates of the empty page; drift of a page with another heading and a typed password."""
    for planted in captures(""):
        source = tree_pb2.TreeSource(native=message(planted))
        learn = template_service_pb2.LearnTemplateRequest(
            screen_id=planted.name, app=f"judged-{planted.name}", captures=[source, source]
        )
        answers.append(services.template.LearnTemplate(learn))
    for planted in captures(OTHER):
        changed = planted._replace(data=planted.data.replace(b"Welcome back", b"Buy it now"))
        request = pb.IngestRequest(
            native=message(changed), app=f"judged-{planted.name}", check=True, keep_native=True
        )
        answers.append(services.capture.Ingest(request))
        old, new = (
            tree_pb2.TreeSource(native=message(one)) for one in (captures(SECRET)[0], changed)
        )
        answers.append(services.diff.Diff(diff_service_pb2.DiffRequest(a=old, b=new)))
    answers.append(services.drift.ListEvents(drift_service_pb2.ListEventsRequest()))


def as_trees(services: Services, answers: list[Any]) -> None:
    """Trees that a client made itself, as captures and as the baselines of templates."""
    private = (("data-private", "yes"),)
    nodes = (
        Node("document", "Shop"),
        Node("textbox", "Access", SECRET, ("protected",)),
        Node("textbox", "Member number", MEMBER),
        Node("text", MEMBER, attributes=private),
        Node("heading", f"Hello {MEMBER}"),
    )
    tree = Tree(nodes, (-1, 0, 0, 0, 0))
    request = pb.IngestRequest(tree=encode_tree(tree), check=True, screenshot=PNG)
    answers.append(services.capture.Ingest(request))
    assert answers[-1].withheld
    native = tree_pb2.NativeCapture(data=own.encode(tree), format=tree_pb2.FORMAT_TREE)
    answers.append(services.capture.Ingest(pb.IngestRequest(native=native, keep_native=True)))
    judged = diff_service_pb2.CheckRequest(tree=tree_pb2.TreeSource(native=native))
    answers.append(services.diff.Check(judged))
    made = template_pb2.Template(screen_id="made", tree=encode_tree(tree))
    created = services.template.CreateTemplate(
        template_service_pb2.CreateTemplateRequest(template=made)
    )
    made.template_id, made.etag = created.template.template_id, created.template.etag
    change = template_service_pb2.UpdateTemplateRequest(template=made)
    change.update_mask.paths.append("tree")
    answers += [created, services.template.UpdateTemplate(change)]
    yaml = to_yaml(Template(template_id="", screen_id="imported", tree=tree))
    imported = template_service_pb2.ImportTemplateRequest(yaml=yaml)
    answers.append(services.template.ImportTemplate(imported))
    asked = template_service_pb2.GetTemplateRequest(template_id="imported")
    answers.append(services.template.GetTemplate(asked))


def malformed(services: Services, answers: list[Any]) -> None:
    """Documents that can't be read, each wrong where the secret stands."""
    broken = [
        (tree_pb2.FORMAT_ARIA, f'- textbox "Password" {SECRET}: x\n- button "Go"'),
        (tree_pb2.FORMAT_UIAUTOMATOR, f'<hierarchy><node password="true" <{SECRET}/></hierarchy>'),
        (tree_pb2.FORMAT_TREE, f'{{"format": "systemzero.tree", "password": {SECRET}}}'),
        (tree_pb2.FORMAT_CDP, f'{{"error": {{"message": "password {SECRET}"}}}}'),
        (tree_pb2.FORMAT_CDP, f'{{"nodes": [{{"nodeId": "password", "value": "{SECRET}'),
    ]
    for form, text in broken:
        native = tree_pb2.NativeCapture(data=text.encode(), format=form)
        try:
            answers.append(services.capture.Ingest(pb.IngestRequest(native=native, check=True)))
        except grpc.RpcError as error:
            answers.append(f"{error.details()} {error.trailing_metadata()}")


async def from_edge(platform: Platform, answers: list[Any]) -> None:
    """What the SDK normalises at the edge; and what leaves the machine of it."""
    async with Client(platform.target, api_key=platform.admin_key, tls=False) as client:
        for planted in all_planted(OTHER):
            document = Document(planted.data, planted.format, planted.dom, planted.frames)
            sighting = Sighting(app=f"edge-{planted.name}")
            answers.append(
                await client.ingest(document, sighting, check=True, at_edge=True, screenshot=PNG)
            )
            assert answers[-1].withheld
            many = client.ingest_many([(document, sighting)], check=True, at_edge=True)
            answers += [outcome async for outcome in many]


def readings(data: bytes, depth: int = 0) -> Iterator[bytes]:
    """Bytes, and what is packed in them."""
    yield data
    if depth > 3:
        return
    for found in re.finditer(re.escape(_FRAME), data):
        try:
            unpacked = (
                zstandard.ZstdDecompressor().decompressobj().decompress(data[found.start() :])
            )
        except zstandard.ZstdError:
            continue
        yield from readings(unpacked, depth + 1)
    for found in re.finditer(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]", data):
        try:
            unpacked = zlib.decompressobj(47).decompress(data[found.start() :], 10_000_000)
        except zlib.error:
            continue
        if len(unpacked) > 16:
            yield from readings(unpacked, depth + 1)


def spellings(secret: str) -> list[bytes]:
    plain = secret.encode()
    inner = [base64.b64encode(b"\0" * n + plain)[4 if n else 0 : -4] for n in range(3)]
    return [plain, plain.hex().encode(), secret.encode("utf-16-le"), *inner]


def holders(found: dict[str, bytes]) -> set[str]:
    """The names of those in which a secret stands."""
    wanted = [spelling for secret in PLANTED for spelling in spellings(secret)]
    return {
        name
        for name, data in found.items()
        for reading in readings(data)
        if any(spelling in reading for spelling in wanted)
    }


def stored(folder: Path) -> dict[str, bytes]:
    """Every file, by name; SQLite's pages of a large value do not lie in a row, so values too."""
    found = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    found.update(values(folder))
    return found


def values(folder: Path) -> dict[str, bytes]:
    import sqlite3

    found: dict[str, bytes] = {}
    for path in folder.rglob("*.db"):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
            for (table,) in tables.fetchall():
                for n, row in enumerate(connection.execute(f'SELECT * FROM "{table}"')):  # noqa: S608
                    cells = [c if isinstance(c, bytes) else str(c).encode() for c in row]
                    for m, cell in enumerate(cells):
                        found[f"{path.name}:{table}[{n}][{m}]"] = cell
    return found


def spans_of(receiver: Receiver) -> dict[str, bytes]:
    return {f"span {n}": r.span.SerializeToString() for n, r in enumerate(receiver.received())}


def as_bytes(answer: Any) -> bytes:
    if isinstance(answer, str):
        return answer.encode()
    if hasattr(answer, "response"):
        answer = answer.response
    return (
        answer.SerializeToString()
        if hasattr(answer, "SerializeToString")
        else repr(answer).encode()
    )


def cli(sz: Sz, platform: Platform, folder: Path) -> dict[str, bytes]:
    """What the command line says of the same captures."""
    key = folder / "key"
    key.write_text(platform.admin_key)
    sz("login", platform.target, "--key-file", key)
    said = {}
    for planted in captures(SECRET):
        path, parts = folder / f"{planted.name}.capture", ["--format", planted.format]
        path.write_bytes(planted.data)
        if planted.dom:
            (folder / "dom").write_bytes(planted.dom)
            parts += ["--dom", str(folder / "dom")]
        for command in (["capture"], ["capture", "--edge"], ["check"], ["check", "--json"]):
            ran = sz(*command, path, *parts)
            assert ran.status in (0, 1, 3), ran.err
            said[f"sz {planted.name} {command}"] = (ran.out + ran.err).encode()
    other = folder / "other.aria.yaml"
    other.write_bytes(captures(OTHER)[2].data)
    one = folder / "one.aria.yaml"
    one.write_bytes(captures(SECRET)[2].data.replace(b"Welcome", b"Hello"))
    asked: list[list[str | Path]]
    asked = [["diff", one, other], ["events", "list"], ["captures", "list"], ["log", "verify"]]
    for arguments in asked:
        ran = sz(*arguments)
        said[f"sz {arguments[0]}"] = (ran.out + ran.err).encode()
    return said


@pytest.fixture
def sz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Sz:
    return Sz(tmp_path / "home", monkeypatch, capfd)


def test_a_planted_secret_is_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sz: Sz
) -> None:
    folder = tmp_path / "data"
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    answers: list[Any] = []
    with receiving() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.target)
        monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_on")
        with running("standalone", folder) as platform:
            with platform.services() as services:
                take_in(services, answers)
                judge(services, answers)
                as_trees(services, answers)
                malformed(services, answers)
                asyncio.run(from_edge(platform, answers))
            (tmp_path / "cli").mkdir()
            said = cli(sz, platform, tmp_path / "cli")
            while_running = stored(folder)
            assert platform.stop() == 0
        spans = spans_of(receiver)
    answered = {f"answer {n}": as_bytes(answer) for n, answer in enumerate(answers)}
    assert len(spans) > 10
    assert len(json.dumps(sorted(while_running))) > 100
    for found in (while_running, stored(folder), stored(tmp_path / "home"), spans, answered, said):
        assert holders(found) == set()


def test_the_search_finds_what_is_hidden() -> None:
    """What it would miss, nobody would notice."""
    packed = b"head" + zstandard.ZstdCompressor().compress(b"x" * 99 + SECRET.encode()) + b"tail"
    assert holders({"a": packed, "b": zlib.compress(CARD.encode()), "c": b"nothing"}) == {"a", "b"}
    assert holders({"d": base64.b64encode(b"{'v': '" + OTHER.encode() + b"' }")}) == {"d"}
