"""Rules, alerts, dashboards and the runbook: they agree with each other and with what there is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from scripts.observability.dashboards import dashboards
from scripts.observability.metrics import declared, process_metrics
from scripts.observability.table import written
from tests.support.prometheus import FOLDER, ROOT, RULES, promtool

TESTS = sorted((FOLDER / "tests").glob("*.test.yml"))
OTHERS = {"up", "ALERTS", "rpc_method", "rpc_response_status_code"}
"""What Prometheus makes itself, and labels."""
NAME = re.compile(r"\b(?:systemzero[_:]|rpc_|process_|python_)[\w:]+|\bup\b|\bALERTS\b")


def rules(kind: str) -> dict[str, Any]:
    """The rules of a kind, `record` or `alert`, by name."""
    groups = [group for path in RULES for group in yaml.safe_load(path.read_text())["groups"]]
    return {rule[kind]: rule for group in groups for rule in group["rules"] if kind in rule}


def expressions() -> Iterator[str]:
    for kind in ("record", "alert"):
        yield from (rule["expr"] for rule in rules(kind).values())
    for text in dashboards().values():
        for panel in json.loads(text)["panels"]:
            yield from (target["expr"] for target in panel.get("targets", ()))


def test_no_rule_and_no_dashboard_asks_for_what_there_is_not() -> None:
    metrics = [*declared(), *process_metrics()]
    known = {series for metric in metrics for series in metric.series} | OTHERS
    known |= rules("record").keys()
    asked = {name for expression in expressions() for name in NAME.findall(expression)}
    # a metric's name is also the first part of a record's: only whole names count
    assert {name for name in asked if name not in known} == set()
    assert len(asked) > 40


def test_every_record_is_of_use() -> None:
    asked = {name for expression in expressions() for name in NAME.findall(expression)}
    windows = {name for name in rules("record") if re.search("ratio_rate(2h|30m|1d)$", name)}
    assert rules("record").keys() - asked - windows == set()
    assert windows <= {
        name for rule in rules("alert").values() for name in NAME.findall(rule["expr"])
    }


def test_labels_are_bounded() -> None:
    labels = {label for metric in declared() for label in metric.labels}
    assert not labels & {
        "tenant",
        "principal",
        "screen",
        "app",
        "session",
        "key",
        "address",
        "method",
    }


@pytest.mark.parametrize("name", dashboards())
def test_the_dashboards_are_those_of_the_code(name: str) -> None:
    committed = FOLDER / "dashboards" / f"{name}.json"
    assert committed.read_text() == dashboards()[name], "run `make observability`"


def test_the_list_of_metrics_is_that_of_the_code() -> None:
    document = (ROOT / "docs" / "metrics.md").read_text()
    assert document == written(document), "run `make observability`"


def test_every_alert_has_its_entry_in_the_runbook_and_no_entry_is_left_over() -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    entries = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", runbook, re.MULTILINE | re.DOTALL))
    assert entries.keys() == rules("alert").keys()
    for name, rule in rules("alert").items():
        severity = rule["labels"]["severity"]
        assert f"**Means** ({severity})" in entries[name]
        for part in ("**Check**", "**Cure**"):
            assert part.lower() in entries[name].lower(), (name, part)
        assert rule["annotations"]["runbook_url"] == f"docs/runbook.md#{name.lower()}"


def test_what_the_runbook_names_exists() -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    known = {
        s for metric in (*declared(), *process_metrics()) for s in (metric.name, *metric.series)
    }
    known |= rules("record").keys()
    assert set(re.findall(r"`((?:systemzero[_:]|rpc_|process_)[\w:]+)", runbook)) - known == set()
    anchors = {title.lower() for title in re.findall(r"^##+ (\w+)", runbook, re.MULTILINE)}
    assert set(re.findall(r"\(#([\w-]+)\)", runbook)) <= anchors


def test_every_alert_is_tested_to_fire_and_to_be_quiet() -> None:
    fire, quiet = set[str](), set[str]()
    for path in TESTS:
        for case in yaml.safe_load(path.read_text())["tests"]:
            for check in case["alert_rule_test"]:
                (fire if check["exp_alerts"] else quiet).add(check["alertname"])
    assert fire == rules("alert").keys()
    # each of the others has, where it fires, healthy series beside the sick one
    assert quiet <= rules("alert").keys()
    assert len(quiet) > 15


def test_the_rules_are_rules() -> None:
    promtool("check", "rules", *RULES)
    promtool("check", "config", FOLDER / "prometheus.yml")


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_the_alerts_do_what_their_tests_say(path: Any) -> None:
    promtool("test", "rules", path)
