"""The accuracy benchmark: on the recorded captures, and on labels that are wrong on purpose."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks._corpus import Corpus
from benchmarks.accuracy.evaluation import Evaluation
from tests.support.captures import CAPTURES

CONSOLE = "parcel-console/4.15.5__1-console"
OPERATION = "parcel-console/5.31.0__2-operation"


def pair(kind: str, b: str) -> str:
    return f"{kind}\tparcel-console\t{CONSOLE}.ax.json.gz\t{b}.ax.json.gz\t9\t9\t9\t0\tno\n"


@pytest.fixture
def mislabelled(tmp_path: Path) -> Path:
    for app in ("parcel-console", "stock-admin"):
        (tmp_path / app).symlink_to(CAPTURES / app)
    rows = (CAPTURES / "MANIFEST.tsv").read_text(encoding="utf-8")
    header = rows.splitlines()[0].split("\t")
    for name, text in (("cut", '{"nodes": ['), ("other", '{"nothing": 1}')):
        (tmp_path / f"{name}.json").write_text(text, encoding="utf-8")
        cells = {"path": f"{name}.json", "kind": "web", "app": "broken", "version_state": name}
        rows += "\t".join(cells.get(column, "") for column in header) + "\n"
    (tmp_path / "MANIFEST.tsv").write_text(rows, encoding="utf-8")
    (tmp_path / "PAIRS.tsv").write_text(
        (CAPTURES / "PAIRS.tsv").read_text(encoding="utf-8").splitlines()[0]
        + "\n"
        + pair("benign:reload", f"{CONSOLE}-reload")
        + pair("benign:reload", OPERATION)
        + pair("benign:sorted", OPERATION)
        + pair("benign:resized", f"{CONSOLE}-reload")
        + pair("version-drift", f"{CONSOLE}-loading")
        + pair("version-drift", f"{CONSOLE}-again")
        + pair("version-drift", "not/in__manifest"),
        encoding="utf-8",
    )
    return tmp_path


def test_screens_and_releases_follow_from_the_labels() -> None:
    corpus = Corpus(CAPTURES)
    assert corpus.releases["parcel-console"] == ["4.15.5", "5.31.0"]
    assert corpus.screen(f"{CONSOLE}-later.ax.json.gz") == "parcel-console/1-console"
    baselines = corpus.baselines("parcel-console", "4.15.5")
    assert f"{CONSOLE}.ax.json.gz" in baselines
    assert f"{CONSOLE}-reload.ax.json.gz" not in baselines
    assert len(corpus.files("parcel-console/4.15.5__portal.ax.json.gz").frames) == 1


def test_every_ask_holds_on_the_recorded_captures() -> None:
    tally = Evaluation(Corpus(CAPTURES)).run()
    shares = {
        rate: [hit for hits in apps.values() for hit in hits]
        for rate, apps in tally.shares().items()
    }
    assert not any(shares["reload_alarm_rate"])
    assert shares["reload_alarm_rate_of_two"] == [False] * 10
    assert shares["reload_alarm_rate_unseen"] == [False] * 3
    assert not any(shares["identical_alarm_rate"])
    assert all(shares["drift_detection_rate"])
    assert all(shares["screen_identification"])
    assert not any(shares["foreign_match_rate"])
    inconclusive = {miss.what for miss in tally.misses if miss.rate == "inconclusive_rate"}
    assert f"{CONSOLE}-loading.ax.json.gz" in inconclusive
    assert len(inconclusive) == sum(shares["inconclusive_rate"])


def test_misses_are_counted_with_their_reason(mislabelled: Path) -> None:
    tally = Evaluation(Corpus(mislabelled)).run()
    shares = tally.shares()
    assert shares["reload_alarm_rate"] == {"parcel-console": [False, True]}
    assert shares["data_alarm_rate"] == {"parcel-console": [True]}
    assert len(shares["data_alarm_rate_of_two"]["parcel-console"]) == 2
    assert shares["resize_alarm_rate"] == {"parcel-console": [False]}
    assert shares["drift_detection_rate"] == {"parcel-console": [False]}
    assert shares["undecided_pair_rate"]["parcel-console"].count(True) == 1
    assert shares["inconclusive_rate"]["broken"] == [True, False]
    assert shares["unreadable_rate"]["broken"] == [False, True]
    reasons = {(miss.rate, miss.what.rpartition(" ")[2]): miss.reason for miss in tally.misses}
    assert reasons["reload_alarm_rate", f"{OPERATION}.ax.json.gz"].startswith("drift ")
    assert reasons["drift_detection_rate", f"{CONSOLE}-again.ax.json.gz"].startswith("unchanged ")
    loading = reasons["undecided_pair_rate", f"{CONSOLE}-loading.ax.json.gz"]
    assert loading == "hardly anything is there but 'LOADING'"
    assert "UnknownFormat" in reasons["unreadable_rate", "other.json"]


def test_it_prints_a_json_object_a_line_and_fails_where_an_ask_does_not_hold(
    mislabelled: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.accuracy", mislabelled, CAPTURES, "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    rows = {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 1
    assert rows["reload_alarm_rate"] == {
        "name": "reload_alarm_rate",
        "value": 14.2857,
        "unit": "%",
        "ask": 5.0,
        "holds": False,
    }
    assert rows["inconclusive_rate/broken"]["value"] == 50.0
    assert "does not hold: drift_detection_rate" in done.stderr
    assert "reload_alarm_rate\tparcel-console\tbenign:reload" in done.stderr
