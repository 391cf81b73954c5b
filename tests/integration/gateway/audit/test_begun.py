"""Acts that a killed gateway left, where the disk is full or the file is not whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from systemzero_core.errors import FailedPrecondition
from systemzero_gateway.audit.act import Act, Decided
from systemzero_gateway.audit.begun import NAME, Begun
from systemzero_gateway.places import ENDED
from systemzero_gateway.store import Endings
from tests.support.full_disk import largest_file

SLOT = 1_024
MANY = 300
"""So many that the file is larger than whatever else this process writes meanwhile."""


def begin(begun: Begun, number: int) -> int:
    act = Act("acme", f"key_{number}", "/a.Service/Do", "192.0.2.0/24", Decided.ALLOWED, "")
    return begun.note(act, "192.0.2.1", "", f"r{number}", number)


def left(begun: Begun) -> list[str]:
    return sorted(entry.act.principal for entry in begun.left)


def test_a_start_on_a_full_disk_loses_no_act_that_was_begun(tmp_path: Path) -> None:
    killed = Begun(tmp_path)
    for number in range(MANY):
        begin(killed, number)
    killed.close()
    with largest_file(MANY * SLOT // 2):
        full = Begun(tmp_path)
        assert len(full.left) == MANY
        full.close()
    again = Begun(tmp_path)
    assert len(again.left) == MANY
    for entry in again.left:
        again.forget(entry.slot)
    again.close()
    assert Begun(tmp_path).left == []


def test_what_others_left_is_taken_over_and_what_is_not_noted_stays_theirs(tmp_path: Path) -> None:
    others = [Begun(tmp_path), Begun(tmp_path)]
    for number in range(MANY):
        begin(others[0], number)
    begin(others[1], MANY)
    for other in others:
        other.close()
    with largest_file(MANY * SLOT + 8), pytest.raises(FailedPrecondition, match="No space"):
        Begun(tmp_path)
    taken = Begun(tmp_path)
    assert len(left(taken)) == MANY + 1
    taken.close()
    assert len(left(Begun(tmp_path))) == MANY + 1


def test_an_act_that_is_not_noted_whole_is_none_and_its_place_is_used_again(tmp_path: Path) -> None:
    begun = Begun(tmp_path)
    for number in range(MANY):
        begin(begun, number)
    with largest_file(MANY * SLOT + 40), pytest.raises(OSError, match="No space"):
        begin(begun, MANY)
    assert begin(begun, MANY + 1) == MANY
    begun.close()
    again = Begun(tmp_path)
    assert f"key_{MANY}" not in left(again)
    assert len(again.left) == MANY + 1


def test_a_file_that_was_cut_off_holds_up_no_start_and_keeps_what_can_be_read(
    tmp_path: Path,
) -> None:
    killed = Begun(tmp_path)
    for number in range(3):
        begin(killed, number)
    killed.close()
    file = tmp_path / f"{NAME}-0"
    file.write_bytes(file.read_bytes()[: 2 * SLOT + 20])
    assert left(Begun(tmp_path)) == ["key_0", "key_1"]


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="no folder that root can't write")
def test_in_a_folder_that_is_given_to_be_read_acts_and_ends_are_kept_in_memory() -> None:
    """As keys that are mounted into a pod."""
    folder = Path("/sys/kernel")
    begun, endings = Begun(folder), Endings(b"pepper", folder / ENDED)
    begun.forget(begin(begun, 1))
    begun.close()
    endings.note("api_keys", b"key", 5)
    assert not endings.allows("api_keys", b"key", None)
