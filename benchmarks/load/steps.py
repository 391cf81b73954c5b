"""What each step of a capture's way costs, in this process: one JSON line a step.

    python -m benchmarks.load.steps [--save]

Microseconds of CPU, the mean over the screens of the mix: `fresh` steps are those of a screen with
new ids, `drift` ones those of the next release's screen, `novel` ones of a single new text, `store`
ones a capture's row and a log entry on SQLite, each with its share of a commit, by one writer and
by 16. What is left is the gateway's and gRPC's (`benchmarks.gateway`). `--save` writes
`benchmarks/baseline/steps.json`.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks._corpus import Files
from benchmarks._report import Report, cpu_seconds
from benchmarks.load import machine
from benchmarks.load.compare import BASELINE
from benchmarks.load.mix import Prepared
from benchmarks.load.screens import Screen, screens
from benchmarks.log import KEY, METADATA, ORIGIN, TABLES, append_rate
from benchmarks.store import SECONDS as STORE_SECONDS
from benchmarks.store import Sightings
from systemzero.capture.v1 import capture_service_pb2 as pb
from systemzero_base.plugins import load_detectors
from systemzero_capture.store import METADATA as CAPTURE_METADATA
from systemzero_capture.store import SCHEMA_VERSION as CAPTURE_VERSION
from systemzero_core.completeness import assess
from systemzero_core.diff import diff
from systemzero_core.drift import judge, resolve
from systemzero_core.formats import own, parse
from systemzero_core.intake import Intake, take_in
from systemzero_core.match import DEFAULT_THRESHOLDS, DEFAULT_WEIGHTS
from systemzero_core.normalize import normalize
from systemzero_core.signature import sign
from systemzero_core.template import Template, signed
from systemzero_diff.codec import verdicts
from systemzero_diff.codec.edits import Sides
from systemzero_diff.digests import template_body
from systemzero_diff.store.packed import PackedTemplate
from systemzero_diff.templates.sets import Change, TemplateSet
from systemzero_diff.work.baselines import Baseline
from systemzero_diff.work.judging import judgement_of
from systemzero_evidence.log import LogStore
from systemzero_storage.database import open_sqlite
from systemzero_storage.tree_body import compress, decompress

REPEATS = 8
WRITERS = (1, 16)
Step = tuple[str, Callable[[], object]]


def main() -> int:
    """Measure every step on every screen; report the means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--save", action="store_true", help="make this the baseline")
    arguments = parser.parse_args()
    found = screens()
    templates = _templates(found)
    costs: dict[str, list[float]] = defaultdict(list)
    for screen in found:
        for name, work in (*_fresh(screen), *_judging(screen, templates)):
            work()
            costs[name].append(cpu_seconds(work, REPEATS) * 1e6)
    means = {name: round(sum(them) / len(them), 1) for name, them in costs.items()}
    means |= asyncio.run(_stores())
    report = Report()
    for name, mean in means.items():
        report.emit(f"load.step/{name}", mean, "us of CPU")
    if arguments.save:
        told = {"machine": machine.facts(), "cpu_us": means}
        (BASELINE / "steps.json").write_text(json.dumps(told, indent=1) + "\n")
    return report.status()


async def _stores() -> dict[str, float]:
    """What writes cost, by how many write at once; with all threads of the database."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        captures = open_sqlite(Path(folder) / "captures.db", CAPTURE_METADATA, CAPTURE_VERSION)
        entries = open_sqlite(Path(folder) / "log.db", METADATA, 1)
        sightings = Sightings(captures, named=True)
        log = LogStore(entries, TABLES, ORIGIN, [KEY])
        await sightings.fill(200)
        for writers in WRITERS:
            start = time.process_time()
            rate = await sightings.rate(writers)
            cpu = (time.process_time() - start) / (rate * STORE_SECONDS)
            found[f"store/capture_by_{writers}"] = round(cpu * 1e6, 1)
            _, cpu = await append_rate(entries, log, writers)
            found[f"store/log_entry_by_{writers}"] = round(cpu * 1e6, 1)
        await captures.close()
        await entries.close()
    return found


def _templates(found: list[Screen]) -> TemplateSet:
    templates = TemplateSet(DEFAULT_WEIGHTS, DEFAULT_THRESHOLDS)
    for screen in found:
        tree = _intake(screen.learned).tree
        template = signed(Template(template_id=screen.name, screen_id=screen.name, tree=tree))
        packed = PackedTemplate(
            template_id=screen.name,
            version=template.version,
            screen_id=screen.name,
            position=1,
            deleted=False,
            body=template_body(template),
            tree=compress(tree),
        )
        templates.apply([Change(packed, templates.index.entry_of(template), ())])
    return templates


def _intake(files: Files) -> Intake:
    return take_in(files.data, dom=files.dom, frames=files.frames)


def _files(call: Prepared) -> Files:
    native = pb.IngestRequest.FromString(call.filled(1)).native
    return Files(native.data, native.dom, tuple(native.frames))


def _fresh(screen: Screen) -> Iterator[Step]:
    call = next(call for call in screen.prepared() if call.kind == "fresh")
    body, files = call.filled(1), _files(call)
    parsed = parse(files.data, dom=files.dom, frames=files.frames)
    normal = normalize(parsed.tree)
    stored = compress(normal)
    yield "fresh/request", lambda: pb.IngestRequest.FromString(body)
    yield "fresh/digest_of_bytes", lambda: hashlib.sha256(body).digest()
    yield "fresh/decode", lambda: parse(files.data, dom=files.dom, frames=files.frames)
    yield "fresh/completeness", lambda: assess(parsed.tree, parsed.gaps)
    yield "fresh/normalise", lambda: normalize(parsed.tree)
    yield "fresh/sign", lambda: sign(normal)
    yield "body/compress", lambda: compress(normal)
    yield "body/decompress", lambda: decompress(stored)


def _judging(screen: Screen, templates: TemplateSet) -> Iterator[Step]:
    for kind in ("drift", "novel"):
        call = next(call for call in screen.prepared() if call.kind == kind)
        yield from _verdict(kind, _intake(_files(call)), templates, screen.name)


def _verdict(kind: str, seen: Intake, templates: TemplateSet, hint: str) -> Iterator[Step]:
    tree, full = seen.tree, seen.signatures.full
    document, detectors = own.encode(tree), load_detectors()
    answer, found = templates.matched(lambda: templates.identify(tree, full, hint))
    if found is None or answer.chosen is None or found.prepared is None:
        raise AssertionError(f"{hint} is not known")
    baseline: Baseline = found
    prepared = found.prepared
    script = diff(prepared, tree)
    judgement = judgement_of(baseline, tree, seen.signatures, detectors)
    resolution = resolve(judgement, (), now=0, screen_id=hint, app="")
    match = verdicts.encode_match(answer.chosen).SerializeToString()
    sides = Sides.of(prepared.tree, tree)
    yield f"{kind}/to_diff_service", lambda: own.encode(tree)
    yield f"{kind}/in_diff_service", lambda: own.decode(document)
    yield f"{kind}/match", lambda: templates.identify(tree, full, hint)
    yield f"{kind}/diff", lambda: diff(prepared, tree)
    yield (
        f"{kind}/judge",
        lambda: judge(baseline.template, tree, script, policy=baseline.policy, detectors=detectors),
    )
    yield (
        f"{kind}/verdict",
        lambda: verdicts.drift(match, judgement, resolution, sides, "").body,
    )


if __name__ == "__main__":
    sys.exit(main())
