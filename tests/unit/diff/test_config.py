"""Settings of the diff service."""

from __future__ import annotations

from pathlib import Path

import pytest

from systemzero_base.settings.config import ConfigError, load
from systemzero_core.match import DEFAULT_THRESHOLDS, DEFAULT_WEIGHTS, Thresholds, Weights
from systemzero_diff.config import ENVIRONMENT_PREFIX, DiffSettings


def settings(document: str = "", **environment: str) -> DiffSettings:
    file = None
    if document:
        file = Path("diff.yaml")
        file.write_text(document, encoding="utf-8")
    environ = {f"{ENVIRONMENT_PREFIX}{key}": value for key, value in environment.items()}
    return load(DiffSettings, file, environ, ENVIRONMENT_PREFIX)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_defaults_are_the_measured_ones() -> None:
    assert settings().match.of("anybody") == (DEFAULT_WEIGHTS, DEFAULT_THRESHOLDS)


def test_weights_and_thresholds_come_from_the_environment() -> None:
    found = settings(MATCH__WEIGHTS__NAMES="60", MATCH__THRESHOLDS__MATCH="0.5").match
    assert found.of("anybody") == (Weights(names=60.0), Thresholds(match=0.5))


def test_a_tenant_has_settings_of_its_own() -> None:
    found = settings(
        """
        match:
          weights: {names: 60}
          thresholds: {match: 0.5}
          tenants:
            acme: {weights: {layout: 10}}
        """
    ).match
    assert found.of("anybody") == (Weights(names=60.0), Thresholds(match=0.5))
    assert found.of("acme") == (Weights(layout=10.0), Thresholds(match=0.5))


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"MATCH__WEIGHTS__NAMES": "-1"}, "weights.names"),
        ({"MATCH__WEIGHTS__NAMES": "nan"}, "weights.names"),
        ({"MATCH__WEIGHTS__NAMES": "many"}, "match.weights.names"),
        ({"MATCH__WEIGHTS__COLOURS": "1"}, "colours"),
        ({"MATCH__THRESHOLDS__HINTED": "0.9"}, "thresholds.hinted"),
        ({"MATCH__THRESHOLDS__MATCH": "1.5"}, "thresholds.match"),
        ({"MATCH__TENANTS__ACME__WEIGHTS__ROLES": "-1"}, "weights.roles"),
        ({"MATCH__WEIGHTS": str(dict.fromkeys(Weights().__struct_fields__, 0))}, "above 0"),
    ],
)
def test_settings_that_can_not_work_are_refused_by_name(
    environment: dict[str, str], named: str
) -> None:
    with pytest.raises(ConfigError, match=named):
        settings(**environment)


def test_witnesses_come_from_a_file_or_the_environment() -> None:
    text = '[{"url": "https://witness.example", "key": "w+00000000+AAAA"}]'
    found = settings(f"witnesses: {text}").witnesses
    assert found == settings(WITNESSES=text).witnesses
    assert [witness.url for witness in found] == ["https://witness.example"]
    with pytest.raises(ConfigError, match="witnesses"):
        settings('witnesses: [{"url": "https://witness.example"}]')
