"""How often the answer is right, on a labelled corpus: `python -m benchmarks.accuracy DIR --json`.

Without DIR, the corpus is the recorded captures of tests/data. `benchmarks._corpus` says how one is
laid out.

Every capture goes the whole way: parsed, judged complete or not, normalised, signed, matched,
diffed, judged. For a pair, the template is learnt from the first capture alone and stands among
templates of every screen of its release; the second capture is checked with the screen as hint, as
a client that knows where it is would send it. Screens are identified without a hint.

Rows, each for the whole corpus and as `NAME/APP`, in percent:

- `reload_alarm_rate`: of `benign:reload` pairs, those with an event of severity warning or worse.
- `reload_alarm_rate_of_two`: the same, learnt from both captures of the pair and checked with each.
- `reload_alarm_rate_unseen`: of screens with three and more reloads of one release, each checked by
  what the others (two or more) taught.
- `identical_alarm_rate`: the same of all pairs whose role and name sequences are identical.
- `drift_detection_rate`: of `version-drift` pairs with a differing role and name entry, those
  whose verdict is DRIFT.
- `screen_identification`: of each capture of a release against the templates of every screen of
  every app, its own app's at each earlier release in turn, the share whose right screen ranks
  first.
- `inconclusive_rate`: of all captures, those judged INCONCLUSIVE.

An INCONCLUSIVE capture gets no other verdict, so neither it nor a pair with it counts in the other
rows; `undecided_pair_rate` is the share of such pairs.

Rows beside those say more and are asked nothing of: `reload_event_rate` and `identical_event_rate`
(an event of any severity), `unreadable_rate` (a typed error), `recognised_rate` (the right screen
first and taken for it), `neighbour_match_rate` (the screen's own template taken out: another
screen of the app is taken for it) and `foreign_match_rate` (all of its app's taken out).
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from benchmarks._corpus import Corpus, Pair
from benchmarks._report import Report, progress
from systemzero_core.completeness import assess
from systemzero_core.diff import diff
from systemzero_core.drift import Judgement, Severity, Verdict, judge
from systemzero_core.errors import DomainError, TruncatedInput
from systemzero_core.formats import parse
from systemzero_core.match import Entry, TemplateIndex, match
from systemzero_core.normalize import normalize
from systemzero_core.signature import sign
from systemzero_core.template import Template, learn
from systemzero_core.tree import Tree
from tests.support.captures import CAPTURES

_MAX_BYTES = 100_000_000
_SHOWN_EDITS = 3
_RELOAD = "benign:reload"
_ASKS = {
    "reload_alarm_rate": (5.0, "at most"),
    "reload_alarm_rate_of_two": (1.0, "at most"),
    "reload_alarm_rate_unseen": (1.0, "at most"),
    "identical_alarm_rate": (0.0, "at most"),
    "drift_detection_rate": (100.0, "at least"),
    "screen_identification": (97.0, "at least"),
}


class Reading(NamedTuple):
    """A capture in normal form; an empty one where `held_back` says why."""

    tree: Tree = Tree((), ())
    signature: str = ""
    inconclusive: str = ""
    unreadable: str = ""

    @property
    def held_back(self) -> str:
        """Why there is no verdict on this capture; empty when there is one."""
        return self.inconclusive or self.unreadable


class Miss(NamedTuple):
    """One case that counts against a rate, and why."""

    rate: str
    app: str
    what: str
    reason: str


class Tally:
    """Shares of cases by name and app, and what speaks against them."""

    def __init__(self) -> None:
        self._cases: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
        self.misses: list[Miss] = []

    def count(self, rate: str, app: str, hit: bool, *, wanted: bool, what: str, why: str) -> None:
        """Count a case; one that is not as `wanted` is a miss."""
        self._cases[rate][app].append(hit)
        if hit is not wanted:
            self.misses.append(Miss(rate, app, what, why))

    def shares(self) -> dict[str, dict[str, list[bool]]]:
        """Every case, by rate and app."""
        return {rate: dict(apps) for rate, apps in self._cases.items()}

    def emit(self, report: Report) -> None:
        """Print each rate: the total with its ask, then each app."""
        for rate, apps in self._cases.items():
            cases = [hit for hits in apps.values() for hit in hits]
            value = _percent(cases)
            ask, sense = _ASKS.get(rate, (None, ""))
            holds = None if ask is None else value <= ask if sense == "at most" else value >= ask
            report.emit(rate, value, "%", ask, holds)
            for app, hits in sorted(apps.items()):
                report.emit(f"{rate}/{app}", _percent(hits), "%")


class Evaluation:
    """One run over one corpus; remembers what it has read."""

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self.tally = Tally()
        self.read = cache(self._read)
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
            if pair.kind == _RELOAD:
                self._reloads("reload_alarm_rate_of_two", [pair.a, pair.b], (pair.a, pair.b))
        for paths in self.corpus.reloads:
            for path in paths if len(paths) > 2 else ():
                others = [other for other in paths if other != path]
                self._reloads("reload_alarm_rate_unseen", others, (path,))
        for app, versions in self.corpus.releases.items():
            for number in range(1, len(versions)):
                for earlier in range(number):
                    self._identification(app, number, earlier)
        return self.tally

    def _read(self, path: str) -> Reading:
        files = self.corpus.files(path)
        try:
            parsed = parse(files.data, dom=files.dom, frames=files.frames, max_bytes=_MAX_BYTES)
        except TruncatedInput as error:
            return Reading(inconclusive=str(error))
        except DomainError as error:
            return Reading(unreadable=f"{type(error).__name__}: {error}")
        if missing := assess(parsed.tree, parsed.gaps):
            return Reading(inconclusive="; ".join(m.detail for m in missing))
        tree = normalize(parsed.tree)
        return Reading(tree, sign(tree).full.hex())

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
        rates = list(_rates_of(pair))
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
            ("alarm_rate", _is_event(judgement, Severity.WARNING)),
            ("event_rate", _is_event(judgement, Severity.INFO)),
            ("detection_rate", judgement.verdict is Verdict.DRIFT),
        ):
            for name in rates:
                if name.endswith(rate):
                    wanted, why = rate == "detection_rate", _reason(judgement)
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
                    _is_event(judgement, Severity.WARNING),
                    wanted=False,
                    what=f"{path} by {' and '.join(good)}",
                    why=_reason(judgement),
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


def _is_of(entry: Entry, app: str) -> bool:
    return entry.screen_id.startswith(f"{app}/")


def _rates_of(pair: Pair) -> Iterator[str]:
    if pair.kind == _RELOAD:
        yield from ("reload_alarm_rate", "reload_event_rate")
    if pair.identical:
        yield from ("identical_alarm_rate", "identical_event_rate")
    if pair.kind == "version-drift" and pair.differing:
        yield "drift_detection_rate"


def _is_event(judgement: Judgement, least: Severity) -> bool:
    return judgement.verdict is Verdict.DRIFT and judgement.severity.rank >= least.rank


def _reason(judgement: Judgement) -> str:
    said = [edit.edit.sentence for edit in judgement.edits[:_SHOWN_EDITS]]
    more = len(judgement.edits) - len(said)
    tail = f" and {more} more" if more else ""
    found = "; ".join([*judgement.reasons, *said]) or "no edit counts"
    return (
        f"{judgement.verdict} {judgement.severity} similarity {judgement.similarity:.3f}: "
        f"{found}{tail}"
    )


def _percent(cases: list[bool]) -> float:
    return 100.0 * sum(cases) / len(cases)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=CAPTURES, help="the corpus")
    parser.add_argument("--json", action="store_true", help="the one format there is; accepted")
    parser.add_argument("--misses", type=Path, help="write every miss here, not to stderr")
    args = parser.parse_args()
    report = Report()
    tally = Evaluation(Corpus(args.folder)).run()
    tally.emit(report)
    lines = "".join("\t".join(miss) + "\n" for miss in tally.misses)
    if args.misses:
        args.misses.write_text(lines, encoding="utf-8")
    else:
        progress(lines.rstrip())
    return report.status()


if __name__ == "__main__":
    sys.exit(main())
