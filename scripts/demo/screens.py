"""The first half: a template is learnt, and five captures are judged."""

from __future__ import annotations

import gzip
from pathlib import Path

from scripts.demo.page import Page
from scripts.demo.steps import expect
from systemzero.diff.v1.edit_script_pb2 import Edit
from systemzero.diff.v1.verdict_pb2 import Severity, Verdict, VerdictKind
from systemzero.log.v1.log_service_pb2 import GetCheckpointResponse
from systemzero_client import Client, Document, Sighting

CAPTURES = Path(__file__).parent.parent.parent / "tests" / "data" / "captures"
APP, SCREEN = "parcel-console", "console"
SHOWN = 5
"""Changes that are printed, the weightiest; the others are counted."""


def recorded(app: str, name: str) -> Document:
    """A recorded web screen: Chromium's accessibility tree, and the boxes that go with it."""
    stem = CAPTURES / app / name
    tree, dom = (
        gzip.decompress(stem.with_name(f"{name}.{part}.json.gz").read_bytes())
        for part in ("ax", "dom")
    )
    return Document(tree, dom=dom)


async def tell(page: Page, client: Client) -> tuple[GetCheckpointResponse, Verdict]:
    """Every verdict; the log's checkpoint from before the drift, and the drift."""
    await _learn(page, client)
    await _unchanged(page, client)
    pinned = await client.log.checkpoint()
    drift = await _drift(page, client)
    await _unknown(page, client)
    await _half_loaded(page, client)
    return pinned, drift


async def _learn(page: Page, client: Client) -> None:
    page.step("Learn: two good captures of an API console (Swagger UI 4.15.5), read from Chromium")
    names = ("4.15.5__1-console", "4.15.5__1-console-again")
    answers = [await client.ingest(recorded(APP, name), Sighting(app=APP)) for name in names]
    ids = [answer.capture.capture_id for answer in answers]
    template = await client.learn(SCREEN, ids, app=APP)
    expect(template.version, 1, "the template's version")
    page.result("LEARNT", f"template “{SCREEN}”, version 1, from {len(ids)} captures")


async def _unchanged(page: Page, client: Client) -> None:
    page.step("The same page, loaded again")
    verdict = await _judged(
        client, APP, "4.15.5__1-console-reload", VerdictKind.VERDICT_KIND_UNCHANGED
    )
    page.result("UNCHANGED", verdict.explanation)


async def _drift(page: Page, client: Client) -> Verdict:
    page.step("The same page in a later release of that application (Swagger UI 5.31.0)")
    verdict = await _judged(client, APP, "5.31.0__1-console", VerdictKind.VERDICT_KIND_DRIFT)
    severity = Severity.Name(verdict.severity).removeprefix("SEVERITY_").lower()
    edits = list(verdict.script.edits)
    expect(all(edit.sentence for edit in edits), True, "a sentence for every change")
    page.result(
        "DRIFT",
        f"{severity}, {verdict.similarity:.0%} alike, {len(edits)} changes; those that weigh most:",
        colour="yellow",
    )
    for edit in sorted(edits, key=lambda edit: -edit.weight)[:SHOWN]:
        page.point(edit.sentence, _path(edit))
    if len(edits) > SHOWN:
        page.point(f"and {len(edits) - SHOWN} more")
    return verdict


async def _unknown(page: Page, client: Client) -> None:
    page.step("A screen of another application (the login of Django's admin)")
    kind = VerdictKind.VERDICT_KIND_UNKNOWN_SCREEN
    verdict = await _judged(client, "stock-admin", "4.2.16__1-login", kind)
    page.result("UNKNOWN_SCREEN", verdict.explanation, colour="cyan")


async def _half_loaded(page: Page, client: Client) -> None:
    page.step("The console while its data is still on the way")
    kind = VerdictKind.VERDICT_KIND_INCONCLUSIVE
    verdict = await _judged(client, APP, "4.15.5__1-console-loading", kind)
    expect(verdict.event_id, "", "the event of an inconclusive capture")
    page.result("INCONCLUSIVE", verdict.explanation, colour="cyan")


async def _judged(client: Client, app: str, name: str, wanted: VerdictKind.ValueType) -> Verdict:
    answer = await client.ingest(recorded(app, name), check=True)
    found = answer.verdict
    expect(VerdictKind.Name(found.kind), VerdictKind.Name(wanted), f"the verdict on {name}")
    return found


def _path(edit: Edit) -> str:
    """The way to a change from the root: roles, and names where there are any."""
    steps = [f"{step.role} “{step.name}”" if step.name else step.role for step in edit.path]
    return " › ".join(steps)
