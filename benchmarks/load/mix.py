"""The mix of calls: what is sent, how often, and which verdict must come back.

Needs the standard library alone, since Locust runs it in an environment of its own. A request is
serialised once; what has to differ from call to call is marked in it, by a mark as long as what
takes its place:

    MARK        five digits in every id of a browser's tree, or in a text that has drifted
    ID_MARK     the client's request id
"""

from __future__ import annotations

import base64
import itertools
import json
import random
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

MARK = b"QQQQQ"
ID_MARK = b"ZZZZZZZZZZZZZZZZZZZZZZZZ"
_FIRST, _RUNS = 10_000, 90_000

INGEST = "/systemzero.capture.v1.CaptureService/Ingest"

MIXES: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "native": {"fresh": 60, "same": 20, "drift": 10, "novel": 5, "read": 5},
        "edge": {"digest": 80, "drift_digest": 10, "unknown": 5, "novel_tree": 5, "read": 5},
    }
)
"""Calls of each kind in a hundred screens (`edge`: a screen that is not known takes two).

`native`: clients send what the browser gave them. 80 of 100 screens are unchanged, of which 60 come
with new ids throughout, as browsers make them, and 20 byte for byte as before; 15 have drifted, 10
of them to the next release's screen, 5 in a text never seen before; 5 are reads.
`edge`: the same screens by clients that normalise them, and send the digest first.
"""


class Prepared(NamedTuple):
    """A call, but for what is marked in its body.

    Attributes:
        kind: what of the mix it is.
        method: the RPC's path.
        body: the serialised request.
        verdict: the number of the verdict that must come back; 0 for none.
    """

    kind: str
    method: str
    body: bytes
    verdict: int

    def filled(self, run: int) -> bytes:
        """The body of call number `run`: no other has its ids, until 90,000 calls later."""
        number = b"%05d" % (_FIRST + run % _RUNS)
        name = b"%024x" % ((run << 32) + random.getrandbits(32))
        return self.body.replace(MARK, number).replace(ID_MARK, name)


def save(prepared: Iterable[Prepared], path: Path) -> None:
    """Write `prepared` for another process."""
    lines = [[p.kind, p.method, base64.b64encode(p.body).decode(), p.verdict] for p in prepared]
    path.write_text(json.dumps(lines))


def load(path: Path) -> list[Prepared]:
    """What `save` wrote."""
    lines = json.loads(path.read_text())
    return [Prepared(kind, method, base64.b64decode(body), v) for kind, method, body, v in lines]


def calls(
    prepared: Iterable[Prepared], shares: Mapping[str, float], seed: int
) -> Iterator[Prepared]:
    """Calls without end, of each kind by its share; the same ones for the same seed."""
    pools: dict[str, list[Prepared]] = {kind: [] for kind in shares}
    for each in prepared:
        if each.kind in pools:
            pools[each.kind].append(each)
    missing = [kind for kind, pool in pools.items() if not pool]
    if missing:
        raise ValueError(f"nothing is prepared for {missing}")
    draw = random.Random(seed)  # noqa: S311 - no secret
    kinds, weights = list(shares), list(shares.values())
    for _ in itertools.count():
        (kind,) = draw.choices(kinds, weights)
        yield draw.choice(pools[kind])
