"""The `sz` command line against a running platform: every command, its statuses and its JSON."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from systemzero_client.cli.login import login
from systemzero_core.formats import own
from tests.support.captures import CAPTURES
from tests.support.cli import Ran, Sz
from tests.support.patience import PATIENCE
from tests.support.platform import Platform, running
from tests.support.trees import item, tree
from tests.support.witness import FakeWitness

APP = CAPTURES / "parcel-console"
GOOD = (APP / "4.15.5__1-console.ax.json.gz", APP / "4.15.5__1-console-again.ax.json.gz")
SAME = APP / "4.15.5__1-console-reload.ax.json.gz"
DRIFTED = APP / "5.31.0__1-console.ax.json.gz"
UNKNOWN = CAPTURES / "gtk-demo" / "edit.json"
LOADING = APP / "4.15.5__1-console-loading.ax.json.gz"
PORTAL = APP / "4.15.5__portal.ax.json.gz"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform that knows one screen, and keeps what it is asked to keep."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SZ_STANDALONE_CAPTURE__ORIGINALS__NATIVE", "asked")
        patch.setenv("SZ_STANDALONE_CAPTURE__ORIGINALS__SCREENSHOTS", "true")
        with running("standalone", tmp_path_factory.mktemp("platform")) as started:
            yield started


@pytest.fixture
def sz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Sz:
    return Sz(tmp_path / "home", monkeypatch, capfd)


@pytest.fixture
def user(platform: Platform, sz: Sz) -> Sz:
    """Somebody who is logged in, and has learnt the screen `console`."""
    assert sz("login", platform.target, stdin=platform.admin_key.encode()).status == 0
    assert sz("learn", "console", *GOOD).status == 0
    return sz


def drift(user: Sz) -> str:
    """The id of a new event."""
    found = user("capture", DRIFTED, "--json").one()
    return str(found["verdict"]["event_id"])


def test_login_stores_the_key_for_its_owner_alone(platform: Platform, sz: Sz) -> None:
    key_file = platform.data / "gateway" / "admin.key"
    ran = sz("login", platform.target, "--key-file", key_file)
    assert (ran.status, ran.err) == (0, "")
    assert "tenant default" in ran.out
    assert platform.admin_key not in ran.out
    assert sz.config.stat().st_mode & 0o777 == 0o600
    assert sz.config.parent.stat().st_mode & 0o777 == 0o700
    assert sz("status").status == 0


def test_login_refuses_a_key_that_the_server_does_not_accept(platform: Platform, sz: Sz) -> None:
    wrong = "s0_live_" + "0" * 30 + "42dRNB"
    ran = sz("login", platform.target, stdin=wrong.encode())
    assert ran.status == 2
    assert "not accepted" in ran.err
    assert wrong not in ran.out + ran.err
    assert not sz.config.exists()


def test_login_takes_no_key_from_the_command_line(platform: Platform, sz: Sz) -> None:
    assert all(
        "key" not in p.opts[-1] or p.name in ("key_file", "certificate_key") for p in login.params
    )
    ran = sz("login", platform.admin_key)
    assert ran.status == 2
    assert platform.admin_key not in ran.err


def test_profiles_keep_servers_apart(platform: Platform, sz: Sz) -> None:
    key = platform.admin_key.encode()
    assert sz("login", platform.target, "--profile", "test", stdin=key).status == 0
    assert sz("status", "--profile", "test").status == 0
    assert sz("status", "--profile", "none").err.startswith("sz: no profile 'none'")
    assert sz("status").status == 2


def test_status_says_who_and_how(user: Sz) -> None:
    ran = user("status")
    assert ran.status == 0
    assert "diff: serving" in ran.out
    found = user("status", "--json").one()
    assert found["tenant"] == "default"
    assert {backend["name"] for backend in found["backends"]} == {"capture", "diff"}


def test_the_environment_names_server_and_key(
    platform: Platform, sz: Sz, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSTEMZERO_SERVER", platform.target)
    monkeypatch.setenv("SYSTEMZERO_API_KEY_FILE", str(platform.data / "gateway" / "admin.key"))
    assert sz("status").status == 0


@pytest.mark.parametrize("command", ["capture", "check"])
@pytest.mark.parametrize(
    ("file", "status", "word"),
    [
        (SAME, 0, "UNCHANGED"),
        (DRIFTED, 1, "DRIFT"),
        (UNKNOWN, 3, "UNKNOWN_SCREEN"),
        (LOADING, 3, "INCONCLUSIVE"),
    ],
)
def test_a_verdict_is_the_exit_status(
    user: Sz, command: str, file: Path, status: int, word: str
) -> None:
    ran = user(command, file)
    assert ran.status == status
    assert ran.out.startswith(word)
    found = user(command, file, "--json")
    assert found.status == status
    assert found.one()["verdict"]["kind"] == f"VERDICT_KIND_{word}"
    assert found.one()["file"] == str(file)


def test_drift_is_told_in_sentences_with_path_event_and_place_in_the_log(user: Sz) -> None:
    ran = user("capture", DRIFTED)
    assert "+ text “3.0” added to heading “Parcel Desk 2.8.1 OAS 3.0”" in ran.out
    assert "document “Parcel Desk console” / " in ran.out
    assert "! warning content: " in ran.out
    assert "event evt_" in ran.out
    assert "log index" in ran.out
    assert re.search(r"\d+ edits in \d+ lines; `--all` shows them", ran.out)
    assert "; `--all`" not in user("capture", DRIFTED, "--all").out
    verdict = user("check", DRIFTED, "--json").one()["verdict"]
    assert verdict["severity"] == "SEVERITY_WARNING"
    assert {"kind", "path", "sentence", "changes"} <= verdict["script"]["edits"][0].keys()


def test_of_several_captures_the_worst_counts(user: Sz, tmp_path: Path) -> None:
    assert user("capture", SAME, UNKNOWN).status == 3
    assert user("capture", SAME, UNKNOWN, DRIFTED).status == 1
    broken = tmp_path / "broken.xml"
    broken.write_text("<hierarchy><node></hierarchy>")
    ran = user("capture", SAME, broken, DRIFTED, tmp_path / "missing", "--json")
    assert ran.status == 2
    assert len(ran.json()) == 4
    errors = [found["error"] for found in ran.json() if "error" in found]
    assert [error["reason"] for error in errors] == ["UNREADABLE", "INVALID_INPUT"]
    assert str(tmp_path / "missing") in ran.err


def test_a_folder_goes_over_one_stream(user: Sz, tmp_path: Path) -> None:
    folder = tmp_path / "captures"
    shutil.copytree(APP, folder)
    ran = user("capture", folder, "--json", "--edge")
    files = [Path(found["file"]).name for found in ran.json()]
    assert ran.status == 1
    assert files == sorted(files)
    assert len(files) == len(list(APP.glob("*__*.meta.json")))
    again = user("capture", folder, "--json", "--edge", "--no-check")
    claimed = [found["capture"]["claimed_by_digest"] for found in again.json()]
    incomplete = [bool(found["capture"]["incompleteness"]) for found in again.json()]
    assert claimed == [not each for each in incomplete]


@pytest.mark.parametrize("command", ["check", "capture"])
@pytest.mark.parametrize("broken", ["missing", "damaged"])
def test_a_file_that_cannot_be_read_leaves_the_others_to_be_judged(
    user: Sz, tmp_path: Path, command: str, broken: str
) -> None:
    bad = tmp_path / "bad.json.gz"
    if broken == "damaged":
        bad.write_bytes(b"\x1f\x8b\x00")
    for files in ((bad, SAME), (SAME, bad), (bad,)):
        ran = user(command, *files)
        assert (ran.status, ran.err.count(str(bad)), len(ran.err.splitlines())) == (2, 1, 1)
        assert ran.out.count("UNCHANGED") == len(files) - 1
        told = [found for found in user(command, "--json", *files).json() if "error" in found]
        assert [(one["file"], one["error"]["reason"]) for one in told] == [(str(bad), "UNREADABLE")]


def test_an_empty_folder_is_an_error(user: Sz, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    assert user("capture", folder).err == f"sz: no capture in {folder}\n"


def test_siblings_are_joined_and_a_missing_frame_is_not_drift(user: Sz, tmp_path: Path) -> None:
    for path in APP.glob("4.15.5__portal.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    whole = user("capture", tmp_path / PORTAL.name, "--no-check", "--json").one()
    frame = tmp_path / "4.15.5__portal.frame1.ax.json.gz"
    plain = tmp_path / "frame.json"
    plain.write_bytes(gzip.decompress(frame.read_bytes()))
    frame.unlink()
    cut = user("capture", tmp_path / PORTAL.name, "--no-check", "--json").one()
    assert not whole["capture"]["incompleteness"]
    assert cut["capture"]["incompleteness"]
    dom = tmp_path / "4.15.5__portal.dom.json.gz"
    named = user(
        "capture", tmp_path / PORTAL.name, "--dom", dom, "--frame", plain, "--no-check", "--json"
    ).one()
    assert named["capture"]["signatures"] == whole["capture"]["signatures"]


def test_a_capture_comes_from_standard_input(user: Sz) -> None:
    data = SAME.read_bytes()
    assert user("capture", "-", "--app", "parcels", stdin=data).status in (0, 1)
    assert user("check", "-", "--format", "cdp", stdin=gzip.decompress(data)).status in (0, 1)
    assert user("capture", "-", stdin=b"\x1f\x8bnonsense").err.startswith("sz: - is damaged")


def test_what_was_sent_is_kept_read_back_and_deleted(user: Sz, tmp_path: Path) -> None:
    picture = tmp_path / "screen.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    sent = user("capture", DRIFTED, "--keep-raw", "--screenshot", picture, "--json").one()
    capture_id, event_id = sent["capture"]["capture_id"], sent["verdict"]["event_id"]
    folder = tmp_path / "back"
    got = user("captures", "get", capture_id, "--native", "--screenshot", "-o", folder, "--json")
    assert {Path(name).name for name in got.one()["files"]} == {
        f"{capture_id}{ending}" for ending in (".ax.json", ".dom.json", ".png")
    }
    assert (folder / f"{capture_id}.png").read_bytes() == picture.read_bytes()
    assert (folder / f"{capture_id}.ax.json").read_bytes() == gzip.decompress(DRIFTED.read_bytes())
    assert user("captures", "--limit", "1").out.startswith(capture_id)

    unasked = user("captures", "delete", capture_id)
    assert (unasked.status, unasked.out, "--yes" in unasked.err) == (2, "", True)
    assert "erased" in user("captures", "delete", capture_id, "--yes").out
    event = user("events", event_id, "--json").one()
    assert event["verdict"]["explanation"] == "erased with its capture"
    assert user("log", "verify").status == 0
    proof = user("log", "proof", event["log_index"], "--json").one()
    assert (proof["verified"], proof["body"]) == (True, None)
    missing = user("captures", "get", capture_id, "--screenshot")
    assert (missing.status, missing.err) == (
        2,
        f"sz: no screenshot is kept of {capture_id}\n",
    )


def test_what_is_kept_is_written_beside_what_is_not(user: Sz, tmp_path: Path) -> None:
    capture_id = user("capture", SAME, "--json").one()["capture"]["capture_id"]
    ran = user("captures", "get", capture_id, "--tree", "--native", "-o", tmp_path)
    assert (ran.status, ran.err) == (2, f"sz: no native document is kept of {capture_id}\n")
    assert (tmp_path / f"{capture_id}.tree.json").stat().st_size > 0


def test_a_session_and_a_screen_are_recorded(user: Sz) -> None:
    flags = ("--app", "parcels", "--screen", "console", "--session", "s1", "--no-check")
    capture = user("capture", SAME, *flags, "--json").one()["capture"]
    assert (capture["app"], capture["screen_hint"], capture["session_id"]) == (
        "parcels",
        "console",
        "s1",
    )
    assert user("capture", SAME, *flags).out.startswith("STORED cap_")


def test_events_are_listed_shown_and_decided(user: Sz) -> None:
    admin = CAPTURES / "stock-admin"
    assert user("learn", "rows", admin / "4.2.16__3-list.ax.json.gz").status == 0
    changed = admin / "5.2.1__3-list.ax.json.gz"
    event = user("capture", changed, "--json").one()["verdict"]["event_id"]
    flags = ("--open", "--severity", "info", "--screen", "rows", "--limit", 1)
    listed = user("events", *flags, "--json").one()
    assert listed["event_id"] == event
    assert listed["state"] == "EVENT_STATE_OPEN"
    shown = user("events", event)
    assert event in shown.out
    assert "similarity" in shown.out
    snoozed = user("snooze", event, "--reason", "later", "--until", "7d", "--json").one()
    assert snoozed["event"]["state"] == "EVENT_STATE_SNOOZED"
    rejected = user("reject", event, "--reason", "wrong", "--scope", "node")
    assert "rejected by" in rejected.out
    approved = user("approve", event, "--reason", "new release", "--json").one()
    assert approved["event"]["decision"]["reason"] == "new release"
    assert user("capture", changed).status == 0


def test_a_pattern_is_approved_by_name_and_told(user: Sz, tmp_path: Path) -> None:
    def capture(account: str) -> Path:
        shown = tree(item("heading", "Pay in"), item("text", f"To account {account}"))
        file = tmp_path / f"{account}.json"
        file.write_bytes(own.encode(shown))
        return file

    assert user("learn", "pay-in", capture("12345678")).status == 0
    event = user("capture", capture("12345679"), "--json").one()["verdict"]["event_id"]
    why = ("--reason", "accounts come and go")
    ran = user("approve", event, "--pattern", "--until", "7d", *why)
    assert (ran.status, "without --until" in ran.err) == (2, True)
    assert "any name: To account {count}" in user("approve", event, "--pattern", *why).out
    assert user("capture", capture("66666666")).status == 0
    assert "name: To account {count}" in user("templates", "export", "pay-in").out


def test_a_decision_needs_a_reason_and_a_time_that_is_one(user: Sz) -> None:
    assert user("approve", "evt_1").err.startswith("sz approve: Missing option '--reason'")
    ran = user("snooze", "evt_1", "--reason", "x", "--until", "soon")
    assert (ran.status, len(ran.err.splitlines())) == (2, 1)
    assert "'soon' is neither a time" in ran.err
    assert user("reject", "evt_1", "--reason", "x").err == "sz: no event 'evt_1'\n"


def test_a_watch_shows_events_from_the_first_or_a_cursor(user: Sz) -> None:
    drift(user)
    drift(user)
    ran = user("events", "--watch", "--from-start", "--limit", 2, "--json")
    first, second = ran.json()
    resumed = user("events", "--watch", "--cursor", first["cursor"], "--limit", 1, "--json").one()
    assert resumed["event"]["event_id"] == second["event"]["event_id"]


def test_ctrl_c_ends_a_watch_cleanly(user: Sz) -> None:
    drift(user)
    process = user.start("events", "--watch", "--from-start")
    assert process.stdout is not None
    assert process.stdout.readline().startswith("evt_")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err.strip()) == (130, "")


def test_a_reader_that_goes_away_is_no_error(user: Sz) -> None:
    drift(user)
    process = user.start("events", "--watch", "--from-start")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    while process.poll() is None:
        drift(user)
    assert process.returncode == 141
    assert process.stderr is not None
    with process.stderr:
        assert process.stderr.read() == ""


def test_templates_go_out_and_come_back(user: Sz, tmp_path: Path) -> None:
    assert "console" in [found["screen_id"] for found in user("templates", "--json").json()]
    file = tmp_path / "console.yaml"
    assert user("templates", "export", "console", "-o", file).status == 0
    assert user("templates", "export", "console").out == file.read_text()
    assert user("templates", "validate", file).out == "valid\n"
    imported = user("templates", "import", file, "--json").one()["template"]
    shown = user("templates", "get", "console", "--json").one()["template"]
    assert shown["version"] == imported["version"]
    assert "nodes" in user("templates", "get", "console").out
    file.write_text("screen_id: x\nfoo: 1\n")
    bad = user("templates", "validate", file, "--json")
    assert bad.status == 2
    assert bad.one()["valid"] is False
    assert bad.one()["violations"]
    file.write_text("screen_id: doomed\nrequired_nodes: [{role: button}]\n")
    assert user("templates", "import", file).status == 0
    assert user("templates", "delete", "doomed").out.startswith("DELETED doomed")
    assert "doomed" not in user("templates").out


@pytest.mark.parametrize(
    "content",
    [b"<html><body>Sign in</body></html>", b"\x1f\x8b\x00", b"<hierarchy><node></hierarchy>"],
)
def test_learning_names_the_file_that_is_no_capture(
    user: Sz, tmp_path: Path, content: bytes
) -> None:
    bad = tmp_path / "bad.xml"
    bad.write_bytes(content)
    ran = user("learn", "multi", GOOD[0], bad, GOOD[1])
    assert (ran.status, ran.err.count(str(bad)), len(ran.err.splitlines())) == (2, 1, 1)
    assert ran.err.startswith(f"sz: {bad}")
    assert "captures[" not in ran.err


def test_learning_says_what_was_inferred(user: Sz) -> None:
    later = APP / "4.15.5__1-console-later.ax.json.gz"
    ran = user("learn", "console", GOOD[0], later)
    assert ran.status == 0
    assert re.search(r"Oldest has waited.*\(([0-9]+) of \1 captures\)", ran.out)
    assert "good captures would have alarmed" in ran.out
    refused = user("learn", "x", GOOD[0], LOADING)
    assert refused.status == 2
    assert refused.err.startswith(f"sz: {LOADING}: incomplete")


def test_the_audit_log_is_listed_exported_and_verified(user: Sz) -> None:
    assert user("keys", "list").status == 0

    def listed() -> list[str]:
        return [line for line in user("audit", "list").out.splitlines() if "ListApiKeys" in line]

    for _ in range(500):  # it is written behind the calls
        if found := listed():
            break
    assert "allowed" in found[0]
    assert "127.0.0.1" in found[0]
    assert user("log", "verify").status == 0
    first = user("audit", "verify")
    assert first.status == 0
    assert "trusting the key" in first.err
    assert user("audit", "verify").err == ""
    export = user.home / "audit.jsonl"
    assert user("audit", "export", "-o", export).status == 0
    assert user("audit", "verify", "--file", export, "--json").one()["verified"]
    taken_for_another = user("log", "verify", "--file", export)
    assert taken_for_another.status == 2
    assert "this is the audit log" in taken_for_another.err
    export.write_bytes(export.read_bytes().replace(b"allowed", b"denied!", 1))
    assert user("audit", "verify", "--file", export).status == 2


def test_the_log_is_verified_online_and_offline(user: Sz, tmp_path: Path) -> None:
    drift(user)
    first = user("log", "verify")
    assert first.status == 0
    assert first.out.startswith("VERIFIED systemzero.local/")
    assert "on first use" in first.err
    assert user("log", "verify").err == ""
    found = user("log", "verify", "--json").one()
    assert found["verified"] is True
    export = tmp_path / "log.jsonl"
    assert user("log", "export", "-o", export, "--json").one()["bytes"] == export.stat().st_size
    assert user("log", "verify", "--file", export, "--json").one()["size"] == found["size"]
    taken_for_another = user("audit", "verify", "--file", export)
    assert taken_for_another.status == 2
    assert "this is the evidence log" in taken_for_another.err
    assert user("log", "entries", "--limit", 1, "--json").one()["index"] == "0"


def test_an_export_that_was_tampered_with_names_the_entry(user: Sz, tmp_path: Path) -> None:
    drift(user)
    assert user("log", "verify").status == 0
    export = tmp_path / "log.jsonl"
    assert user("log", "export", "-o", export).status == 0
    lines = export.read_bytes().splitlines(keepends=True)
    altered = bytearray(lines[2])
    altered[altered.index(b'"body":') + 12] ^= 1
    export.write_bytes(b"".join([*lines[:2], bytes(altered), *lines[3:]]))
    ran = user("log", "verify", "--file", export, "--json")
    assert (ran.status, ran.one()["entry"], ran.one()["line"]) == (2, 1, 3)
    assert ran.err.startswith("sz: VERIFICATION FAILED: line 3 (entry 1): ")
    export.write_bytes(b"".join(lines[:-2]))
    cut = user("log", "verify", "--file", export)
    assert (cut.status, len(cut.err.splitlines())) == (2, 1)
    assert f"(entry {len(lines) - 4})" in cut.err
    export.write_bytes(b"".join(lines[:-2] + lines[-1:]))
    missing = user("log", "verify", "--file", export)
    assert f"the first that is missing is entry {len(lines) - 3}" in missing.err


def test_an_older_export_is_called_older_and_not_cut(user: Sz, tmp_path: Path) -> None:
    export = tmp_path / "log.jsonl"
    drift(user)
    assert user("log", "export", "-o", export).status == 0
    assert user("events", "approve", "--all", "--yes").status in (0, 2)
    drift(user)
    user("log", "verify", "--json").one()
    ran = user("log", "verify", "--file", export, "--json")
    assert (ran.status, ran.one()["verified"], ran.one()["older"]) == (3, False, True)
    assert ran.err.startswith("sz: OLDER: ")
    assert "its end was cut off" in ran.err


def test_the_log_is_mirrored_into_tiles_and_verified_there(user: Sz, tmp_path: Path) -> None:
    drift(user)
    folder = tmp_path / "tiles"
    first = user("log", "tiles", folder, "--json").one()
    assert user("log", "tiles", folder).status == 0
    assert user("log", "verify", "--tiles", folder, "--json").one() == first
    (folder / "tile/0/000.p").rename(folder / "gone")
    ran = user("log", "verify", "--tiles", folder)
    assert (ran.status, "tile/0/000.p" in ran.err) == (2, True)


def test_witnesses_that_saw_nothing_are_missed(user: Sz) -> None:
    witness = FakeWitness().verifier
    ran = user("log", "verify", "--witness", witness)
    assert (ran.status, "0 of the 1 witnesses" in ran.err) == (2, True)
    ran = user("log", "verify", "--witness", witness, "--witnesses", 2)
    assert (ran.status, "2 of 1 cannot be" in ran.err) == (2, True)
    ran = user("log", "verify", "--witness", witness, "--file", "export.jsonl")
    assert (ran.status, "needs the server" in ran.err) == (2, True)


def test_the_key_of_another_log_is_not_accepted(user: Sz, tmp_path: Path) -> None:
    other = "systemzero.local/log/default+a0c57a9e+AU/lPgRt7ByVH2jvZdmB1uesgSw7fRpKHK+6egkYjxeF"
    assert "vkey" in user("log", "verify", "--key", other).err
    export = tmp_path / "log.jsonl"
    assert user("log", "export", "-o", export).status == 0
    stranger = user("log", "verify", "--file", export)
    assert stranger.status == 2
    assert "no key of the log" in stranger.err
    key = json.loads(export.read_bytes().splitlines()[0])["vkeys"][0]
    assert user("log", "verify", "--file", export, "--key", key).status == 0


def test_an_entry_is_proven_and_the_bundle_verifies_offline(user: Sz, tmp_path: Path) -> None:
    event = drift(user)
    index = user("events", event, "--json").one()["log_index"]
    bundle = tmp_path / "bundle.json"
    proven = user("log", "proof", index, "-o", bundle, "--json").one()
    assert proven["body"]["event_id"] == event
    assert proven["capture"] == "proven"
    assert "capture: the tree that was recorded" in user("log", "proof", index).out
    assert user("log", "proof", "--verify", bundle, "--json").one()["index"] == int(index)
    bundle.write_bytes(bundle.read_bytes().replace(event.encode(), b"evt_" + b"0" * 32))
    assert user("log", "proof", "--verify", bundle).status == 2
    assert user("log", "proof").status == 2
    assert user("log", "proof", 10_000_000).status == 2


def test_tokens_are_issued_introspected_and_revoked(user: Sz, tmp_path: Path) -> None:
    secret = tmp_path / "token"
    issued = user(
        *("token", "issue", "--lifetime", "5m", "--scope", "capture_read"),
        *("--secret-file", secret, "--json"),
    ).one()
    text = secret.read_text().strip()
    assert (issued["token"], secret.stat().st_mode & 0o777) == ("", 0o600)
    active = user("token", "introspect", "--token-file", secret)
    assert active.status == 0
    assert "may capture_read" in active.out
    assert text not in active.out
    assert user("token", "introspect", "--json", stdin=text.encode()).one()["active"]
    assert user("status", "--api-key-file", secret).status == 2  # no scope for it
    assert user("token", "revoke", issued["token_id"]).out == "REVOKED\n"
    ended = user("token", "introspect", "--token-file", secret)
    assert (ended.status, ended.out) == (1, "NOT ACTIVE\n")
    assert user("token", "revoke", "--token-file", secret).status == 0
    refused = user("token", "revoke", text)
    assert (refused.status, text in refused.err) == (2, False)


def test_tenants_are_made_bounded_suspended_and_resumed(
    platform: Platform, user: Sz, tmp_path: Path
) -> None:
    secret = tmp_path / "acme.key"
    own = ("--api-key-file", platform.data / "gateway" / "platform.key")
    made = user(
        *("tenants", "create", "acme", "--burst", 500, "--secret-file", secret, "--json", *own)
    ).one()
    assert (made["secret"], made["tenant"]["quotas"]) == ("", {"burst": 500})
    assert "tenant acme" in user("login", "--key-file", secret, platform.target).out
    changed = user("tenants", "quotas", "acme", "--per-minute", 90.5, "--in-flight", 4, *own)
    assert "per_minute 90.5  burst 500  in_flight 4" in changed.out
    back = user("tenants", "quotas", "acme", "--burst", "default", *own)
    assert "per_minute 90.5  burst default  in_flight 4" in back.out
    assert user("tenants", "quotas", "acme", *own).out == back.out
    stored = user("tenants", "quotas", "acme", "--captures", 3e9, "--stored-bytes", 5e9, *own)
    assert "stored_bytes 5000000000  captures 3000000000" in stored.out
    assert "captures: 0 of 3,000,000,000" in user("status").out
    assert "captures" in user("tenants", "quotas", "acme", "--captures", 0, *own).err
    assert "events" in user("tenants", "quotas", "acme", "--events", 1e16, *own).err
    assert "burst" in user("tenants", "quotas", "acme", "--burst", 1, *own).err
    assert user("tenants", "quotas", "acme", "--burst", "1.5", *own).status == 2
    listed = user("tenants", "--json", *own).json()
    assert [tenant["tenant_id"] for tenant in listed] == ["acme", "default", "platform"]
    assert [tenant["tenant_id"] for tenant in user("tenants", "--json").json()] == ["acme"]
    assert user("tenants", "suspend", "acme", *own).out.startswith("SUSPENDED acme")
    assert user("status").status == 2
    assert user("tenants", "resume", "acme", *own).out.startswith("RESUMED acme")
    assert user("status").status == 0


def test_keys_are_made_rotated_and_revoked(user: Sz, tmp_path: Path) -> None:
    secret = tmp_path / "viewer.key"
    made = user("keys", "create", "ci", "--role", "viewer", "--secret-file", secret, "--json").one()
    assert made["secret"] == ""
    assert secret.stat().st_mode & 0o777 == 0o600
    key_id = made["api_key"]["key_id"]
    refused = user("capture", SAME, "--api-key-file", secret)
    assert refused.status == 2
    assert "capture_write" in refused.err
    assert secret.read_text().strip() not in refused.err
    rotated = user("keys", "rotate", key_id, "--json").one()
    assert rotated["secret"].startswith("s0_")
    assert user("status", "--api-key-file", secret).status == 0
    assert user("keys", "rotate", key_id, "--overlap", "0m").status == 0
    assert user("status", "--api-key-file", secret).status == 2
    assert "no span" in user("keys", "rotate", key_id, "--overlap", "soon").err
    assert user("keys", "revoke", key_id).out.startswith(f"REVOKED {key_id}")
    listed = {key["key_id"]: key for key in user("keys", "--json").json()}
    assert "revoke_time" in listed[key_id]
    assert user("status", "--api-key-file", secret).status == 2


def test_a_summary_counts(user: Sz) -> None:
    drift(user)
    ran = user("summary")
    assert ran.out.startswith("compliance ")
    assert "DRIFT: " in ran.out
    assert re.search(r"[0-9]+ events \([0-9]+ open, [a-z]+\) of one change on console\n", ran.out)
    assert 0 <= user("summary", "--json").one()["compliance"] <= 1


def test_a_stored_key_goes_to_its_own_server_alone(user: Sz) -> None:
    ran = user("status", "--server", "127.0.0.1:1")
    assert ran.status == 2
    assert ran.err.startswith("sz: no API key for 127.0.0.1:1")


def test_a_file_of_keys_that_others_can_read_is_refused(user: Sz) -> None:
    user.config.chmod(0o644)
    ran: Ran = user("status")
    assert (ran.status, ran.err) == (
        2,
        f"sz: {user.config} holds keys and others can read it: chmod 600 {user.config}\n",
    )


def test_the_key_is_in_nothing_that_is_printed(platform: Platform, user: Sz) -> None:
    runs = [
        user("--help"),
        user("login", "--help"),
        user("status", "--json"),
        user("events", "nope"),
        user("capture", "missing"),
        user("keys", "--json"),
    ]
    assert not any(platform.admin_key in ran.out + ran.err for ran in runs)
