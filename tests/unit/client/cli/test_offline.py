"""What `sz` does without any server: help, usage, diff, files, and errors that say what to do."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import grpc
import pytest

from systemzero.diff.v1 import drift_service_pb2, edit_script_pb2, verdict_pb2
from systemzero_client.cli.exits import Exit, worst
from systemzero_client.cli.files import expand, siblings
from systemzero_client.cli.main import main
from systemzero_client.cli.output import Progress
from systemzero_client.cli.problems import describe
from systemzero_client.cli.verdicts import event_lines, of_verdict, verdict_lines
from systemzero_client.errors import SystemZeroError
from tests.support.captures import CAPTURES
from tests.support.cli import COMMAND, Sz
from tests.support.patience import PATIENCE

KEY = "s0_live_" + "0" * 30 + "42dRNB"  # as docs/design/gateway.md has it
APP = CAPTURES / "parcel-console"
BEFORE = APP / "4.15.5__1-console.ax.json.gz"
AFTER = APP / "4.15.5__1-console-later.ax.json.gz"
AGAIN = APP / "4.15.5__1-console-reload.ax.json.gz"


@pytest.fixture
def sz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Sz:
    return Sz(tmp_path / "home", monkeypatch, capfd)


def test_diff_needs_no_server_and_its_status_says_whether_they_differ(sz: Sz) -> None:
    same = sz("diff", BEFORE, AGAIN)
    assert (same.status, same.out, same.err) == (0, "no differences\n", "")
    other = sz("diff", BEFORE, AFTER)
    assert other.status == 1
    assert other.out.startswith("~ 2 texts in the page changed: “In house now: 1,204 parcels.” to")
    assert other.out.endswith("2 edits in 1 line\n")
    assert "\x1b" not in other.out
    opened = sz("diff", BEFORE, AFTER, "--all")
    assert "“In house now: 1,204 parcels.” changed to “In house now: 1,187 parcels.”" in opened.out


def test_diff_in_json(sz: Sz) -> None:
    found = sz("diff", BEFORE, AFTER, "--json").one()
    assert (found["a"], found["b"], found["equal"]) == (str(BEFORE), str(AFTER), False)
    assert [edit["kind"] for edit in found["script"]["edits"]] == ["update", "update"]
    same = sz("diff", BEFORE, BEFORE, "--json").one()
    assert same["equal"] is True
    assert same["incomplete"] == {"a": [], "b": []}


def test_diff_reads_standard_input_and_says_what_is_incomplete(sz: Sz, tmp_path: Path) -> None:
    aria = b'- heading "Parcels" [level=1]\n- paragraph: all of them\n'
    (tmp_path / "a.yml").write_bytes(aria)
    assert sz("diff", tmp_path / "a.yml", "-", stdin=aria).status == 0
    loading = APP / "4.15.5__1-console-loading.ax.json.gz"
    ran = sz("diff", BEFORE, loading)
    assert ran.status == 3
    assert ran.err.startswith(f"sz diff: {loading} is incomplete: ")
    assert "edits" in ran.out


_CUT = b"<hierarchy rotation='0'><node class='android.widget.TextView' text='Total 12' /><node te"
_CUT_LATER = b"<hierarchy rotation='0'><node class='android.widget.TextView' text='Total 80' /><n"
_WAITING = b"- progressbar\n"


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (_CUT, _CUT_LATER),
        (_CUT, _CUT),
        (_WAITING, _WAITING),
        (b'{"nodes":[]}', b'{"nodes":[]}'),
        (_CUT, b'- heading "Parcels" [level=1]\n- paragraph: all of them\n'),
    ],
)
def test_captures_of_which_not_all_is_known_are_never_called_equal(
    sz: Sz, tmp_path: Path, a: bytes, b: bytes
) -> None:
    (tmp_path / "a").write_bytes(a)
    (tmp_path / "b").write_bytes(b)
    ran = sz("diff", tmp_path / "a", tmp_path / "b")
    assert ran.status == 3
    assert "no differences" not in ran.out
    assert "inconclusive" in ran.out
    told = sz("diff", tmp_path / "a", tmp_path / "b", "--json")
    found = told.one()
    assert (told.status, found["equal"]) == (3, False)
    assert found["incomplete"]["a"]
    assert {reason.keys() == {"reason", "detail"} for reason in found["incomplete"]["a"]} == {True}


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("x.xml", b"<hierarchy><node></hierarchy>", "line 1"),
        ("x.json", b"{]", "no known format"),
        ("x.txt", b"hello", "no known format"),
        ("x.gz", b"\x1f\x8b\x00", "is damaged"),
        ("x.xml", b'<!DOCTYPE a [<!ENTITY b "c">]><hierarchy>&b;</hierarchy>', ""),
    ],
)
def test_a_file_that_is_no_capture_is_one_line_and_status_2(
    sz: Sz, tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    ran = sz("diff", path, path)
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert str(path) in ran.err
    assert says in ran.err
    assert "Traceback" not in ran.err


def test_a_bomb_is_not_unpacked(sz: Sz, tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.json.gz"
    bomb.write_bytes(gzip.compress(b" " * 70_000_000, 1))
    assert "has more than 64 MB" in sz("diff", bomb, bomb).err


@pytest.mark.parametrize(
    "arguments",
    [
        ("nope",),
        ("capture",),
        ("diff", "one"),
        ("status", "--timeout", "0"),
        ("events", "--limit", "0"),
        ("log", "verify", "--key", "nonsense", "--file", __file__),
        ("diff", "-", "-"),
        ("check", "-", __file__, "-"),
        ("capture", "-", "--dom", "-"),
    ],
)
def test_a_mistake_is_one_line_on_stderr_and_status_2(sz: Sz, arguments: tuple[str, ...]) -> None:
    ran = sz(*arguments)
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert ran.err.startswith("sz")


def test_help_names_the_exit_statuses(sz: Sz) -> None:
    ran = sz("--help")
    assert ran.status == 0
    for line in ("0  unchanged", "1  drift", "2  an error", "3  inconclusive"):
        assert line in ran.out
    assert "SYSTEMZERO_API_KEY_FILE" in ran.out
    assert sz().status == 2


def test_every_command_that_answers_has_json(sz: Sz) -> None:
    for command in (
        "login", "status", "capture", "check", "learn", "diff", "events", "approve", "reject",
        "snooze", "summary", "templates list", "templates get", "templates export",
        "templates import", "templates validate", "templates delete", "log verify", "log export",
        "log proof", "log entries", "keys list", "keys create", "keys rotate", "keys revoke",
        "token issue", "token introspect", "token revoke", "token end-all", "tenants list",
        "tenants create", "tenants quotas", "tenants suspend", "tenants resume",
    ):  # fmt: skip
        assert "--json" in sz(*command.split(), "--help").out, command


def test_without_a_key_it_says_how_to_get_one(sz: Sz) -> None:
    ran = sz("status")
    assert (ran.status, len(ran.err.splitlines())) == (2, 1)
    assert "`sz login 127.0.0.1:50051` stores one" in ran.err


def test_without_a_server_it_asks_whether_one_runs(sz: Sz, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text(f"{KEY}\n")
    ran = sz("status", "--server", "127.0.0.1:1", "--api-key-file", key)
    assert (ran.status, len(ran.err.splitlines())) == (2, 1)
    assert "cannot reach 127.0.0.1:1" in ran.err
    assert "`make run` starts one" in ran.err
    assert KEY not in ran.err


def test_a_key_with_a_typo_is_told_without_asking_a_server(sz: Sz, tmp_path: Path) -> None:
    key = tmp_path / "key"
    for typo in (KEY[:-1], KEY[:-1] + "x", KEY.replace("live", "line")):
        key.write_text(typo)
        ran = sz("status", "--server", "127.0.0.1:1", "--api-key-file", key)
        assert ran.err == f"sz: {key} holds an API key with a typo, or only a part of one\n"
        assert sz("login", stdin=typo.encode()).err.startswith("sz: standard input holds an API")


def test_a_file_that_holds_something_else_than_a_key_is_not_quoted(sz: Sz, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("another secret\nin lines")
    ran = sz("status", "--api-key-file", key)
    assert ran.err == f"sz: {key} holds no API key: one line, `s0_…`, is expected\n"
    assert sz("login", stdin=b"").err.startswith("sz: standard input holds no API key")
    assert sz("status", "--api-key-file", tmp_path / "none").err.endswith(
        "none: No such file or directory\n"
    )


def test_a_damaged_configuration_says_which_file(sz: Sz) -> None:
    sz.config.parent.mkdir(parents=True)
    sz.config.write_text("{")
    sz.config.chmod(0o600)
    assert f"{sz.config} is damaged" in sz("status").err


def test_an_interrupt_is_130(monkeypatch: pytest.MonkeyPatch, sz: Sz, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    subprocess.run(["mkfifo", str(fifo)], check=True)
    process = sz.start("diff", fifo, fifo)
    with fifo.open("wb"):  # opens once the process reads it
        process.send_signal(2)
        _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err.strip()) == (130, "")


def test_a_closed_pipe_is_quiet(sz: Sz) -> None:
    process = sz.start("diff", BEFORE, APP / "5.31.0__1-console.ax.json.gz")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr:
        assert process.stderr.read() == ""
    assert process.wait(PATIENCE) == 141


def test_the_entry_point_is_installed() -> None:
    ran = subprocess.run(
        [Path(sys.executable).parent / "sz", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.startswith("sz, version")


def test_the_worst_of_several_statuses() -> None:
    assert worst([]) is Exit.UNCHANGED
    assert worst([Exit.UNCHANGED, Exit.UNDECIDED]) is Exit.UNDECIDED
    assert worst([Exit.UNDECIDED, Exit.DRIFT]) is Exit.DRIFT
    assert worst([Exit.ERROR, Exit.DRIFT, Exit.UNDECIDED]) is Exit.ERROR


def test_a_verdict_of_a_newer_server_is_undecided() -> None:
    assert of_verdict(verdict_pb2.Verdict(kind=99)) is Exit.UNDECIDED  # type: ignore[arg-type]


def test_what_was_captured_does_not_steer_the_terminal() -> None:
    verdict = verdict_pb2.Verdict(
        kind=verdict_pb2.VERDICT_KIND_DRIFT, explanation="\x1b[2Jgone\nline"
    )
    verdict.findings.add(detector="content", sentence="\x1b]0;title\x07")
    edit = verdict.script.edits.add(kind=1, sentence="\x9b31m")
    edit.path.add(role="button", name="\x1b[31m")
    text = "\n".join(verdict_lines(verdict, "fi\x1ble"))
    assert not any(c in text for c in "\x1b\x9b\x07")


def test_a_folder_holds_captures_not_their_parts(tmp_path: Path) -> None:
    for name in (
        "a.ax.json.gz", "a.dom.json.gz", "a.frame1.ax.json", "a.aria.yml", "a.meta.json", "b.xml",
        "c.aria.yml", "notes.txt", "sub/d.json", ".hidden.json",
    ):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    found = [str(Path(name).relative_to(tmp_path)) for name in expand([str(tmp_path)])]
    assert found == ["a.ax.json.gz", "b.xml", "c.aria.yml", "sub/d.json"]


def test_frames_are_joined_by_number_and_only_to_their_own(tmp_path: Path) -> None:
    for name in (
        "a.ax.json",
        "a.frame2.ax.json",
        "a.frame10.ax.json.gz",
        "a.dom.json",
        "ab.frame1.ax.json",
    ):
        (tmp_path / name).touch()
    dom, frames = siblings(str(tmp_path / "a.ax.json"))
    assert Path(dom).name == "a.dom.json"
    assert [Path(frame).name for frame in frames] == ["a.frame2.ax.json", "a.frame10.ax.json.gz"]
    assert siblings(str(tmp_path / "b.xml")) == ("", ())


@pytest.mark.parametrize(("terminal", "shown"), [(True, [2, 3, 4, 9]), (False, [2, 9])])
def test_progress_is_silent_for_a_second_and_seldom_where_it_is_kept(
    terminal: bool, shown: list[int]
) -> None:
    class Stderr(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    now = 0.0
    stderr = Stderr()
    with Progress(9, stream=stderr, clock=lambda: now) as progress:
        for done, now in ((1, 0.5), (2, 1.1), (3, 1.3), (4, 5.0), (9, 6.2)):  # noqa: B007
            progress.show(done, "captures")
    assert re.findall(r"([0-9]+)/9 captures", stderr.getvalue()) == [str(n) for n in shown]


def test_json_is_one_object_a_line_whatever_the_text(sz: Sz, tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_text('- heading "zwei\\nZeilen – Größe" [level=1]\n', encoding="utf-8")
    other = tmp_path / "b.yml"
    other.write_text('- heading "eine" [level=1]\n', encoding="utf-8")
    assert main(["diff", str(path), str(other), "--json"]) == 1
    ran = sz("diff", path, other, "--json")
    assert json.loads(ran.out)["script"]["edits"]


def run_in_shell(*arguments: object, redirected: str) -> subprocess.CompletedProcess[str]:
    """`sz` as a shell starts it, with its streams as `redirected` says."""
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {redirected}', "sh", *COMMAND, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


@pytest.mark.parametrize("arguments", [("diff", BEFORE, AGAIN), ("--help",), ("--version",)])
@pytest.mark.parametrize(
    ("redirected", "why"), [(">&-", "closed"), (">/dev/full", "No space left on device")]
)
def test_a_result_that_cannot_be_written_is_an_error_in_one_line(
    arguments: tuple[object, ...], redirected: str, why: str
) -> None:
    ran = run_in_shell(*arguments, redirected=redirected)
    assert (ran.returncode, ran.stdout, len(ran.stderr.splitlines())) == (2, "", 1)
    assert ran.stderr.startswith("sz: standard output")
    assert why in ran.stderr


@pytest.mark.parametrize("redirected", ["2>&-", "2>/dev/full"])
def test_a_verdict_does_not_depend_on_whether_notes_can_be_written(redirected: str) -> None:
    assert run_in_shell("diff", BEFORE, AGAIN, redirected=redirected).returncode == 0
    loading = APP / "4.15.5__1-console-loading.ax.json.gz"
    ran = run_in_shell("diff", BEFORE, loading, redirected=redirected)
    assert (ran.returncode, "inconclusive" in ran.stdout) == (3, True)
    assert run_in_shell("nope", redirected=redirected).returncode == 2
    assert run_in_shell("status", redirected=f">/dev/full {redirected}").returncode == 2


def test_standard_input_that_is_closed_is_empty() -> None:
    closed = run_in_shell("diff", BEFORE, "-", redirected="<&-")
    empty = run_in_shell("diff", BEFORE, "-", redirected="</dev/null")
    assert (closed.returncode, closed.stderr) == (empty.returncode, empty.stderr)


def test_progress_goes_on_where_it_cannot_be_written() -> None:
    with Path("/dev/full").open("w") as full:
        progress = Progress(2, stream=full, clock=iter((0.0, 9.0, 18.0)).__next__)
        progress.show(1, "captures")
        progress.show(2, "captures")


@pytest.mark.parametrize("fault", [TypeError("s0_secret"), asyncio.CancelledError()])
def test_a_fault_of_ours_is_an_error_in_one_line_that_says_what_to_report(
    sz: Sz, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    def broken(*_: object) -> None:
        raise fault

    monkeypatch.setattr("systemzero_client.cli.diff.diff", broken)
    ran = sz("diff", BEFORE, AGAIN)
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert f"{type(fault).__name__} at test_offline.py:" in ran.err
    assert "report" in ran.err
    assert "SYSTEMZERO_DEBUG" in ran.err
    assert "s0_secret" not in ran.err
    monkeypatch.setenv("SYSTEMZERO_DEBUG", "1")
    shown = sz("diff", BEFORE, AGAIN)
    assert (shown.status, "Traceback" in shown.err) == (2, True)


@pytest.mark.parametrize("arguments", [("diff", "-", "-"), ("check", "-", "-")])
def test_standard_input_is_one_capture_only(sz: Sz, arguments: tuple[str, ...]) -> None:
    assert "standard input (-) can be only one" in sz(*arguments).err


@pytest.mark.parametrize(("seconds", "said"), [(5.0, "5.0"), (0.0, "0.1")])
def test_a_rate_limit_says_once_when_to_try_again(seconds: float, said: str) -> None:
    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    told = f"the key's rate limit is used up; try again in {seconds} seconds"
    for message in (told, "the key's rate limit is used up"):
        line = describe(SystemZeroError(code, "RATE_LIMITED", message, retry_after=seconds))
        assert line.count("try again") == 1
        assert "0 s" not in line.replace(".0 s", "")
    assert line.endswith(f"try again in {said} seconds")


@pytest.mark.parametrize("cause", ["Connection refused", "Misformatted domain name", "abc"])
def test_a_server_that_cannot_be_reached_is_told_without_stray_brackets(cause: str) -> None:
    details = f"DNS resolution failed for x ([type:Y; last error: UNKNOWN: 127.0.0.1: {cause}])"
    line = describe(SystemZeroError(grpc.StatusCode.UNAVAILABLE, "", details), "x")
    assert f"({cause})" in line


@pytest.mark.parametrize(
    ("server", "told"),
    [
        ("localhost", "'localhost': name the server as HOST:PORT, as in localhost:50051"),
        ("http://localhost:50051", "name the server as HOST:PORT, without http://"),
        ("HTTPS://sz.example", "name the server as HOST:PORT, without HTTPS://"),
        ("::1", "name the server as HOST:PORT"),
        ("host:", "name the server as HOST:PORT"),
    ],
)
@pytest.mark.parametrize("command", ["login", "status"])
def test_a_server_that_is_none_is_told_with_how_it_is_named(
    sz: Sz, server: str, told: str, command: str
) -> None:
    given = [server] if command == "login" else ["--server", server]
    ran = sz(command, *given, stdin=KEY.encode())
    assert ran.status == 2
    assert told in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    "server", ["[::1]:1", "dns:///gateway:1", "unix:/run/sz.sock", "ipv4:127.0.0.1:1,127.0.0.1:2"]
)
def test_every_target_of_grpc_is_a_server(sz: Sz, server: str) -> None:
    ran = sz("status", "--server", server)
    assert "no API key for" in ran.err


def test_what_a_verdict_does_not_show_is_counted() -> None:
    path = [edit_script_pb2.PathStep(role="button", name="Pay")]
    edit = edit_script_pb2.Edit(path=path, path_left_out=70, sentence="button “Pay” removed")
    verdict = verdict_pb2.Verdict(
        kind=verdict_pb2.VERDICT_KIND_DRIFT,
        script=edit_script_pb2.EditScript(edits=[edit], more_edits=41),
        more_findings=7,
    )
    text = "\n".join(verdict_lines(verdict, "deep.json"))
    assert "… and 41 more changes than a verdict shows" in text
    assert "… and 7 more findings than a verdict shows" in text
    assert "    … / button “Pay”" in text


def edit_with(nodes: int, **more: Any) -> edit_script_pb2.Edit:
    """An edit whose subtree shows so many nodes."""
    edit = edit_script_pb2.Edit(
        kind=edit_script_pb2.EDIT_KIND_INSERT, sentence="list “Fees” added", **more
    )
    for number in range(nodes):
        edit.nodes.add(role="text", name=f"fee \x1b[2J{number}")
    return edit


def test_what_comes_with_a_subtree_is_shown_and_the_rest_counted() -> None:
    script = edit_script_pb2.EditScript(edits=[edit_with(9, more_nodes=4, partial=True)])
    verdict = verdict_pb2.Verdict(kind=verdict_pb2.VERDICT_KIND_DRIFT, script=script)
    lines = verdict_lines(verdict, "")
    text = "\n".join(lines)
    assert [re.sub(r".*2J", "", line) for line in lines if "text “fee" in line] == [
        f"{number}”" for number in range(1, 6)
    ]
    assert "… and 3 more nodes; `--all` shows them" in text
    assert "… and 4 more nodes than a verdict shows" in text
    assert "not shown whole: no approval and no snooze covers it" in text
    assert "\x1b" not in text
    everything = "\n".join(verdict_lines(verdict, "", all_edits=True))
    assert everything.count("text “fee") == 8
    assert "`--all`" not in everything
    one = verdict_pb2.Verdict(script=edit_script_pb2.EditScript(edits=[edit_with(1)]))
    assert not any("not shown whole" in line or "fee" in line for line in verdict_lines(one, ""))


def test_an_event_says_how_many_of_its_changes_are_not_shown_whole() -> None:
    script = edit_script_pb2.EditScript(edits=[edit_with(2, partial=True), edit_with(1)])
    event = drift_service_pb2.DriftEvent(verdict=verdict_pb2.Verdict(script=script))
    (line,) = event_lines(event)
    assert "2 changes (1 not shown whole)" in line
    assert "2 changes (1 not shown whole)" in event_lines(event, full=True)[0]


def test_what_a_decision_does_not_cover_is_said() -> None:
    script = edit_script_pb2.EditScript(edits=[edit_script_pb2.Edit()], more_edits=41)
    event = drift_service_pb2.DriftEvent(
        verdict=verdict_pb2.Verdict(script=script),
        state=drift_service_pb2.EVENT_STATE_APPROVED,
        decision=drift_service_pb2.Decision(reason="a new wording", principal="key_1"),
    )
    text = "\n".join(event_lines(event, full=True))
    assert "42 changes" in text
    assert "1 changes are shown and decided about; 41 more stay open" in text
    (line,) = event_lines(event)
    assert "1 changes, 41 more stay open" in line


def test_what_came_over_a_screen_is_told_before_its_changes() -> None:
    verdict = verdict_pb2.Verdict(
        kind=verdict_pb2.VERDICT_KIND_DRIFT,
        overlays=[verdict_pb2.Overlay(sentence="dialog “De\x1blete” (5 nodes)")],
        beneath=verdict_pb2.VERDICT_KIND_UNCHANGED,
    )
    lines = verdict_lines(verdict, "orders.json")
    assert any("over it: dialog “De" in line for line in lines)
    assert "  the screen by itself: UNCHANGED" in lines
    assert not any("\x1b" in line for line in lines)
