"""The benchmark of what people are told, on the recorded captures."""

import pytest

from benchmarks._corpus import Corpus
from benchmarks._report import Report
from benchmarks.telling import emit, told
from tests.support.captures import CAPTURES


def test_a_third_of_the_lines_tell_it_all(capsys: pytest.CaptureFixture[str]) -> None:
    found = list(told(Corpus(CAPTURES)))
    report = Report()
    emit(report, found)
    assert found
    assert sum(one.lost for one in found) == 0
    assert report.failures == []
    assert '"lines_per_edit"' in capsys.readouterr().out
