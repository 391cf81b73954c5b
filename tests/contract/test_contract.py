"""The contract: what holds for every RPC and message, whoever adds the next one."""

from __future__ import annotations

import filecmp
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

from systemzero.errors.v1 import errors_pb2
from systemzero.policy.v1 import policy_pb2
from systemzero_wire import contract

ROOT = Path(__file__).parent.parent.parent
METHODS = contract.methods()
ACCESS = {
    path: method.GetOptions().Extensions[policy_pb2.access] for path, method in METHODS.items()
}
CHANGES = (
    *("Approve", "Create", "Delete", "Import", "Issue", "Learn", "Reject", "Resume", "Revoke"),
    *("Rotate", "Suspend", "UpdateTenant"),
)


def files() -> list[Path]:
    return sorted((ROOT / "protos" / "systemzero").rglob("*.proto"))


def messages() -> Iterator[Descriptor]:
    seen: dict[str, Descriptor] = {}
    left = [m for method in METHODS.values() for m in (method.input_type, method.output_type)]
    while left:
        message = left.pop()
        if message.full_name in seen or not message.full_name.startswith("systemzero."):
            continue
        seen[message.full_name] = message
        left += [field.message_type for field in message.fields if field.message_type]
    return iter(seen.values())


def test_there_are_services_at_all() -> None:
    assert len(METHODS) > 30
    assert len(list(messages())) > 80


@pytest.mark.parametrize("path", METHODS)
def test_every_rpc_declares_who_may_call_it(path: str) -> None:
    access = ACCESS[path]
    assert METHODS[path].GetOptions().HasExtension(policy_pb2.access)
    assert access.permission != policy_pb2.PERMISSION_UNSPECIFIED
    assert access.permission in policy_pb2.Permission.values()
    assert access.cost >= 1
    assert access.max_bytes <= 64_000_000


@pytest.mark.parametrize("path", METHODS)
def test_what_may_be_sent_twice_says_so(path: str) -> None:
    method: MethodDescriptor = METHODS[path]
    streaming = method.client_streaming or method.server_streaming
    if "request_id" in method.input_type.fields_by_name:
        assert ACCESS[path].idempotent
    reads = method.name.startswith(("Get", "List", "Validate", "Diff", "Match", "Introspect"))
    if reads and not streaming:
        assert ACCESS[path].idempotent


@pytest.mark.parametrize("path", METHODS)
def test_what_changes_anything_for_others_is_audited(path: str) -> None:
    if METHODS[path].name.startswith(CHANGES) and not path.endswith("/IssueToken"):
        assert ACCESS[path].audit


@pytest.mark.parametrize("path", METHODS)
def test_requests_and_responses_are_named_after_their_rpc(path: str) -> None:
    method = METHODS[path]
    assert method.input_type.name == f"{method.name}Request"
    assert method.output_type.name == f"{method.name}Response"


@pytest.mark.parametrize("path", [path for path in METHODS if "/List" in path])
def test_listings_are_paged_as_aip_158_says(path: str) -> None:
    request, response = METHODS[path].input_type, METHODS[path].output_type
    size, token = request.fields_by_name["page_size"], request.fields_by_name["page_token"]
    assert (size.type, token.type) == (FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_STRING)
    assert response.fields_by_name["next_page_token"].type == FieldDescriptor.TYPE_STRING
    assert response.fields[0].is_repeated


def test_times_are_timestamps_named_so() -> None:
    for message in messages():
        for field in message.fields:
            kind = field.message_type.full_name if field.message_type else ""
            is_time = kind == "google.protobuf.Timestamp"
            assert is_time == field.name.endswith("_time"), f"{message.full_name}.{field.name}"


def test_enums_start_with_unspecified() -> None:
    enums = {
        f.enum_type.full_name: f.enum_type for m in messages() for f in m.fields if f.enum_type
    }
    assert len(enums) > 8
    for enum in enums.values():
        zero = enum.values_by_number[0].name
        assert zero.endswith("_UNSPECIFIED")
        prefix = zero.removesuffix("UNSPECIFIED")
        assert all(value.name.startswith(prefix) for value in enum.values)


def test_fields_say_whose_they_are() -> None:
    for file in files():
        depth, comment = [], ""
        for line in map(str.strip, file.read_text().splitlines()):
            if line.startswith("//"):
                comment += line + "\n"
                continue
            if line.endswith("{"):
                depth.append(line.split()[0])
            elif line.startswith("}"):
                depth.pop()
            elif depth == ["message"] and "=" in line:
                first = comment.removeprefix("// ")
                wanted = ("Required. ", "Optional. ", "Output only. ")
                assert first.startswith(wanted), f"{file.name}: {line}"
            comment = ""


def test_every_error_reason_is_documented_with_its_code() -> None:
    text = (ROOT / "protos" / "systemzero" / "errors" / "v1" / "errors.proto").read_text()
    lines = [line.strip() for line in text.splitlines()]
    for name in errors_pb2.ErrorReason.keys():  # noqa: SIM118 - an enum wrapper, no mapping
        at = next(i for i, line in enumerate(lines) if line.startswith(f"{name} ="))
        assert lines[at - 1].startswith("// ")
        if not name.endswith("_UNSPECIFIED"):
            assert lines[at - 1].removeprefix("// ").partition(":")[0].isupper()


def test_the_committed_stubs_are_those_of_the_protos(tmp_path: Path) -> None:
    script = ROOT / "scripts" / "generate_stubs.py"
    subprocess.run([sys.executable, script, tmp_path], check=True, capture_output=True, cwd=ROOT)
    committed = ROOT / "protos" / "gen"
    fresh = {
        p.relative_to(tmp_path) for p in tmp_path.rglob("*.py*") if "__pycache__" not in p.parts
    }
    kept = {
        p.relative_to(committed) for p in committed.rglob("*.py*") if "__pycache__" not in p.parts
    }
    assert fresh == kept
    _, different, failed = filecmp.cmpfiles(tmp_path, committed, map(str, fresh), shallow=False)
    assert (different, failed) == ([], [])


def test_buf_lint_and_format_hold() -> None:
    buf = Path(sys.executable).parent / "buf"
    subprocess.run([buf, "lint", "protos"], check=True, cwd=ROOT)
    subprocess.run([buf, "format", "--diff", "--exit-code", "protos"], check=True, cwd=ROOT)
