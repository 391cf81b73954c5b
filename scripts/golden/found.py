"""The golden file's content: sections of named entries, an entry's fields short enough to be read.

What is long (an edit script, a judgement) stands as its length and SHA-256, beside fields that say
in short what it holds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from scripts.golden import corpus
from scripts.golden.texts import MALFORMED, PATTERNS, TEXTS
from scripts.golden.unicode import properties, read
from systemzero_core.diff import diff, to_json
from systemzero_core.drift import judge, judgement_to_json, render_judgement
from systemzero_core.errors import DomainError
from systemzero_core.formats import parse
from systemzero_core.intake import Intake
from systemzero_core.match import Entry, TemplateIndex, match
from systemzero_core.template import Policy, Template, compile_pattern, learn, to_yaml
from systemzero_core.template.shapes import mask, tokens

GOLDEN: Final = Path(__file__).parents[2] / "tests" / "data" / "golden.json"

_SHOWN: Final = 2

_Entry = dict[str, Any]


class Long:
    """A text that is too long for the file."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def digest(self) -> str:
        """What stands for it there."""
        return f"{len(self.data)} bytes, SHA-256 {hashlib.sha256(self.data).hexdigest()}"

    def whole(self) -> str:
        """All of it, for who looks where two differ."""
        return self.data.decode("utf-8", "surrogateescape")


def written(*, whole: bool = False) -> str:
    """The golden file as text: JSON, a field a line; with `whole`, long texts as they are."""
    shown = Long.whole if whole else Long.digest
    return json.dumps(found(), ensure_ascii=True, indent=1, sort_keys=True, default=shown) + "\n"


def found() -> dict[str, dict[str, _Entry]]:
    """Section, name of the entry, field: value."""
    taken = dict(corpus.captures())
    return {
        "captures": {name: _capture(intake) for name, intake in taken.items()},
        "masks": {text: {"mask": mask(text)} for text in _live(taken)},
        "pairs": {f"{a} to {b}": _pair(a, b, taken) for a, b in corpus.pairs()},
        "texts": {text: _text(text) for text in TEXTS},
        "patterns": {source: _pattern(source, texts) for source, texts in PATTERNS.items()},
        "malformed": {name: _malformed(data) for name, data in MALFORMED.items()},
        "matches": _matches(taken),
        "unicode": {"what Unicode 14.0 assigns": properties()},
    }


def _capture(intake: Intake) -> _Entry:
    return {
        "format": intake.format,
        "nodes": len(intake.tree),
        "full": intake.signatures.full.hex(),
        "structure": intake.signatures.structure.hex(),
        "content": intake.signatures.content.hex(),
        "incomplete": [str(reason) for reason in intake.incompleteness],
        "masked": Long("\0".join(map(mask, _said(intake))).encode()),
    }


def _said(intake: Intake) -> Iterator[str]:
    return (text for node in intake.tree.nodes for text in (node.name, node.value))


def _live(taken: dict[str, Intake]) -> list[str]:
    texts = {text for intake in taken.values() for text in _said(intake)}
    return sorted(text for text in texts if mask(text) != text)


def _text(text: str) -> _Entry:
    pieces = tokens(text)
    return {"tokens": [[shape and str(shape), piece] for shape, piece in pieces], **read(text)}


def _pattern(source: str, texts: tuple[str, ...]) -> _Entry:
    return {text: compile_pattern(source).matches(text) for text in texts}


def _malformed(data: bytes) -> _Entry:
    try:
        parse(data)
    except DomainError as error:
        return {"error": type(error).__name__, "message": str(error)}
    return {"error": None}


def _template(name: str, *intakes: Intake) -> Template:
    learned = learn([intake.tree for intake in intakes])
    return Template(
        template_id=name,
        screen_id=name,
        tree=learned.tree,
        full_signature=intakes[-1].signatures.full.hex(),
        required_nodes=learned.required_nodes,
        policy=learned.policy,
    )


def _pair(a: str, b: str, taken: dict[str, Intake]) -> _Entry:
    """What `b` is to one who has approved `a`, and what the two teach together."""
    one, other = taken[a], taken[b]
    script = diff(one.tree, other.tree)
    judgement = judge(_template(a, one), other.tree, script)
    return {
        "edits": len(script.edits),
        "script": Long(to_json(script)),
        "verdict": str(judgement.verdict),
        "severity": str(judgement.severity),
        "similarity": repr(judgement.similarity),
        "findings": [f"{finding.code}: {finding.message}" for finding in judgement.findings],
        "judgement": Long(judgement_to_json(judgement)),
        "shown": Long(render_judgement(judgement).encode()),
        **_learnt(one, other),
    }


def _learnt(one: Intake, other: Intake) -> _Entry:
    learned = learn([one.tree, other.tree])
    return {
        "learnt": Long(to_yaml(_template("t", one, other))),
        "rules": len(learned.policy.rules),
        "learnt patterns": sorted(set(_patterns(learned.policy))),
        "inferred": Long("\n".join(i.sentence for i in learned.inferences).encode()),
    }


def _patterns(policy: Policy) -> Iterator[str]:
    for rule in policy.rules:
        yield from filter(None, (rule.name, rule.value, *rule.attributes.values()))


def _matches(taken: dict[str, Intake]) -> dict[str, _Entry]:
    """What each capture looks like most, of all captures but itself."""
    names = [name for name, intake in taken.items() if len(intake.tree)]
    entries = {name: Entry.of(_template(name, taken[name])) for name in names}
    return {name: _match(name, taken, entries) for name in names}


def _match(name: str, taken: dict[str, Intake], entries: dict[str, Entry]) -> _Entry:
    index = TemplateIndex()
    index.update_entries(entry for other, entry in entries.items() if other != name)
    answer = match(index, index.tokens_of(taken[name].tree))
    chosen = answer.chosen.template_id if answer.chosen else None
    return {
        "match": chosen,
        "ranked": [[r.template_id, repr(r.score)] for r in answer.results[:_SHOWN]],
    }
