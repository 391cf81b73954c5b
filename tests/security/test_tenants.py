"""Another tenant's ids, in every field of every RPC that can hold one.

The fields come from the descriptors. One that looks like an id and has no case here fails the first
test; so does a kind of id without an example. An id of another tenant has to be answered exactly as
a random one of the same form: same code, same message, same details, and in what is answered at
all, nothing of the other tenant's.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import grpc
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import status_pb2

from systemzero.capture.v1 import capture_service_pb2 as capture_pb
from systemzero.diff.v1 import template_pb2, verdict_pb2
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.gateway.v1 import auth_service_pb2 as auth_pb
from systemzero.tree.v1 import tree_pb2
from systemzero_base.ids import new_id
from tests.support.exposed import METHODS, Exposed, Outcome, attempt, bearer

MARK: Final = "victim-7f3a"
"""Stands in everything of the attacked tenant's that has a name."""
SECRET: Final = "the victim's own words"
"""On its screens and its keys, and nowhere in what an attacker sends."""
_LOOKS_LIKE_AN_ID: Final = re.compile(
    r"(^|_)ids?$|token$|cursor$|etag$|digest$|fingerprint$|signature$|^(full|structure|content)$"
    r"|(^|_)index$|_size$|^start$"
)
PLAIN: Final = {
    "page_size": "how many",
    "systemzero.diff.v1.Template.structure_signature": "output",
}
"""Fields that look like ids and are none."""

Kind = str
KINDS: Final[dict[str, Kind]] = {
    "request_id": "request",
    "session_id": "session",
    "screen_id": "screen",
    "capture_id": "capture",
    "capture_ids": "capture",
    "event_id": "event",
    "template_id": "template",
    "key_id": "key",
    "token_id": "token id",
    "token": "token",
    "tenant_id": "tenant",
    "cursor": "cursor",
    "page_token": "page",
    "etag": "etag",
    "fingerprint": "fingerprint",
    "full_digest": "full",
    "full": "full",
    "structure": "structure",
    "content": "content",
    "index": "place",
    "start": "place",
    "start_index": "place",
    "tree_size": "place",
    "from_size": "place",
    "to_size": "place",
    "pinned_size": "place",
}


class Place:
    """One field of one RPC's request."""

    def __init__(self, rpc: str, steps: tuple[FieldDescriptor, ...]) -> None:
        self.rpc = rpc
        self.steps = steps
        self.kind = KINDS.get(steps[-1].name, "")

    def __str__(self) -> str:
        return f"{self.rpc.rpartition('.')[2]}:{'.'.join(step.name for step in self.steps)}"


def places() -> Iterator[Place]:
    """Every field that can hold an id."""
    for rpc, method in sorted(METHODS.items()):
        for steps in _leaves(method.input_type, (), frozenset()):
            name, full = steps[-1].name, steps[-1].full_name
            if _LOOKS_LIKE_AN_ID.search(name) and name not in PLAIN and full not in PLAIN:
                yield Place(rpc, steps)


def _leaves(
    kind: Descriptor, steps: tuple[FieldDescriptor, ...], above: frozenset[str]
) -> Iterator[tuple[FieldDescriptor, ...]]:
    for field in kind.fields:
        inner = field.message_type
        if inner is None:
            yield (*steps, field)
        elif inner.full_name not in above and not inner.GetOptions().map_entry:
            yield from _leaves(inner, (*steps, field), above | {kind.full_name})


PLACES: Final = list(places())
_ANOTHER: Final = next(
    place for place in PLACES if str(place) == "TemplateService/CreateTemplate:request_id"
)


@dataclass
class Victim:
    """What the tenant `default` has: an id of each kind, and what no attacker ever says."""

    ids: dict[Kind, Any]
    unsaid: list[str]
    pages: dict[str, str]
    cursors: dict[str, str]

    def own(self, place: Place) -> Any:
        """The victim's value for `place`."""
        if place.kind == "request":
            return f"{MARK}-{place.rpc.rpartition('/')[2]}"
        if place.kind == "page":
            return self.pages.get(place.rpc, "")
        return self.cursors.get(place.rpc, "") if place.kind == "cursor" else self.ids[place.kind]


def nobody_s(kind: Kind, like: Any) -> Any:
    """A value of the form of `like` that is nobody's."""
    if isinstance(like, bytes):
        return secrets.token_bytes(len(like))
    if isinstance(like, int):
        return like + 1
    if kind == "tenant":
        return "nobody-" + secrets.token_hex(4)
    if kind == "token":
        return like[:-8] + "AAAAAAAA"
    prefix, _, rest = like.rpartition("_")
    if prefix and re.fullmatch("[0-9a-f]{32}", rest):
        return new_id(prefix)
    if re.fullmatch("[0-9a-f]+", like):
        return secrets.token_hex(len(like) // 2)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    return "".join(secrets.choice(letters) for _ in like)


@pytest.fixture(scope="session")  # as the house, in which its ids are used once
def victim(house: Exposed) -> Victim:
    """Captures, templates, events, keys, tokens and pages of the tenant `default`."""
    with house.services(house.own_key) as own:
        captures = [own.capture.Ingest(ingest(str(i))).capture for i in range(2)]
        learnt = own.template.LearnTemplate(
            template_pb.LearnTemplateRequest(
                screen_id=f"{MARK}-screen",
                app=MARK,
                captures=[tree_pb2.TreeSource(capture_id=captures[0].capture_id)],
            )
        ).template
        own.template.CreateTemplate(request_with(_ANOTHER, "one more"))
        events = []
        for name in ("first", "second"):
            verdict = own.capture.Ingest(ingest(name, SECRET, screen_hint=learnt.screen_id)).verdict
            assert verdict.kind == verdict_pb2.VERDICT_KIND_DRIFT
            events.append(verdict)
        keys = [own.auth.CreateApiKey(new_key()).api_key for _ in range(2)]
        tokens = [own.auth.IssueToken(auth_pb.IssueTokenRequest()) for _ in range(2)]
    signatures = captures[0].signatures
    ids = {
        "session": MARK,
        "screen": learnt.screen_id,
        "capture": captures[0].capture_id,
        "event": events[0].event_id,
        "template": learnt.template_id,
        "key": keys[0].key_id,
        "token id": tokens[0].token_id,
        "token": tokens[0].token,
        "tenant": "default",
        "etag": learnt.etag,
        "fingerprint": events[0].fingerprint,
        "full": signatures.full,
        "structure": signatures.structure,
        "content": signatures.content,
        "place": 3,
    }
    unsaid = [captures[1].capture_id, events[1].event_id, keys[1].key_id, tokens[1].token_id]
    found = Victim(ids, [SECRET, *unsaid], _pages(house), _cursors(house))
    for place in PLACES:
        if place.kind == "request":
            request = request_with(place, found.own(place))
            attempt(house.channel, place.rpc, wire(request), bearer(house.own_key))
    return found


def ingest(name: str, *texts: str, **more: Any) -> capture_pb.IngestRequest:
    return capture_pb.IngestRequest(
        request_id=f"{MARK}-ingest-{name}",
        tree=tree(f"{MARK} page", *(f"{text} {name}" for text in texts)),
        app=MARK,
        session_id=MARK,
        check=bool(more),
        **more,
    )


def new_key() -> auth_pb.CreateApiKeyRequest:
    key = auth_pb.ApiKey(name=f"key of {SECRET}", role=auth_pb.ROLE_VIEWER)
    return auth_pb.CreateApiKeyRequest(api_key=key)


def tree(*texts: str) -> tree_pb2.Tree:
    nodes = [tree_pb2.Node(parent=-1, role="document", name="A page")]
    nodes += [tree_pb2.Node(parent=0, role="button", name=text) for text in texts]
    return tree_pb2.Tree(nodes=nodes)


def _pages(house: Exposed) -> dict[str, str]:
    """A page token of each listing, as the victim gets it."""
    found = {}
    for rpc, method in METHODS.items():
        if "page_token" in method.input_type.fields_by_name:
            request = GetMessageClass(method.input_type)(page_size=1)
            answer: Any = GetMessageClass(method.output_type)()
            of = house.platform_key if "TenantService" in rpc else house.own_key
            outcome = attempt(house.channel, rpc, wire(request), bearer(of))
            answer.ParseFromString(outcome.responses[0])
            found[rpc] = answer.next_page_token
    return found


def _cursors(house: Exposed) -> dict[str, str]:
    """A cursor of each watch, as the victim gets it."""
    found = {}
    for rpc, method in METHODS.items():
        if "cursor" in method.input_type.fields_by_name:
            outcome = attempt(house.channel, rpc, b"", bearer(house.own_key))
            last: Any = GetMessageClass(method.output_type)()
            if outcome.responses:
                last.ParseFromString(outcome.responses[-1])
            found[rpc] = last.cursor
    return found


def wire(message: Message) -> bytes:
    return message.SerializeToString()


def request_with(place: Place, value: Any) -> Any:
    """A request of the RPC that is in order but for `value` at `place`."""
    request: Any = GetMessageClass(METHODS[place.rpc].input_type)()
    _fill(request, place.rpc)
    target = request
    for step in place.steps[:-1]:
        inner = getattr(target, step.name)
        target = (inner[0] if inner else inner.add()) if step.is_repeated else inner
    last = place.steps[-1]
    if last.is_repeated:
        getattr(target, last.name)[:] = [value]
    else:
        setattr(target, last.name, value)
    return request


def _fill(request: Any, rpc: str) -> None:
    """What the RPC asks for beside ids, so that it gets as far as looking for them."""
    name = rpc.rpartition("/")[2]
    if name in {"Ingest", "IngestStream"}:
        ingest = request.ingest if name == "IngestStream" else request
        ingest.tree.CopyFrom(tree("mine"))
    elif name in {"ApproveEvent", "ApprovePattern", "RejectEvent", "SnoozeEvent"}:
        request.event_id, request.reason = f"evt_{0:032x}", "why"
        if name == "SnoozeEvent":
            request.expire_time.FromSeconds(int(time.time()) + 3_600)
    elif name == "Diff":
        request.a.tree.CopyFrom(tree("mine"))
        request.b.tree.CopyFrom(tree("mine", "too"))
    elif name in {"Match", "Check"}:
        request.tree.tree.CopyFrom(tree("mine"))
    elif name == "LearnTemplate":
        request.screen_id, request.app = "mine", "mine"
        request.captures.add().tree.CopyFrom(tree("mine"))
    elif name in {"CreateTemplate", "UpdateTemplate"}:
        _fill_template(request, name)


def _fill_template(request: Any, name: str) -> None:
    request.template.CopyFrom(template_pb2.Template(screen_id=secrets.token_hex(8), app="mine"))
    request.template.tree.CopyFrom(tree("mine"))
    if name == "UpdateTemplate":
        request.template.template_id = f"tpl_{0:032x}"
        request.update_mask.paths.append("app")


def seen(outcome: Outcome, value: Any) -> tuple[Any, ...]:
    """What the caller sees, with the value that was asked for taken out of it."""
    status = status_pb2.Status.FromString(outcome.details)
    details = [str(detail) for detail in status.details]
    told = (outcome.reason, outcome.message, *details)
    return (outcome.code, *(text.replace(str(value), "<id>") for text in told))


def test_every_field_that_looks_like_an_id_has_a_case() -> None:
    missing = sorted({place.steps[-1].full_name for place in PLACES if not place.kind})
    assert not missing, "say in KINDS what these hold, or in PLAIN that they are no ids"


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_another_tenant_s_id_is_answered_as_one_that_is_nobody_s(
    house: Exposed, victim: Victim, place: Place
) -> None:
    theirs = victim.own(place)
    if not theirs:
        pytest.skip("the victim gets none")
    for key in (house.rival_key, house.platform_key):
        if key == house.platform_key and "TenantService" in place.rpc:
            continue  # who administers tenants may name them
        if place.kind == "screen" and key == house.rival_key:
            without_templates(house, key)  # that others may have made, of just this name
        nobody = nobody_s(place.kind, theirs)
        with_theirs = attempt(
            house.channel, place.rpc, wire(request_with(place, theirs)), bearer(key)
        )
        with_nobody = attempt(
            house.channel, place.rpc, wire(request_with(place, nobody)), bearer(key)
        )
        if place.kind != "place":  # of the attacker's own log, which has its own
            assert seen(with_theirs, theirs) == seen(with_nobody, nobody)
        for response in with_theirs.responses:
            assert not [said for said in victim.unsaid if said.encode() in response]


def without_templates(house: Exposed, key: str) -> None:
    with house.services(key) as attacker:
        for made in attacker.template.ListTemplates(template_pb.ListTemplatesRequest()).templates:
            request = template_pb.DeleteTemplateRequest(template_id=made.template_id)
            attacker.template.DeleteTemplate(request)


LOOKED_UP: Final = {"capture", "event", "template", "key"}


def finds(place: Place) -> bool:
    """Whether the RPC looks the id up: output-only fields of a message that is sent are ignored."""
    if place.kind not in LOOKED_UP or place.rpc.endswith(("/CreateTemplate", "/CreateApiKey")):
        return False
    return not (place.rpc.endswith("/UpdateTemplate") and place.steps[-1].name == "capture_ids")


def destroys(place: Place) -> int:
    """Order of the controls: first what only reads, last what takes the thing away."""
    name = place.rpc.rpartition("/")[2]
    return 2 if name.startswith(("Delete", "Revoke")) else 1 if "Event" in name else 0


def test_the_victim_itself_is_answered_so_the_attack_had_something_to_find(
    house: Exposed, victim: Victim
) -> None:
    for place in sorted(filter(finds, PLACES), key=destroys):
        request = request_with(place, victim.own(place))
        outcome = attempt(house.channel, place.rpc, wire(request), bearer(house.own_key))
        assert outcome.code is not grpc.StatusCode.NOT_FOUND, (str(place), outcome)


@pytest.mark.slow
@pytest.mark.parametrize("place", [p for p in PLACES if finds(p) and "/Get" in p.rpc], ids=str)
def test_another_tenant_s_id_takes_as_long_as_one_that_is_nobody_s(
    house: Exposed, victim: Victim, place: Place
) -> None:
    theirs = victim.own(place)
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(1_000):  # in turn, so that the machine's moods hit both alike
        for took, value in zip(times, (theirs, nobody_s(place.kind, theirs)), strict=True):
            request = wire(request_with(place, value))
            started = time.perf_counter()
            attempt(house.channel, place.rpc, request, bearer(house.rival_key))
            took.append(time.perf_counter() - started)
    assert abs(chance_to_tell(*times) - 0.5) < 0.05


def chance_to_tell(these: list[float], those: list[float]) -> float:
    """How often one of `these` is the longer (Mann and Whitney's U, as a share): 0.5 is a coin."""
    ranked = sorted([(time, True) for time in these] + [(time, False) for time in those])
    ranks = sum(rank for rank, (_, is_these) in enumerate(ranked, 1) if is_these)
    return (ranks - len(these) * (len(these) + 1) / 2) / (len(these) * len(those))
