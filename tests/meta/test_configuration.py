"""The configuration reference is the settings classes', and says what each setting is."""

from __future__ import annotations

import pytest

from scripts import configuration
from systemzero_base.settings.config import load
from systemzero_standalone.config import UNHEEDED


def test_the_page_is_what_the_classes_say() -> None:
    assert configuration.PAGE.read_text() == configuration.page(), "run `make configuration`"


@pytest.mark.parametrize("service", configuration.SERVICES)
def test_every_setting_is_described_and_can_be_set_under_its_name(service: str) -> None:
    kind, prefix = configuration.SERVICES[service]
    found = list(configuration.rows(kind))
    assert len(found) > 10
    assert [row.key for row in found if not row.meaning] == []
    for row in found:
        section, _, name = row.key.partition(".")
        if service == "standalone" and name.split(".")[0] in UNHEEDED.get(section, ()):
            continue
        if row.type == "integer, at least 1":
            name = prefix + row.key.upper().replace(".", "__")
            value: object = load(kind, None, {name: "1"}, prefix)
            for part in row.key.split("."):
                value = getattr(value, part)
            assert value == 1
