"""What is kept of captures as they were sent: by policy, bounded, once, for so long."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from systemzero.capture.v1 import capture_pb2
from systemzero.capture.v1 import capture_service_pb2 as pb
from systemzero.tree.v1 import tree_pb2
from systemzero_base.settings.config import ConfigError
from systemzero_base.settings.redacting import Redacting, RedactSettings, RulesByTenant
from systemzero_base.telemetry.logs import get_logger
from systemzero_capture.admin.check import check_service
from systemzero_capture.config import RetentionSettings
from systemzero_capture.kept.retention import Collector
from systemzero_capture.kept.settings import KeepingSettings, OriginalsSettings
from systemzero_capture.model import Original, OriginalKind
from systemzero_capture.store import METADATA, SCHEMA_VERSION, SqlCaptureStore
from systemzero_core.errors import DataCorrupted
from systemzero_storage.database import Database
from systemzero_storage.tree_body import compress
from tests.support.databases import OpenDatabase
from tests.support.gateway import refused
from tests.support.loops import some_loops
from tests.support.services import House, capture_house
from tests.support.stores import DAY, NOW, document, known, no_events, plain, sighting, tree

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR and so on"
JPEG = b"\xff\xd8\xff\xe0 and so on"
WEBP = b"RIFF\x10\0\0\0WEBPVP8 and so on"
_ARIA = tree_pb2.FORMAT_ARIA
ASKED = KeepingSettings(native="asked", screenshots=True)


def of(*names: str, **fields: Any) -> pb.IngestRequest:
    return pb.IngestRequest(native=document(tree(*names)), **fields)


async def kept(house: House, capture_id: str, tenant: str = "acme") -> capture_pb2.Capture:
    request = pb.GetCaptureRequest(
        capture_id=capture_id, include_native=True, include_screenshot=True
    )
    found: capture_pb2.Capture = (await house.captures(tenant).GetCapture(request)).capture
    return found


async def test_nothing_is_kept_unless_it_is_asked_for(tmp_path: Path) -> None:
    async with capture_house(tmp_path, originals=ASKED) as house:
        done = await house.captures().Ingest(of("Buy"))
        assert not (await kept(house, done.capture.capture_id)).HasField("originals")


async def test_by_default_a_request_to_keep_anything_is_refused(tmp_path: Path) -> None:
    async with capture_house(tmp_path) as house:
        for request in (of("Buy", keep_native=True), of("Buy", screenshot=PNG)):
            code, reason, _ = await refused(house.captures().Ingest(request))
            assert (code, reason) == (
                grpc.StatusCode.FAILED_PRECONDITION,
                "FAILED_PRECONDITION",
            )
        listed = await house.captures().ListCaptures(pb.ListCapturesRequest())
        assert not listed.captures


async def test_what_was_asked_for_comes_back_byte_for_byte_and_only_when_asked(
    tmp_path: Path,
) -> None:
    async with capture_house(tmp_path, originals=ASKED) as house:
        # the second is known by its bytes, so that nothing of it is parsed
        for _ in range(2):
            request = of("Buy", keep_native=True, screenshot=PNG)
            capture_id = (await house.captures().Ingest(request)).capture.capture_id
            found = (await kept(house, capture_id)).originals
            assert found.native == request.native
            assert found.screenshot == PNG
            assert found.screenshot_info == capture_pb2.Original(
                media_type="image/png", size_bytes=len(PNG), sha256=hashlib.sha256(PNG).digest()
            )
            raw = request.native.SerializeToString(deterministic=True)
            assert found.native_info.sha256 == hashlib.sha256(raw).digest()
        described = await house.captures().GetCapture(pb.GetCaptureRequest(capture_id=capture_id))
        assert described.capture.originals.native_info == found.native_info
        assert not described.capture.originals.screenshot
        assert not described.capture.originals.HasField("native")


@pytest.mark.parametrize(
    ("image", "media_type"), [(PNG, "png"), (JPEG, "jpeg"), (WEBP, "webp"), (b"GIF89a", "")]
)
async def test_a_screenshot_is_told_by_its_bytes(
    tmp_path: Path, image: bytes, media_type: str
) -> None:
    async with capture_house(tmp_path, originals=ASKED) as house:
        call = house.captures().Ingest(of("Buy", screenshot=image))
        if not media_type:
            code, _, details = await refused(call)
            assert code is grpc.StatusCode.INVALID_ARGUMENT
            assert details["BadRequest"].field_violations[0].field == "screenshot"
            return
        found = await kept(house, (await call).capture.capture_id)
        assert found.originals.screenshot_info.media_type == f"image/{media_type}"


async def test_what_is_larger_than_the_bound_is_refused_where_it_was_asked_for(
    tmp_path: Path,
) -> None:
    keeping = KeepingSettings(
        native="always", screenshots=True, max_native_bytes=20, max_screenshot_bytes=30
    )
    async with capture_house(tmp_path, originals=keeping) as house:
        large = PNG + bytes(30)
        for request in (of("Buy", screenshot=large), of("Buy", keep_native=True)):
            code, reason, details = await refused(house.captures().Ingest(request))
            assert (code, reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_LARGE")
            assert details["ErrorInfo"].metadata["limit"] in ("20", "30")
        done = await house.captures().Ingest(of("Buy"))  # nobody asked: it is just not kept
        assert not (await kept(house, done.capture.capture_id)).HasField("originals")


async def test_a_tenant_has_its_own_policy_and_sees_no_others_originals(tmp_path: Path) -> None:
    keeping = KeepingSettings(tenants={"beta": OriginalsSettings(native="always")})
    async with capture_house(tmp_path, originals=keeping) as house:
        mine = await house.captures("acme").Ingest(of("Buy"))
        theirs = await house.captures("beta").Ingest(of("Buy"))
        assert not (await kept(house, mine.capture.capture_id)).HasField("originals")
        assert (await kept(house, theirs.capture.capture_id, "beta")).originals.native.data


async def test_only_a_native_document_can_be_kept_as_one(tmp_path: Path) -> None:
    async with capture_house(tmp_path, originals=ASKED) as house:
        await house.captures().Ingest(of("Buy"))
        digest = known("Buy").signatures.full
        request = pb.IngestRequest(full_digest=digest, keep_native=True)
        code, _, details = await refused(house.captures().Ingest(request))
        assert code is grpc.StatusCode.INVALID_ARGUMENT
        assert details["BadRequest"].field_violations[0].field == "keep_native"
        # a screenshot can go along with a digest
        alone = pb.IngestRequest(full_digest=digest, screenshot=PNG)
        done = await house.captures().Ingest(alone)
        assert (await kept(house, done.capture.capture_id)).originals.screenshot == PNG


@pytest.fixture
async def database(open_database: OpenDatabase) -> AsyncIterator[Database]:
    opened = open_database(METADATA, SCHEMA_VERSION)
    yield opened
    await opened.close()


def screenshot(data: bytes = PNG) -> Original:
    return Original(
        kind=OriginalKind.SCREENSHOT,
        media_type="image/png",
        size=len(data),
        sha256=hashlib.sha256(data).digest(),
        body=data,
    )


async def add(
    store: SqlCaptureStore, number: int, *originals: Original, day: int = 0, tenant: str = "acme"
) -> None:
    said = sighting(originals=originals)  # type: ignore[arg-type]
    body = compress(tree("Buy"))
    time = NOW + day * DAY
    await store.add(tenant, f"cap_{number}", time, known("Buy"), said, body=body)


async def blobs(database: Database) -> int:
    query = "SELECT count(*) FROM blobs"
    return await database.read(lambda c: int(c.exec_driver_sql(query).scalar_one()))


async def test_equal_ones_of_a_tenant_are_stored_once_and_go_with_the_last(
    database: Database,
) -> None:
    store = SqlCaptureStore(database)
    for number in range(3):
        await add(store, number, screenshot())
    await add(store, 3, screenshot(), tenant="other")
    assert await blobs(database) == 2
    await store.erase("acme", "cap_0", NOW, plain)
    await store.erase("acme", "cap_1", NOW, plain)
    assert await store.originals("acme", "cap_0") == ()
    assert (await store.originals("acme", "cap_2", [OriginalKind.SCREENSHOT]))[0].body == PNG
    await store.erase("acme", "cap_2", NOW, plain)
    assert await blobs(database) == 1


async def test_they_are_collected_by_their_own_age_also_of_captures_that_are_held(
    database: Database,
) -> None:
    store = SqlCaptureStore(database)
    for day in range(4):
        await add(store, day, screenshot(PNG + bytes([day])), day=day)
    await store.hold("acme", ["cap_0"])
    keeping = KeepingSettings(days=2)
    collector = Collector(
        store,
        RetentionSettings(),
        keeping,
        lambda: NOW + 4 * DAY,
        get_logger("test"),
        some_loops(),
        no_events,
    )
    await collector.collect()
    left = [await store.originals("acme", f"cap_{n}") for n in range(4)]
    assert [len(found) for found in left] == [0, 0, 1, 1]
    assert await blobs(database) == 2
    assert await store.body("acme", "cap_0")


async def test_they_go_with_a_capture_that_is_collected(database: Database) -> None:
    store = SqlCaptureStore(database)
    for number in range(3):
        await add(store, number, screenshot(PNG + bytes([number])))
    bounds, keeping = RetentionSettings(captures=1), KeepingSettings(days=0)
    clock, logger = (lambda: NOW + DAY), get_logger("test")
    await Collector(store, bounds, keeping, clock, logger, some_loops(), no_events).collect()
    assert await blobs(database) == 1


async def test_an_altered_one_is_found_by_the_full_check(database: Database) -> None:
    store = SqlCaptureStore(database)
    await add(store, 0, screenshot())
    assert [line async for line in check_service(database, Path(), "", [])]
    await database.write(lambda c: c.exec_driver_sql("UPDATE blobs SET size = size + 1").close())
    with pytest.raises(DataCorrupted, match=r"blobs row [0-9a-f]{64} was altered"):
        _ = [line async for line in check_service(database, Path(), "", [])]


def signed_in(typed: str) -> tree_pb2.NativeCapture:
    data = f'- textbox "Password": {typed}\n- button "Go"\n'.encode()
    return tree_pb2.NativeCapture(data=data, format=tree_pb2.FORMAT_ARIA)


async def test_a_document_with_a_password_is_kept_without_it_and_no_screenshot_is(
    tmp_path: Path,
) -> None:
    request = pb.IngestRequest(native=signed_in("hunter2"), keep_native=True, screenshot=PNG)
    async with capture_house(tmp_path, originals=ASKED) as house:
        done = await house.captures().Ingest(request)
        originals = (await kept(house, done.capture.capture_id)).originals
    assert originals.native == signed_in("(redacted)")
    assert (
        originals.native_info.sha256
        == hashlib.sha256(originals.native.SerializeToString(deterministic=True)).digest()
    )
    assert not originals.HasField("screenshot_info")
    [sentence] = done.withheld
    assert sentence.startswith("the screenshot is not kept: a secret was redacted")


async def test_a_document_that_cannot_be_freed_of_a_password_is_not_kept(tmp_path: Path) -> None:
    request = pb.IngestRequest(native=signed_in("42"), keep_native=True)
    async with capture_house(tmp_path, originals=ASKED) as house:
        done = await house.captures().Ingest(request)
        assert not (await kept(house, done.capture.capture_id)).HasField("originals")
    [sentence] = done.withheld
    assert sentence.startswith("the native document is not kept: it holds a secret")


async def test_a_screenshot_of_a_secret_is_kept_where_that_is_set(tmp_path: Path) -> None:
    settings = KeepingSettings(screenshots=True, screenshots_of_secrets=True)
    async with capture_house(tmp_path, originals=settings) as house:
        done = await house.captures().Ingest(
            pb.IngestRequest(native=signed_in("hunter2"), screenshot=PNG)
        )
        assert (await kept(house, done.capture.capture_id)).originals.screenshot == PNG
        assert not done.withheld


async def test_what_is_a_secret_is_set_by_tenant(tmp_path: Path) -> None:
    native = tree_pb2.NativeCapture(data=b'- textbox "Member": hunter2\n', format=_ARIA)
    redact = RedactSettings(tenants={"acme": Redacting(names=("^member",))})
    async with capture_house(tmp_path, originals=ASKED, redact=redact) as house:
        for tenant, holds in (("acme", False), ("globex", True)):
            request = pb.IngestRequest(native=native, keep_native=True)
            done = await house.captures(tenant).Ingest(request)
            found = await kept(house, done.capture.capture_id, tenant)
            assert (b"hunter2" in found.originals.native.data) is holds


def test_a_rule_that_is_none_is_named() -> None:
    with pytest.raises(ConfigError, match=r"redact\.names: '\(' is no expression"):
        RulesByTenant(RedactSettings(names=("(",)))
