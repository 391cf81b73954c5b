"""One labelled corpus, judged: every capture and every pair of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from benchmarks._corpus import Corpus, Pair
from benchmarks._report import progress
from benchmarks.accuracy.rates import is_event, rate_of_two, rates_of, reason
from benchmarks.accuracy.reading import read
from benchmarks.accuracy.tally import Tally
from systemzero_core.diff import diff
from systemzero_core.drift import Judgement, Severity, Verdict, judge
from systemzero_core.match import Entry, TemplateIndex, match
from systemzero_core.template import Template, learn
from systemzero_core.tree import Tree


class Evaluation:
    """One run over one corpus; remembers what it has read."""

    def __init__(self, corpus: Corpus, tally: Tally | None = None) -> None:
        """`tally` is what others have counted before, if they have."""
        self.corpus = corpus
        self.tally = Tally() if tally is None else tally
        self.read = cache(lambda path: read(corpus.files(path)))
        self.template = cache(self._template)
        self.entry = cache(self._entry)

    def run(self) -> Tally:
        """Count everything."""
        for path in self.corpus.captures:
            self._completeness(path)
        progress(f"{len(self.corpus.captures)} captures read")
        for pair in self.corpus.pairs:
            self._pair(pair)
        progress(f"{len(self.corpus.pairs)} pairs judged")
        for pair in self.corpus.pairs:
            if rate := rate_of_two(pair):
                self._reloads(rate, [pair.a, pair.b], (pair.a, pair.b))
        for paths in self.corpus.reloads:
            for path in paths if len(paths) > 2 else ():
                others = [other for other in paths if other != path]
                self._reloads("reload_alarm_rate_unseen", others, (path,))
        for app, versions in self.corpus.releases.items():
            for number in range(1, len(versions)):
                for earlier in range(number):
                    self._identification(app, number, earlier)
        return self.tally

    def _template(self, path: str) -> Template | None:
        return self._learnt([path])

    def _learnt(self, paths: Sequence[str]) -> Template | None:
        """The template that good captures of one screen teach, the last of them its baseline."""
        readings, path = [self.read(path) for path in paths], paths[-1]
        if any(reading.held_back for reading in readings):
            return None
        learned = learn([reading.tree for reading in readings])
        return Template(
            template_id=path,
            screen_id=self.corpus.screen(path),
            app=self.corpus.captures[path].app,
            tree=learned.tree,
            full_signature=readings[-1].signature,
            required_nodes=learned.required_nodes,
            policy=learned.policy,
        )

    def _entry(self, path: str) -> Entry | None:
        template = self.template(path)
        return None if template is None else Entry.of(template)

    def _index(self, paths: list[str]) -> TemplateIndex:
        index = TemplateIndex()
        index.update_entries(entry for path in paths if (entry := self.entry(path)) is not None)
        return index

    def _completeness(self, path: str) -> None:
        app, reading = self.corpus.captures[path].app, self.read(path)
        why = reading.held_back
        for rate, hit in (
            ("inconclusive_rate", bool(reading.inconclusive)),
            ("unreadable_rate", bool(reading.unreadable)),
        ):
            self.tally.count(rate, app, hit, wanted=False, what=path, why=why)

    def _pair(self, pair: Pair) -> None:
        rates = list(rates_of(pair))
        if not rates:
            return
        what = f"{pair.kind} {pair.a} {pair.b}"
        readings = (self.read(pair.a), self.read(pair.b))
        held_back = "; ".join(r.held_back for r in readings if r.held_back)
        self.tally.count(
            "undecided_pair_rate", pair.app, bool(held_back), wanted=False, what=what, why=held_back
        )
        if held_back:
            return
        template = self.template(pair.a)
        assert template is not None  # it was read
        judgement = self._check(template, pair.b)
        for rate, hit in (
            ("alarm_rate", is_event(judgement, Severity.WARNING)),
            ("event_rate", is_event(judgement, Severity.INFO)),
            ("detection_rate", judgement.verdict is Verdict.DRIFT),
        ):
            for name in rates:
                if name.endswith(rate):
                    wanted, why = rate == "detection_rate", reason(judgement)
                    self.tally.count(name, pair.app, hit, wanted=wanted, what=what, why=why)

    def _reloads(self, rate: str, good: Sequence[str], checked: Sequence[str]) -> None:
        """Check reloads of a screen by what good captures of it taught."""
        template = self._learnt(good)
        for path in checked:
            if template is not None and not self.read(path).held_back:
                judgement = self._check(template, path)
                self.tally.count(
                    rate,
                    template.app,
                    is_event(judgement, Severity.WARNING),
                    wanted=False,
                    what=f"{path} by {' and '.join(good)}",
                    why=reason(judgement),
                )

    def _check(self, own: Template, path: str) -> Judgement:
        """The verdict on a capture where `own` is the template of its screen."""
        reading = self.read(path)
        first = self.corpus.captures[own.template_id]
        others = [
            other
            for other in self.corpus.baselines(first.app, first.version)
            if self.corpus.screen(other) != own.screen_id
        ]
        index = self._index(others)
        index.add(own)
        tokens = index.tokens_of(reading.tree)
        answer = match(index, tokens, full_signature=reading.signature, hint=own.screen_id)
        if answer.chosen is None:
            return Judgement(Verdict.UNKNOWN_SCREEN, reasons=(answer.explanation,))
        chosen = answer.chosen.template_id
        template = own if chosen == own.template_id else self.template(chosen)
        assert template is not None  # it is in the index
        assert template.tree is not None
        return judge(template, reading.tree, diff(template.tree, reading.tree))

    def _identification(self, app: str, number: int, earlier: int) -> None:
        """Captures of the release `number` of `app` against every app's release `earlier`."""
        versions = {
            other: them[min(earlier, len(them) - 1)] for other, them in self.corpus.releases.items()
        }
        paths = [
            path
            for capture in {c.app: c for c in self.corpus.captures.values() if c.version}.values()
            for path in self.corpus.baselines(
                capture.app, versions.get(capture.app, capture.version)
            )
        ]
        index = self._index(paths)
        screens = {entry.screen_id for entry in index}
        version = self.corpus.releases[app][number]
        for path, capture in self.corpus.captures.items():
            here = (capture.app, capture.version) == (app, version)
            if here and self.corpus.screen(path) in screens:
                self._identify(path, index, versions[app])

    def _identify(self, path: str, index: TemplateIndex, earlier: str) -> None:
        reading, screen = self.read(path), self.corpus.screen(path)
        if reading.held_back:
            return
        app = self.corpus.captures[path].app
        answer = match(index, index.tokens_of(reading.tree), k=len(index))
        scores = {r.screen_id: r.score for r in reversed(answer.results)}
        first = answer.results[0].screen_id if answer.results else "nothing"
        recognised = answer.chosen is not None and answer.chosen.screen_id == screen
        what = f"{path} by templates of {earlier}"
        why = f"{scores.get(screen, 0.0):.3f}, but {first} {scores.get(first, 0.0):.3f}"
        unsure = f"scores {scores.get(screen, 0.0):.3f}" if first == screen else why
        count = self.tally.count
        count("screen_identification", app, first == screen, wanted=True, what=what, why=why)
        count("recognised_rate", app, recognised, wanted=True, what=what, why=unsure)
        for rate, left in (
            ("neighbour_match_rate", lambda e: e.screen_id != screen and _is_of(e, app)),
            ("foreign_match_rate", lambda e: not _is_of(e, app)),
        ):
            others = TemplateIndex()
            others.update_entries(filter(left, index))
            chosen = match(others, index.tokens_of(reading.tree)).chosen
            said = f"taken for {chosen.screen_id} at {chosen.score:.3f}" if chosen else ""
            count(rate, app, chosen is not None, wanted=False, what=what, why=said)
            if rate == "neighbour_match_rate":
                over = "" if chosen is None else self._told_apart(chosen.template_id, reading.tree)
                count("neighbour_overlay_rate", app, bool(over), wanted=True, what=what, why=said)

    def _told_apart(self, template_id: str, tree: Tree) -> str:
        """What came over the screen of a template, in words."""
        template = self.template(template_id)
        assert template is not None  # it is in the index
        assert template.tree is not None
        found = judge(template, tree, diff(template.tree, tree))
        return " and ".join(overlay.sentence for overlay in found.overlays)


def _is_of(entry: Entry, app: str) -> bool:
    return entry.screen_id.startswith(f"{app}/")
