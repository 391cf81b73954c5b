"""The verdict on a tree: at once where that is small work, else in a lane.

What is small is not only the document: a small one may be judged by a large template with many
rules. Which template it is, the index in this process says.
"""

from __future__ import annotations

import pickle  # nosec B403 - to own processes alone
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from systemzero_base.lanes.dispatch import MEMORY_FACTOR, Lanes
from systemzero_base.telemetry.stages import SMALL_BYTES
from systemzero_core.drift import Detector
from systemzero_core.errors import TooLarge
from systemzero_core.formats import own
from systemzero_core.match import MatchAnswer, Tokens, identify
from systemzero_diff import metrics
from systemzero_diff.codec import verdicts
from systemzero_diff.model import Judged, Subject
from systemzero_diff.templates.sets import TemplateSet
from systemzero_diff.verdicts.searching import Searcher
from systemzero_diff.work.baselines import Baseline
from systemzero_diff.work.judging import (
    TEMPLATE,
    WHICH,
    MatchedTemplate,
    is_small,
    judge_document,
    judged_by,
)
from systemzero_diff.work.packed import Packed


class Judging:
    """Judges trees of all tenants."""

    def __init__(
        self,
        lanes: Lanes,
        searcher: Searcher,
        detectors: Sequence[Detector],
        clock: Callable[[], int],
    ) -> None:
        self._lanes = lanes
        self._searcher = searcher
        self._detectors = detectors
        self._clock = clock

    async def judged(self, tenant: str, templates: TemplateSet, subject: Subject) -> Judged:
        """The verdict.

        Raises:
            TooManyInFlight, Unavailable: see `Lanes.run`.
            TooLarge: it takes more time or memory than a judgement may.
        """
        case = _Case(tenant, templates, subject, self._clock())
        if len(subject.document) >= SMALL_BYTES:
            return await self._in_lane(case)
        tree = own.decode(subject.document)
        with metrics.MATCH.time():
            answer, baseline = templates.matched(lambda: case.find(templates.index.tokens_of(tree)))
        metrics.matched(answer)
        if baseline is None:
            return _unknown(answer)
        case.fits(answer, baseline)
        if baseline.size >= SMALL_BYTES or not is_small(baseline.template, tree):
            return await self._in_lane(case)
        with metrics.JUDGE.time():
            return judged_by(baseline, tree, subject.signatures, case.fit(), self._detectors)

    async def _in_lane(self, case: _Case) -> Judged:
        fit, document = case.known_fit(), case.subject.document
        layout, signatures = case.templates.index.weights.layout > 0, case.subject.signatures

        async def answer(question: bytes) -> bytes:
            if question == TEMPLATE:
                return pickle.dumps(tuple(Packed.of(case.baseline().template)))
            return await self._which(case, question.removeprefix(WHICH))

        memory = MEMORY_FACTOR * max(len(document), SMALL_BYTES)
        try:
            done = await self._lanes.run(
                *(case.tenant, judge_document, document, tuple(signatures), fit, layout),
                memory=memory,
                answer=answer,
            )
        except TooLarge as error:
            if "actual" not in error.metadata:
                raise
            return verdicts.undecidable((error.message,))
        for name, seconds in done.stages:
            {"match": metrics.MATCH, "judge": metrics.JUDGE}[name].took(seconds)
        if not done.result:
            return _unknown(case.answer())
        return _decode(done.result)

    async def _which(self, case: _Case, things: bytes) -> bytes:
        """The template of a tree with such things, for the lane; nothing where there is none."""
        baseline: Baseline | None = None

        def find(tokens: Tokens) -> MatchAnswer:
            nonlocal baseline
            answer, baseline = case.templates.matched(lambda: case.find(tokens))
            return answer

        answer = await self._searcher.search(things, find)
        metrics.matched(answer)
        case.fits(answer, baseline)
        return b"" if baseline is None else pickle.dumps(tuple(case.fit()))


class _Case:
    """A subject, and the template that was found for it."""

    def __init__(self, tenant: str, templates: TemplateSet, subject: Subject, now: int) -> None:
        self.tenant = tenant
        self.templates = templates
        self.subject = subject
        self._now = now
        self._answer: MatchAnswer | None = None
        self._baseline: Baseline | None = None

    def find(self, tokens: Tokens) -> MatchAnswer:
        """Look for the template."""
        return identify(
            self.templates.index,
            tokens,
            full_signature=self.subject.signatures.full.hex(),
            hint=self.subject.screen_hint,
            thresholds=self.templates.thresholds,
        )

    def fits(self, answer: MatchAnswer, baseline: Baseline | None) -> None:
        """The template was looked for, and this is it."""
        self._answer, self._baseline = answer, baseline

    def answer(self) -> MatchAnswer:
        """What the search said."""
        assert self._answer is not None  # noqa: S101 - see `fits`
        return self._answer

    def baseline(self) -> Baseline:
        """The template's."""
        assert self._baseline is not None  # noqa: S101 - see `fits`
        return self._baseline

    def known_fit(self) -> MatchedTemplate | None:
        """As `fit`; None where the template was not looked for yet."""
        return None if self._answer is None else self.fit()

    def fit(self) -> MatchedTemplate:
        """What the verdict rests on besides the tree."""
        answer = self.answer()
        chosen = answer.chosen
        assert chosen is not None  # noqa: S101 - there is a baseline
        key = f"{self.tenant}\n{chosen.template_id}\n{chosen.version}"
        return MatchedTemplate(
            key.encode(),
            verdicts.match_bytes(chosen),
            _explained(answer),
            self.templates.decisions.on(chosen.screen_id),
            self._now,
            self.subject.app,
        )


def _unknown(answer: MatchAnswer) -> Judged:
    best = answer.results[0] if answer.results else None
    return verdicts.unknown_screen(_explained(answer), best)


def _explained(answer: MatchAnswer) -> str:
    if not answer.hint_rejected:
        return answer.explanation
    return f"{answer.explanation}; the hint was not followed: {answer.hint_rejected}"


_decode: Final = msgspec.msgpack.Decoder(Judged).decode
