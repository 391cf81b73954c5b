"""Settings: from a file, then the environment; wrong ones are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from systemzero_base.settings.config import ConfigError, Count, LogLevel, Seconds, Settings, load
from systemzero_capture.config import CaptureSettings
from systemzero_diff.config import DiffSettings
from systemzero_gateway.config import GatewaySettings
from systemzero_standalone.config import StandaloneSettings


class Section(Settings, frozen=True, kw_only=True):
    burst: Count = 40
    names: tuple[str, ...] = ()


class Example(Settings, frozen=True, kw_only=True):
    listen: str = "127.0.0.1:1"
    data: Path = Path("data")
    log_level: LogLevel = "info"
    grace: Seconds = 10.0
    limits: Section = Section()


def load_(tmp_path: Path, file: Any = None, **environ: str) -> Example:
    path = None
    if file is not None:
        path = tmp_path / "config.yaml"
        path.write_text(file if isinstance(file, str) else yaml.safe_dump(file))
    return load(Example, path, environ, "SZ_X_")


def test_nothing_set_gives_the_defaults(tmp_path: Path) -> None:
    assert load_(tmp_path) == Example()
    assert load_(tmp_path, "") == Example()


def test_the_file_is_overridden_by_the_environment_key_by_key(tmp_path: Path) -> None:
    file = {"grace": 3, "data": "/srv/x", "limits": {"burst": 5, "names": ["a"]}}
    loaded = load_(tmp_path, file, SZ_X_GRACE="4.5", SZ_X_LIMITS__BURST="7")
    assert loaded == Example(grace=4.5, data=Path("/srv/x"), limits=Section(burst=7, names=("a",)))


def test_lists_and_sections_may_be_given_as_yaml(tmp_path: Path) -> None:
    loaded = load_(tmp_path, SZ_X_LIMITS='{"burst": 3, "names": ["a", "b"]}')
    assert loaded.limits == Section(burst=3, names=("a", "b"))
    assert load_(tmp_path, SZ_X_LIMITS__NAMES="[c]").limits.names == ("c",)


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ({"lissen": "x"}, "lissen: no such setting; did you mean listen?"),
        ({"limits": {"burts": 1}}, "limits.burts: no such setting; did you mean burst?"),
        ({"limits": {"": 1}}, "limits.: no such setting; there are burst, names"),
    ],
)
def test_an_unknown_setting_is_told_whole_with_what_was_perhaps_meant(
    tmp_path: Path, file: Any, told: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        load_(tmp_path, file)
    assert str(refused.value) == f"configuration: {told}"


def test_sections_that_may_be_absent_know_their_settings_too(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("tls: {certificat: x}\n")
    with pytest.raises(ConfigError, match=r"tls\.certificat: no such setting; did you mean cert"):
        load(GatewaySettings, path, {}, "SZ_GATEWAY_")


def test_other_programs_keys_are_left_alone(tmp_path: Path) -> None:
    assert load_(tmp_path, GRACE="y", SYSTEMZERO_SERVER="z", SZ_PROBE="a:1") == Example()


def test_a_variable_with_another_prefix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"SZ_Y_GRACE: is not heeded here.*SZ_X_$"):
        load_(tmp_path, SZ_Y_GRACE="x")


def test_a_section_taken_for_a_prefix_is_refused_with_its_right_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"SZ_LIMITS_BURST: .*: SZ_X_LIMITS__BURST perhaps$"):
        load_(tmp_path, SZ_LIMITS_BURST="7")


def test_tls_with_the_wrong_prefix_does_not_serve_in_the_clear() -> None:
    given = {"SZ_GATEWAY_TLS__CERTIFICATE": "/a", "SZ_GATEWAY_TLS__KEY": "/b"}
    with pytest.raises(ConfigError, match="SZ_STANDALONE_GATEWAY__TLS__CERTIFICATE perhaps"):
        load(StandaloneSettings, None, given, "SZ_STANDALONE_")


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("GATEWAY__LISTEN", "0.0.0.0:1", "set listen, which holds for all"),
        ("CAPTURE__ENCRYPTION__KEK_FILE", "/kek", "set encryption, which holds for all"),
        ("DIFF__DATABASE__URL", "postgresql://a@b/c", "set database, which holds for all"),
        ("CAPTURE__TLS", "{certificate: /a, key: /b}", "has no meaning where all"),
        ("GATEWAY__BACKENDS", "{capture: 'a:1'}", "has no meaning where all"),
        ("GATEWAY__WORKERS", "2", "set workers, which holds for all"),
    ],
)
def test_what_standalone_would_not_heed_in_a_section_is_refused(
    key: str, value: str, told: str
) -> None:
    with pytest.raises(ConfigError, match=told) as raised:
        load(StandaloneSettings, None, {f"SZ_STANDALONE_{key}": value}, "SZ_STANDALONE_")
    section, name = key.split("__")[:2]
    assert f"{section}.{name}".lower() in str(raised.value)


@pytest.mark.parametrize(
    ("file", "environ", "named"),
    [
        ({"graze": 1}, {}, "graze"),
        ({"limits": {"brust": 1}}, {}, "brust"),
        (None, {"SZ_X_GRAZE": "1"}, "graze"),
        (None, {"SZ_X_LIMITS__BRUST": "1"}, "brust"),
        (None, {"SZ_X_LIMITS__": "1"}, "limits"),
        ({"grace": "soon"}, {}, "grace"),
        ({"grace": -1}, {}, "grace"),
        ({"limits": {"burst": 0}}, {}, "limits.burst"),
        ({"log_level": "loud"}, {}, "log_level"),
        ({"data": 5}, {}, "data"),
        ({"data": ["x"]}, {}, "data"),
        (None, {"SZ_X_LIMITS__BURST": "many"}, "limits.burst"),
        (None, {"SZ_X_LIMITS__BURST": ""}, "limits.burst"),
        (None, {"SZ_X_LIMITS": "[unclosed"}, "SZ_X_LIMITS"),
        ({"limits": 5}, {"SZ_X_LIMITS__BURST": "1"}, "SZ_X_LIMITS__BURST"),
        (["a"], {}, "config.yaml"),
        ("a: [", {}, "config.yaml"),
        ("\x00", {}, "config.yaml"),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, file: Any, environ: dict[str, str], named: str
) -> None:
    with pytest.raises(ConfigError, match=named.replace(".", r"\.")):
        load_(tmp_path, file, **environ)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        load(Example, tmp_path / "nowhere", {}, "SZ_X_")
    with pytest.raises(ConfigError, match=tmp_path.name):
        load(Example, tmp_path, {}, "SZ_X_")


@pytest.mark.parametrize("cls", [CaptureSettings, DiffSettings, StandaloneSettings])
def test_the_services_settings_load(cls: type[Settings]) -> None:
    assert load(cls, None, {}, "SZ_") == cls()
    with pytest.raises(ConfigError, match="log_level"):
        load(cls, None, {"SZ_LOG_LEVEL": "loud"}, "SZ_")


def test_a_window_or_an_interval_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="stream_window"):
        load(CaptureSettings, None, {"SZ_STREAM_WINDOW": "0"}, "SZ_")
    with pytest.raises(ConfigError, match="checkpoint_interval"):
        load(DiffSettings, None, {"SZ_CHECKPOINT_INTERVAL": "0"}, "SZ_")


@pytest.mark.parametrize("value", ["abc", "127.0.0.1", "", "127.0.0.1:99999", ":1", "a:-1", "a: 1"])
@pytest.mark.parametrize(
    ("cls", "key"),
    [
        (cls, key)
        for cls in (CaptureSettings, DiffSettings, GatewaySettings, StandaloneSettings)
        for key in ("listen", "health", "ops.listen", "ops.channelz")
        if not (cls is StandaloneSettings and key.startswith("ops."))
    ],
)
def test_an_address_is_a_host_and_a_port(cls: type[Settings], key: str, value: str) -> None:
    given = {f"SZ_{key.upper().replace('.', '__')}": value}
    if value == "" and key != "listen":  # nowhere
        load(cls, None, given, "SZ_")
        return
    with pytest.raises(ConfigError, match=rf"{key}\b.*host:port") as raised:
        load(cls, None, given, "SZ_")
    assert "0 to 65535" in str(raised.value)


def test_addresses_of_both_families_and_of_names_are_taken() -> None:
    for value in ("0.0.0.0:0", "[::]:65535", "localhost:50051"):
        assert load(DiffSettings, None, {"SZ_LISTEN": value}, "SZ_").listen == value
