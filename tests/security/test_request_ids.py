"""A request id is its principal's own: two keys of one tenant that use the same one are two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.message import Message

from systemzero.capture.v1 import capture_service_pb2 as capture_pb
from systemzero.diff.v1 import diff_service_pb2 as diff_pb
from systemzero.diff.v1 import drift_service_pb2 as drift_pb
from systemzero.diff.v1 import template_pb2
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.gateway.v1 import auth_service_pb2 as auth_pb
from systemzero.tree.v1 import tree_pb2
from systemzero_wire.trees import encode_tree
from tests.support.exposed import METHODS, Exposed, attempt, bearer
from tests.support.stores import tree

TAKEN = "an id that the first key used"
FRESH = "an id that nobody used"


def content(name: str) -> tree_pb2.Tree:
    return encode_tree(tree(name))


def template(screen: str) -> template_pb2.Template:
    return template_pb2.Template(screen_id=screen, tree=content(screen))


UNKNOWN: dict[str, Any] = {"event_id": "evt_of_nobody", "reason": "a reason"}
CASES: dict[str, Callable[[str], Message]] = {
    "Ingest": lambda i: capture_pb.IngestRequest(request_id=i, tree=content("the other's")),
    "Check": lambda i: diff_pb.CheckRequest(
        request_id=i, tree=tree_pb2.TreeSource(tree=content("the other's"))
    ),
    "CreateTemplate": lambda i: template_pb.CreateTemplateRequest(
        request_id=i, template=template("first")
    ),
    "LearnTemplate": lambda i: template_pb.LearnTemplateRequest(
        request_id=i, screen_id="learnt", captures=[tree_pb2.TreeSource(tree=content("learnt"))]
    ),
    "UpdateTemplate": lambda i: template_pb.UpdateTemplateRequest(
        request_id=i, template=template_pb2.Template(template_id="tpl_of_nobody")
    ),
    "ImportTemplate": lambda i: template_pb.ImportTemplateRequest(request_id=i, yaml=b"{}"),
    "ApproveEvent": lambda i: drift_pb.ApproveEventRequest(request_id=i, **UNKNOWN),
    "ApprovePattern": lambda i: drift_pb.ApprovePatternRequest(request_id=i, **UNKNOWN),
    "RejectEvent": lambda i: drift_pb.RejectEventRequest(request_id=i, **UNKNOWN),
    "SnoozeEvent": lambda i: drift_pb.SnoozeEventRequest(request_id=i, **UNKNOWN),
}
PATHS = {
    path: method
    for path, method in METHODS.items()
    if "request_id" in method.input_type.fields_by_name
}


@pytest.fixture(scope="module")
def house(either_house: Exposed) -> Exposed:
    """What keys and ids are is the database's to remember: on each of them."""
    return either_house


@pytest.fixture(scope="module")
def first(house: Exposed) -> str:
    """The key that has used the id, at both services."""
    first = new_key(house)
    with house.services(first) as services:
        services.capture.Ingest(
            capture_pb.IngestRequest(request_id=TAKEN, tree=content("the first's"))
        )
        created = CASES["CreateTemplate"](TAKEN)
        services.template.CreateTemplate(created)
    return first


def new_key(house: Exposed) -> str:
    key = auth_pb.ApiKey(name="one of two", role=auth_pb.ROLE_OPERATOR)
    with house.services(house.own_key) as services:
        return str(services.auth.CreateApiKey(auth_pb.CreateApiKeyRequest(api_key=key)).secret)


@pytest.mark.parametrize("path", sorted(PATHS))
def test_an_id_that_another_principal_used_is_as_good_as_a_fresh_one(
    house: Exposed, first: str, path: str
) -> None:
    second = new_key(house)
    case = CASES[PATHS[path].name]
    taken, fresh = (
        attempt(house.channel, path, case(i).SerializeToString(), bearer(second))
        for i in (TAKEN, FRESH)
    )
    assert taken.reason != "CONFLICT"
    if fresh.reason:  # LearnTemplate and Ingest succeed, each time with another id
        assert taken == fresh


def test_nobody_gets_the_answer_to_another_principals_request(house: Exposed, first: str) -> None:
    made: list[Any] = []
    request = capture_pb.IngestRequest(request_id="r", tree=content("one screen"))
    for secret in (first, second := new_key(house), first, second):
        with house.services(secret) as services:
            made.append(services.capture.Ingest(request).capture.capture_id)
    assert made[:2] == made[2:]
    assert made[0] != made[1]
