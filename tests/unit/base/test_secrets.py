"""Values that must not be printed, and the files that hold keys."""

from __future__ import annotations

import copy
import json
import os
import stat
import threading
from pathlib import Path

import msgspec
import pytest

from systemzero_base.secrets import Secret, load_or_create_secret, read_private, write_private
from systemzero_base.telemetry.logs import LogSettings, get_logger
from tests.support.logging import lines_in, logging_as

HIDDEN = "s0_live_hidden"


@pytest.mark.parametrize(
    "shown",
    [
        repr(Secret(HIDDEN)),
        str(Secret(HIDDEN)),
        f"{Secret(HIDDEN)}",
        f"{Secret(HIDDEN)!r:>40}",
        f"{Secret(HIDDEN):>40}",
        "%s" % Secret(HIDDEN),  # noqa: UP031 - one of the ways
        "{0}".format(Secret(HIDDEN)),  # noqa: UP030, UP032 - one of the ways
        repr([Secret(HIDDEN)]),
        repr({"key": Secret(HIDDEN)}),
        json.dumps({"key": Secret(HIDDEN)}, default=str),
        repr(ValueError(Secret(HIDDEN))),
    ],
)
def test_no_way_of_printing_shows_a_secret(shown: str) -> None:
    assert HIDDEN not in shown


def test_serialisers_refuse_a_secret() -> None:
    for serialise in (json.dumps, msgspec.json.encode):
        with pytest.raises(TypeError) as caught:
            serialise(Secret(HIDDEN))
        assert HIDDEN not in str(caught.value)
    assert not hasattr(Secret(HIDDEN), "__dict__")


def test_a_log_line_shows_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "log"
    with logging_as(LogSettings(output=str(file))):
        logger = get_logger("test")
        logger.info("key", value=Secret(HIDDEN), inside=[Secret(HIDDEN)])
        logger.error("failed", exc_info=ValueError(Secret(HIDDEN)))
    assert [line["event"] for line in lines_in(file)] == ["key", "failed"]
    assert HIDDEN not in file.read_text()


def test_a_secret_gives_its_value_to_who_asks() -> None:
    assert Secret(HIDDEN).reveal() == copy.copy(Secret(HIDDEN)).reveal() == HIDDEN


def test_a_key_file_is_private_whole_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.key"
    write_private(path, b"one")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    with pytest.raises(FileExistsError):
        write_private(path, b"two")
    assert read_private(path) == b"one"
    assert [file.name for file in path.parent.iterdir()] == ["a.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_key_file_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a.key"
    write_private(path, b"one")
    path.chmod(mode)
    for use in (read_private, load_or_create_secret):
        with pytest.raises(PermissionError, match="0600"):
            use(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")
def test_a_mounted_key_of_another_user_may_be_open_to_its_group_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    write_private(path, b"one")
    os.chown(path, 12_345, 12_345)
    path.chmod(0o440)
    assert read_private(path) == load_or_create_secret(path) == b"one"
    for mode in (0o444, 0o460):
        path.chmod(mode)
        with pytest.raises(PermissionError, match=f"mode 0{mode:o}"):
            read_private(path)


def test_a_key_is_made_once_whoever_comes_first(tmp_path: Path) -> None:
    path, found = tmp_path / "a.key", list[bytes]()
    start = threading.Barrier(8)

    def make() -> None:
        start.wait()
        found.append(load_or_create_secret(path))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(found[0]) == 32
    assert load_or_create_secret(path) == found[0]
    assert [file.name for file in tmp_path.iterdir()] == ["a.key"]


def test_two_keys_differ(tmp_path: Path) -> None:
    assert load_or_create_secret(tmp_path / "a") != load_or_create_secret(tmp_path / "b")
