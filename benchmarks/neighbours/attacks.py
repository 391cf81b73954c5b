"""The attacks, by name: what the loud tenant does, with which key, after which preparation.

`prepare` gets stubs of the tenant's admin, at lavish quotas; `run` is made of calls at the quotas
that every tenant has. Whatever `run` sends is built before the clock starts.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from benchmarks.neighbours.caller import Caller
from systemzero.capture.v1 import capture_service_pb2 as capture_pb
from systemzero.diff.v1 import diff_service_pb2 as diff_pb
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.tree.v1 import tree_pb2
from systemzero_core.apikey import ALPHABET, ENTROPY_CHARACTERS, with_checksum
from tests.support import heavy

DIFF = "/systemzero.diff.v1.DiffService/Diff"
INGEST = "/systemzero.capture.v1.CaptureService/Ingest"
STREAM = "/systemzero.capture.v1.CaptureService/IngestStream"
CREATE = "/systemzero.diff.v1.TemplateService/ImportTemplate"
STATUS = "/systemzero.gateway.v1.StatusService/GetStatus"
HEALTH = "/grpc.health.v1.Health/Watch"
REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"

Run = Callable[[Caller], Awaitable[object]]


class Attack(NamedTuple):
    """See the module. `role`: whose key it has; empty for none. `of` builds what it sends."""

    role: str
    of: Callable[[], Run]
    prepare: Callable[[Any], None] = lambda services: None


def _chains() -> Run:
    trees = (heavy.chain(heavy.LONGEST_CHAIN, salt) for salt in (1, 5_003))
    body = _diff(*trees)
    return lambda caller: caller.again(DIFF, lambda: body)


def _diffs() -> Run:
    body = _diff(heavy.comb(60_000, 1), heavy.comb(60_000, 5_003))

    async def run(caller: Caller) -> None:
        async with caller.connect() as channel:
            await asyncio.gather(*(caller.call(channel, DIFF, body) for _ in range(20)))

    return run


def _diff(first: tree_pb2.Tree, second: tree_pb2.Tree) -> bytes:
    sources = [tree_pb2.TreeSource(tree=tree) for tree in (first, second)]
    return diff_pb.DiffRequest(a=sources[0], b=sources[1]).SerializeToString()


def _learn_chain(services: Any) -> None:
    source = tree_pb2.TreeSource(tree=heavy.chain(40_000, 1))
    services.template.LearnTemplate(
        template_pb.LearnTemplateRequest(screen_id="deep", captures=[source]), timeout=120
    )


def _answers() -> Run:
    salts = (5_003, 6_007, 7_013, 8_011)
    bodies = itertools.cycle([_ingest(heavy.chain(40_000, salt), "deep") for salt in salts])
    return lambda caller: caller.again(INGEST, lambda: next(bodies))


def _ingest(tree: tree_pb2.Tree, screen: str = "") -> bytes:
    request = capture_pb.IngestRequest(tree=tree, check=True, screen_hint=screen, app="loud")
    return request.SerializeToString()


def _import_rules(services: Any) -> None:
    yaml = heavy.many_rules("rules", 500, 16, 12_000, 400)
    services.template.ImportTemplate(template_pb.ImportTemplateRequest(yaml=yaml), timeout=120)


def _rules() -> Run:
    changes = (f"x{number}" for number in range(4))
    bodies = [_ingest(heavy.below_a_chain(12_000, 400, changed), "rules") for changed in changes]

    async def run(caller: Caller) -> None:
        async with caller.connect() as channel:
            await asyncio.gather(*(caller.call(channel, INGEST, body) for body in bodies))

    return run


def _streams(streams: int) -> Callable[[], Run]:
    def of() -> Run:
        numbers = itertools.count()

        def tiny() -> bytes:
            node = tree_pb2.Node(role="document", name=f"S{next(numbers)}", parent=-1)
            ingest = capture_pb.IngestRequest(tree=tree_pb2.Tree(nodes=[node]), check=True)
            return capture_pb.IngestStreamRequest(ingest=ingest).SerializeToString()

        async def run(caller: Caller) -> None:
            await asyncio.gather(*(caller.flood(STREAM, tiny) for _ in range(streams)))

        return run

    return of


def _heavy_stream() -> Run:
    trees = [heavy.wide(60_000, salt) for salt in range(4)]
    requests = [
        capture_pb.IngestStreamRequest(ingest=capture_pb.IngestRequest(tree=tree, check=True))
        for tree in trees
    ]
    bodies = itertools.cycle([request.SerializeToString() for request in requests])

    async def run(caller: Caller) -> None:
        await asyncio.gather(*(caller.flood(STREAM, lambda: next(bodies)) for _ in range(8)))

    return run


def _strangers(key: Callable[[], str]) -> Callable[[], Run]:
    async def one(caller: Caller) -> None:
        async with caller.connect() as channel:
            while caller.left > 0:
                await caller.call(channel, STATUS, b"", key())

    async def run(caller: Caller) -> None:
        await asyncio.gather(*(one(caller) for _ in range(8)))

    return lambda: run


def _open_streams() -> Run:
    watch = health_pb2.HealthCheckRequest().SerializeToString()
    listed = reflection_pb2.ServerReflectionRequest(list_services="").SerializeToString()

    async def one(caller: Caller) -> None:
        async with caller.connect() as channel:
            calls = [caller.hold(channel, HEALTH, watch) for _ in range(250)]
            calls += [caller.hold(channel, REFLECTION, listed) for _ in range(250)]
            await asyncio.gather(*calls)

    async def run(caller: Caller) -> None:
        await asyncio.gather(*(one(caller) for _ in range(8)))

    return run


def _templates() -> Run:
    imports = [_template(number) for number in range(20)]

    async def run(caller: Caller) -> None:
        async with caller.connect() as channel:
            for body in imports:
                await caller.call(channel, CREATE, body)
            while caller.left > 0:
                await caller.call(channel, INGEST, _ingest(heavy.page(20, "all")))
                await asyncio.sleep(0.5)

    return run


def _template(number: int) -> bytes:
    lines = [f"screen_id: many-{number}", "tree:", "- {depth: 0, role: document, name: S}"]
    lines += [f"- {{depth: 1, role: text, name: '{number} {i}'}}" for i in range(60_000)]
    return template_pb.ImportTemplateRequest(yaml="\n".join(lines).encode()).SerializeToString()


_NUMBERS = itertools.count()
_CHANCE = random.Random(14)  # noqa: S311 - guesses of an attacker, the same each time


def _guess() -> str:
    """A key of the right form that is nobody's."""
    entropy = "".join(_CHANCE.choices(ALPHABET, k=ENTROPY_CHARACTERS))
    return with_checksum("live", entropy)


ATTACKS: Mapping[str, Attack] = {
    "chains": Attack("viewer", _chains),
    "diffs": Attack("viewer", _diffs),
    "answers": Attack("operator", _answers, _learn_chain),
    "rules": Attack("operator", _rules, _import_rules),
    "streams_1": Attack("operator", _streams(1)),
    "streams_8": Attack("operator", _streams(8)),
    "streams_30": Attack("operator", _streams(30)),
    "stream_bytes": Attack("operator", _heavy_stream),
    "strangers": Attack("", _strangers(lambda: f"nobody-{next(_NUMBERS)}")),
    "guesses": Attack("", _strangers(_guess)),
    "open_streams": Attack("", _open_streams),
    "templates": Attack("admin", _templates),
}
"""What each shows: two chains of 199,000 nodes; 20 Diffs at once; a small capture with a large
answer; 500 rules of 16 ancestors; streams of tiny captures, and of large ones; refusals of those
without a key, and of guesses; health and reflection streams; 20 templates of 60,000 nodes."""
