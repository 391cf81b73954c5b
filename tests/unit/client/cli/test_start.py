"""What `sz` imports before it answers: a command pays for what it does, and for nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from systemzero.diff.v1 import drift_service_pb2, verdict_pb2
from systemzero.gateway.v1 import auth_service_pb2
from systemzero.policy.v1 import policy_pb2
from systemzero_client.cli.events import SEVERITIES
from systemzero_client.cli.keys import ROLES
from systemzero_client.cli.lazy import Listed
from systemzero_client.cli.main import sz
from systemzero_client.cli.options import SCOPES
from systemzero_client.cli.shown import PERMISSIONS
from tests.support.captures import CAPTURES
from tests.support.click_tree import commands
from tests.support.starts import loaded, modules_after, start
from tests.support.written_log import WrittenLog, write_log

APP = CAPTURES / "parcel-console"
BEFORE = APP / "4.15.5__1-console.ax.json.gz"
KEY = "s0_live_" + "0" * 30 + "42dRNB"  # as docs/design/gateway.md has it
AGAIN = APP / "4.15.5__1-console-reload.ax.json.gz"

WIRE = ("grpc", "google", "systemzero", "grpc_status", "ssl", "asyncio")
"""What talks to a server: no command needs any of it before it calls one."""
HEAVY = ("sqlalchemy", "asyncpg", "yaml", "re2", "cryptography", "systemzero_core.template")
"""What no capture that is compared, and no help, has a use for."""
NOT_FOR_HELP = (*WIRE, *HEAVY, "systemzero_core.tlog", "importlib.metadata")

OFFLINE = {
    "diff": ("diff", BEFORE, AGAIN),
    "log verify --file": ("log", "verify", "--file", "{export}", "--key", "{key}"),
    "log verify --tiles": ("log", "verify", "--tiles", "{tiles}", "--key", "{key}"),
    "log proof --verify": ("log", "proof", "--verify", "{bundle}", "--key", "{key}"),
    "audit verify --file": ("audit", "verify", "--file", "{export}", "--key", "{key}"),
}
"""Every command, and every option, that does its work without a server; how it is run here."""


def works_offline() -> Iterator[str]:
    """The commands that take no server, and the options that say that they need none."""
    for path, command in commands():
        if isinstance(command, click.Group):
            continue
        name = " ".join(path)
        if not any(parameter.name == "server" for parameter in command.params):
            yield name
        for parameter in command.params:
            if "offline" in (getattr(parameter, "help", None) or ""):
                yield f"{name} {parameter.opts[-1]}"


def test_every_offline_command_is_tried() -> None:
    assert set(works_offline()) == set(OFFLINE)


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, WrittenLog]:
    """One of each kind, by the command that is about it."""
    kinds = {"log": "drift.event", "audit": "call.allowed"}
    return {
        name: write_log(tmp_path_factory.mktemp(name), {"screen": "parcels"}, kind)
        for name, kind in kinds.items()
    }


@pytest.mark.parametrize("name", OFFLINE)
def test_an_offline_command_imports_nothing_that_talks_to_a_server(
    name: str, logs: dict[str, WrittenLog], tmp_path: Path
) -> None:
    log = logs.get(name.split()[0], logs["log"])
    arguments = [str(part).format(**log._asdict()) for part in OFFLINE[name]]
    ran = start(*arguments, home=tmp_path)
    assert (ran.status, ran.err) == (0, "")
    heavy = HEAVY if name == "diff" else (*HEAVY[:4], "systemzero_core.diff")
    assert not ran.loaded(*WIRE, *heavy, "importlib.metadata")


def test_the_first_help_imports_no_command(tmp_path: Path) -> None:
    ran = start("--help", home=tmp_path)
    assert ran.status == 0
    assert not ran.loaded(*NOT_FOR_HELP, "msgspec", "systemzero_core", "json")
    assert {name for name in ran.modules if name.startswith("systemzero_client.")} == {
        f"systemzero_client.cli{name}"
        for name in ("", ".commands", ".exits", ".lazy", ".main", ".standard")
    }


def test_no_help_imports_what_talks_to_a_server() -> None:
    paths = [path for path, _ in commands()]
    runs = modules_after([(*path, "--help") for path in paths])
    for path, (status, modules) in zip(paths, runs, strict=True):
        assert (status, loaded(modules, *NOT_FOR_HELP)) == (0, set()), path


MISTAKES = (
    ("nope",),
    ("capture",),
    ("approve", "evt_1"),
    ("token", "revoke", "nope"),
    ("check", "a.json", "b.json", "--dom", "c.json"),
    ("capture", "a.json", "b.json", "--frame", "c.json"),
    ("capture", "a.json", "--edge", "--keep-raw"),
    ("capture", "a.json", "b.json", "--screenshot", "c.png"),
    ("log", "verify", "--file", "a.jsonl", "--tiles", "b"),
    ("log", "proof"),
)


@pytest.mark.parametrize("logged_in", [False, True])
def test_a_mistake_is_told_before_anything_is_loaded(
    logged_in: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "admin.key").write_text(KEY)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("SYSTEMZERO_API_KEY_FILE", str(tmp_path / "admin.key") if logged_in else "")
    mistakes = list(MISTAKES)
    for mistake, (status, modules) in zip(mistakes, modules_after(mistakes), strict=True):
        assert (status, loaded(modules, *NOT_FOR_HELP)) == (2, set()), mistake


def test_only_the_format_that_is_read_is_loaded(tmp_path: Path) -> None:
    aria = tmp_path / "a.yml"
    aria.write_text('- heading "Parcels" [level=1]\n')
    tree = tmp_path / "a.json"
    tree.write_text(json.dumps({"format": "systemzero-tree", "version": 1, "nodes": []}))
    read = {"aria": aria, "cdp": BEFORE}
    for form, path in read.items():
        ran = start("diff", path, path, home=tmp_path)
        assert ran.status == 0
        others = {"cdp", "aria", "uiautomator", "atspi", "nested"} - {form}
        assert not ran.loaded(*(f"systemzero_core.formats.{other}" for other in others))


def test_a_plug_in_is_looked_for_only_where_no_built_in_format_fits(tmp_path: Path) -> None:
    unknown = tmp_path / "a.txt"
    unknown.write_text("hello")
    ran = start("diff", unknown, unknown, home=tmp_path)
    assert ran.status == 2
    assert "no known format" in ran.err
    assert ran.loaded("importlib.metadata")


@pytest.mark.parametrize("width", [20, 45, 60, 200])
def test_the_list_of_commands_says_what_the_commands_say(width: int) -> None:
    for name, listed in sz.commands.items():
        assert isinstance(listed, Listed)
        command = listed.load()
        assert command.name == name
        assert listed.get_short_help_str(width) == command.get_short_help_str(width)
    assert len(sz.commands) == 18


def test_choices_are_the_contracts_own() -> None:
    contract = (
        (SCOPES, drift_service_pb2.DecisionScope, "DECISION_SCOPE_"),
        (PERMISSIONS, policy_pb2.Permission, "PERMISSION_"),
        (ROLES, auth_service_pb2.Role, "ROLE_"),
        (SEVERITIES, verdict_pb2.Severity, "SEVERITY_"),
    )
    for names, enum, prefix in contract:
        known = [name.removeprefix(prefix).lower() for name, value in enum.items() if value]
        assert list(names) == known
