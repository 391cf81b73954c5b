"""Settings that the standalone process can't heed are refused, by their names."""

from __future__ import annotations

import pytest

from systemzero_base.settings import config
from systemzero_base.settings.config import ConfigError
from systemzero_standalone.config import ENVIRONMENT_PREFIX, StandaloneSettings


def loaded(**environ: str) -> StandaloneSettings:
    given = {f"{ENVIRONMENT_PREFIX}{key}": value for key, value in environ.items()}
    return config.load(StandaloneSettings, None, given, ENVIRONMENT_PREFIX)


def test_workers_are_of_the_process_and_not_of_one_of_its_services() -> None:
    assert loaded(WORKERS="3").workers == 3
    for given, told in (
        ({"GATEWAY__WORKERS": "2"}, "gateway.workers: set workers"),
        ({"WORKERS": "0"}, "workers"),
        ({"CAPTURE__WORKERS": "2"}, "workers"),
    ):
        with pytest.raises(ConfigError, match=told):
            loaded(**given)
