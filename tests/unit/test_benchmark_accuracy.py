"""The accuracy benchmark, on a small labelled corpus made of the recorded captures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks._corpus import Corpus
from benchmarks.accuracy import Evaluation
from tests.support.captures import CAPTURES, captures

MANIFEST = "path\tkind\tapp\tversion_state\tnodes\n"
PAIRS = (
    "pair_kind\tapp\ta\tb\tnodes_a\tnodes_b\tonly_in_a\tonly_in_b\tidentical_role_name_sequence\n"
)
CONSOLE = "parcel-console/4.15.5__1-console"


def pair(kind: str, a: str, b: str, differing: int, identical: str) -> str:
    app = a.partition("/")[0]
    return f"{kind}\t{app}\t{a}.ax.json.gz\t{b}.ax.json.gz\t9\t9\t{differing}\t0\t{identical}\n"


def same_screens() -> list[str]:
    return [
        pair("benign:other", stem.rpartition("-")[0], stem, 1, "no")
        for app, version, state in captures()
        if state.endswith(("-reload", "-again", "-later", "-filtered", "-other"))
        for stem in [f"{app}/{version}__{state}"]
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = []
    for app, version, state in captures():
        (tmp_path / app).mkdir(exist_ok=True)
        for file in (CAPTURES / app).glob(f"{version}__{state}.*"):
            (tmp_path / app / file.name).symlink_to(file)
        rows.append(f"{app}/{version}__{state}.ax.json.gz\tweb\t{app}\t{version}/{state}\t9\n")
    (tmp_path / "broken.json").write_text('{"nodes": [')
    (tmp_path / "other.json").write_text('{"nothing": 1}')
    rows += [f"{name}.json\tweb\tbroken\t{name}\t0\n" for name in ("broken", "other")]
    (tmp_path / "MANIFEST.tsv").write_text(MANIFEST + "".join(rows))
    (tmp_path / "PAIRS.tsv").write_text(
        PAIRS
        + "".join(same_screens())
        + pair("benign:reload", CONSOLE, f"{CONSOLE}-reload", 0, "yes")
        + pair("version-drift", CONSOLE, "parcel-console/5.31.0__1-console", 9, "no")
        + pair("benign:reload", CONSOLE, "parcel-console/5.31.0__2-operation", 9, "no")
        + pair("version-drift", CONSOLE, f"{CONSOLE}-loading", 9, "no")
        + pair("version-drift", CONSOLE, "not/in__manifest", 9, "no")
    )
    return tmp_path


def test_screens_and_releases_follow_from_the_labels(folder: Path) -> None:
    corpus = Corpus(folder)
    assert corpus.releases["parcel-console"] == ["4.15.5", "5.31.0"]
    assert corpus.screen(f"{CONSOLE}-later.ax.json.gz") == "parcel-console/1-console"
    baselines = corpus.baselines("parcel-console", "4.15.5")
    assert f"{CONSOLE}.ax.json.gz" in baselines
    assert f"{CONSOLE}-reload.ax.json.gz" not in baselines
    assert len(corpus.pairs) == len(same_screens()) + 4
    assert len(corpus.files("parcel-console/4.15.5__portal.ax.json.gz").frames) == 1


def test_rates_and_the_reason_of_every_miss(folder: Path) -> None:
    evaluation = Evaluation(Corpus(folder))
    tally = evaluation.run()
    shares = tally.shares()
    assert shares["reload_alarm_rate"] == {"parcel-console": [False, True]}
    assert shares["identical_alarm_rate"] == {"parcel-console": [False]}
    assert shares["drift_detection_rate"] == {"parcel-console": [True, False]}
    assert shares["inconclusive_rate"]["broken"] == [True, False]
    assert shares["unreadable_rate"]["broken"] == [False, True]
    assert sum(shares["foreign_match_rate"]["stock-admin"]) == 0
    missed = {(miss.rate, miss.what.rpartition(" ")[2]): miss.reason for miss in tally.misses}
    wrong = missed["reload_alarm_rate", "parcel-console/5.31.0__2-operation.ax.json.gz"]
    assert wrong.startswith("drift ")
    loading = missed["drift_detection_rate", f"{CONSOLE}-loading.ax.json.gz"]
    assert loading.startswith("inconclusive ")
    assert "UnknownFormat" in missed["unreadable_rate", "other.json"]


def test_it_prints_a_json_object_a_line_and_fails_where_an_ask_does_not_hold(
    folder: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.accuracy", folder, "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    rows = {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 1
    assert rows["reload_alarm_rate"] == {
        "name": "reload_alarm_rate",
        "value": 50.0,
        "unit": "%",
        "ask": 5.0,
        "holds": False,
    }
    assert rows["screen_identification/stock-admin"]["value"] == 100.0
    assert "does not hold: drift_detection_rate" in done.stderr
    assert "reload_alarm_rate\tparcel-console\tbenign:reload" in done.stderr
