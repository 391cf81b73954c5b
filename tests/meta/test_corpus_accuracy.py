"""The asks of accuracy hold on the corpus, the whole way. Skipped where the corpus is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks._corpus import Corpus
from benchmarks._report import Report
from benchmarks.accuracy.evaluation import Evaluation

REPOSITORY = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("SYSTEMZERO_TEST_CORPUS", REPOSITORY.parent / "shared" / "corpus"))


@pytest.mark.skipif(not (CORPUS / "PAIRS.tsv").exists(), reason="the corpus is not here")
def test_every_ask_holds(capsys: pytest.CaptureFixture[str]) -> None:
    tally = Evaluation(Corpus(CORPUS)).run()
    report = Report()
    tally.emit(report)
    assert report.failures == [], [miss for miss in tally.misses if miss.rate in report.failures]
    assert '"screen_identification"' in capsys.readouterr().out
