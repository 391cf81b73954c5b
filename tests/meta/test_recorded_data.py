"""What tests/data holds is whole, of the formats it says, and shows what the tests rely on."""

import shutil
from pathlib import Path

import pytest

from scripts.make_samples import samples
from scripts.recording.labels import label
from systemzero_core.completeness import Reason, assess
from systemzero_core.formats import Format, Parsed, parse
from systemzero_core.normalize import normalize
from systemzero_core.signature import sign
from systemzero_core.tree import Tree
from tests.support.captures import CAPTURES, SAMPLES, capture, captures, sample

CONSOLE, OLD, NEW = "parcel-console", "4.15.5", "5.31.0"


def read(app: str, version: str, state: str) -> Parsed:
    recorded = capture(app, version, state)
    return parse(recorded.ax, dom=recorded.dom, frames=recorded.frames)


def normal(app: str, version: str, state: str) -> Tree:
    return normalize(read(app, version, state).tree)


@pytest.mark.parametrize(("app", "version", "state"), captures())
def test_a_capture_is_what_its_description_says(app: str, version: str, state: str) -> None:
    recorded, parsed = capture(app, version, state), read(app, version, state)
    meta = recorded.meta
    assert (meta["app"], meta["version"], meta["state"]) == (app, version, state)
    assert parsed.format is Format.CDP
    assert parsed.url == meta["url"]
    assert meta["frames"] == len(recorded.frames)
    assert parse(recorded.aria).format is Format.ARIA
    boxed = sum(node.bounds is not None for node in parsed.tree.nodes)
    assert boxed >= 0.75 * len(parsed.tree)


@pytest.mark.parametrize(
    ("app", "version", "state"),
    [
        (CONSOLE, OLD, "1-console"),
        (CONSOLE, NEW, "1-console"),
        ("stock-admin", "4.2.16", "3-list"),
        ("stock-admin", "5.2.1", "3-list"),
    ],
)
def test_a_reload_is_the_same_screen_in_other_bytes(app: str, version: str, state: str) -> None:
    reload = f"{state}-reload"
    assert capture(app, version, state).ax != capture(app, version, reload).ax
    first, second = normal(app, version, state), normal(app, version, reload)
    assert sign(first).full == sign(second).full


@pytest.mark.parametrize(
    ("version", "state"), [(OLD, "1-console-later"), (OLD, "2-operation"), (NEW, "1-console")]
)
def test_other_data_other_steps_and_other_releases_differ(version: str, state: str) -> None:
    console = sign(normal(CONSOLE, OLD, "1-console"))
    assert sign(normal(CONSOLE, version, state)).full != console.full


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("1-console-loading", Reason.LOADING),
        ("explorer-loading", Reason.LOADING),
        ("portal-waiting", Reason.MISSING_FRAME),
    ],
)
def test_the_half_loaded_are_incomplete(state: str, reason: Reason) -> None:
    parsed = read(CONSOLE, OLD, state)
    assert reason in {why.reason for why in assess(normalize(parsed.tree), parsed.gaps)}


def test_the_other_screens_are_complete() -> None:
    for app, version, state in captures():
        if not state.endswith(("-loading", "-waiting")):
            parsed = read(app, version, state)
            assert assess(normalize(parsed.tree), parsed.gaps) == (), (app, version, state)


def test_the_labels_are_of_the_captures_as_they_are(tmp_path: Path) -> None:
    shutil.copytree(CAPTURES, tmp_path, dirs_exist_ok=True)
    label(tmp_path)
    for table in ("MANIFEST.tsv", "PAIRS.tsv"):
        assert (tmp_path / table).read_bytes() == (CAPTURES / table).read_bytes()


def test_the_samples_are_those_their_outlines_give() -> None:
    kept = {str(file.relative_to(SAMPLES)): file.read_bytes() for file in SAMPLES.glob("*/*")}
    assert kept == samples()


@pytest.mark.parametrize("screen", ["login", "settings"])
def test_both_android_dialects_give_one_tree(screen: str) -> None:
    plain, appium = (parse(sample(f"android/{screen}{s}.xml")).tree for s in ("", ".appium"))
    assert plain.nodes[1:] == appium.nodes[1:]
    assert plain.parents == appium.parents


def test_runs_and_encodings_of_a_windows_screen_give_one_signature() -> None:
    kinds = ("utf16", "utf8-says-utf16", "utf16-says-utf8")
    trees = [normalize(parse(sample(f"windows/login.{kind}.xml")).tree) for kind in kinds]
    assert len({sign(tree).full for tree in trees}) == 1
    assert trees[0].nodes[0].name == "Parcel Desk – sign in"


@pytest.mark.parametrize("state", ["list", "edit"])
def test_a_desktop_capture_holds_no_password(state: str) -> None:
    body = (CAPTURES / "gtk-demo" / f"{state}.json").read_bytes()
    tree = parse(body).tree
    (field,) = [node for node in tree.nodes if node.role == "password text"]
    assert field.value == ""
    assert b"never read" not in body
