"""The sentence of a group: true of all its edits, with examples and a count of what differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from systemzero_core.diff import Change, EditKind
from systemzero_core.diff.describe import updated
from systemzero_core.diff.phrases import change_texts
from systemzero_core.grouping.changes import got_description_as_name, operation, text_of
from systemzero_core.grouping.facts import Fact, is_markup
from systemzero_core.grouping.model import Topic
from systemzero_core.grouping.numbers import counted, listed
from systemzero_core.grouping.places import nearest, spots, where, which_rows
from systemzero_core.grouping.rules import Group, Rule, is_built_anew
from systemzero_core.grouping.subjects import EXAMPLES, named, names, pair, quotes, who
from systemzero_core.tree import Bounds

_DONE: Final = {EditKind.INSERT: ("added", "to"), EditKind.DELETE: ("removed", "from")}
_REPLACED: Final = "replaced by others"
_SHORT: Final = 80
"""Characters of a sentence that a summary takes over, at most."""


def sentence(group: Group) -> str:
    """What a group says, in one line without a full stop."""
    facts, first = group.facts, group.first
    if group.rule is Rule.ALONE:
        return _alone(facts[0])
    if group.rule is Rule.COLUMNS:
        return f"{_columns(facts)} ({len(facts)} cells)"
    if group.rule is Rule.REBUILT:
        return _rebuilt(facts)
    if first.topic is Topic.LAYOUT:
        return f"{_layout(facts)}{spots(facts)}{_by(facts)}"
    if first.topic is Topic.MARKUP:
        return _markup(facts)
    if first.is_update:
        return _alike(group) if group.rule is Rule.ALIKE else _differently(facts)
    return _moved(facts) if first.edit.kind is EditKind.MOVE else _pieces(facts)


def brief(group: Group) -> str:
    """What a summary says of a group."""
    facts, first = group.facts, group.first
    if group.rule is Rule.COLUMNS:
        return _columns(facts)
    if first.topic is Topic.LAYOUT:
        return _layout(facts)
    said = sentence(group)
    if len(said) <= _SHORT:
        return said
    if group.rule is Rule.REBUILT:
        return f"{counted(len(facts) // 2, 'part')} built anew"
    if first.is_update:
        what = "renamed" if first.topic is Topic.NAME else "changed"
        at = where(facts, "in") if len(facts) > 1 else ""
        return f"{who(facts)} {_REPLACED if operation(first) == 'replaced' else what}{at}"
    done, preposition = _DONE.get(first.edit.kind, ("moved", "in"))
    return f"{who(facts)} {done}{where(facts, preposition)}"


def _alone(fact: Fact) -> str:
    """An edit's own sentence; of an update without boxes and markup, where it has more to say."""
    fields = {change.field for change in fact.edit.changes}
    if not fact.is_update or fact.edit.size > 1:  # it speaks of others, too
        return fact.edit.sentence
    seen = [change for change in fact.edit.changes if _is_seen(change, fields)]
    if not seen:
        return fact.edit.sentence
    return updated(fact.step, seen)


def _is_seen(change: Change, fields: set[str]) -> bool:
    if change.field == "attributes.href" and "attributes.url" in fields:
        return False
    key = change.field.removeprefix("attributes.")
    return change.field != "bounds" and not (key != change.field and is_markup(key))


def _columns(facts: Sequence[Fact]) -> str:
    rows = Counter(fact.path[:-1] for fact in facts)
    done, preposition = _DONE[facts[0].edit.kind]
    heads = [f.step.name for f in facts if f.step.role == "columnheader" and f.step.name]
    said = f" {quotes(heads)}" if heads else ""
    columns = counted(len(heads) or max(rows.values()), "column")
    return f"{columns}{said} {done}{where(facts, preposition)}"


def _rebuilt(facts: Sequence[Fact]) -> str:
    came = [fact for fact in facts if fact.edit.kind is EditKind.INSERT]
    went = [fact for fact in facts if fact.edit.kind is not EditKind.INSERT]
    verb = "was" if len(went) == 1 else "were"
    if len(came) == 1 and not all(is_built_anew(came[0], fact) for fact in went):
        return f"{named(came)} added{where(came, 'to')}, where {named(went)} {verb} built anew"
    if where(came, "") != where(went, ""):
        return f"{named(came)} removed{where(went, 'from')} and added{where(came, 'to')}"
    return f"{named(came)} {verb} built anew{where(came, 'in')}"


def _pieces(facts: Sequence[Fact]) -> str:
    done, preposition = _DONE[facts[0].edit.kind]
    return f"{named(facts)} {done}{where(facts, preposition)}"


def _moved(facts: Sequence[Fact]) -> str:
    source, target = nearest(facts[0].place), nearest(facts[0].edit.parent)
    if source == target:
        return f"{named(facts)} moved within {target}"
    return f"{named(facts)} moved from {source} to {target}"


def _alike(group: Group) -> str:
    """One change in many places."""
    facts, change = group.facts, _change(group.first)
    them = f"{who(facts)}{which_rows(facts)}"
    if got_description_as_name(group.first):
        return f"{them} got their descriptions into their names{names(facts)}"
    if change.field == "states":
        return f"{them} {_plural(change_texts(change, facts[0].step.role))}{names(facts)}"
    if change.field == "role":
        return f"{them} became {change.new}{names(facts)}"
    label = _label(change.field)
    if not change.old or not change.new:
        return f"{them}: {label}{operation(group.first)}{names(facts)}"
    old, new = pair(text_of(change.old), text_of(change.new))
    if len({(c.old, c.new) for c in map(_change, facts)}) > 1:
        return f"{them}: {label}changed alike, such as {old} to {new}"
    done = "replaced by" if operation(group.first) == "replaced" else "changed to"
    return f"{them}: {label}{old} {done} {new}"


def _differently(facts: Sequence[Fact]) -> str:
    """One field of several nodes in one part of the page, each with values of its own."""
    change = _change(facts[0])
    them = f"{who(facts)}{where(facts, 'in')}"
    if change.field == "name":
        return f"{them} {_renamed(facts, operation(facts[0]))}"
    if change.field == "states":
        return f"{them} changed their states{names(facts)}"
    if change.field == "role":
        became = dict.fromkeys(str(_change(fact).new) for fact in facts)
        return f"{them} became {listed(list(became), EXAMPLES)}"
    if facts[0].topic is Topic.TARGET:
        return f"{them} lead elsewhere{names(facts)}"
    label = _label(change.field).strip()
    return f"{them}: {label} {operation(facts[0])}{names(facts)}"


def _renamed(facts: Sequence[Fact], done: str) -> str:
    if done == "removed":
        return f"lost their names{names(facts)}"
    if done == "set":
        return f"were named {quotes([text_of(_change(fact).new) for fact in facts])}"
    pairs = (pair(text_of(_change(fact).old), text_of(_change(fact).new)) for fact in facts)
    said = [f"{old} {'by' if done == 'replaced' else 'to'} {new}" for old, new in pairs]
    if done == "changed" and facts[0].topic is Topic.NAME:
        done = "renamed"
    return f"{done}: {listed(list(dict.fromkeys(said)), EXAMPLES)}"


def _layout(facts: Sequence[Fact]) -> str:
    count = sum(max(1, fact.edit.size) for fact in facts)
    return f"{counted(count, 'part')} shifted or resized"


def _by(facts: Sequence[Fact]) -> str:
    """By how much, where all of it went one way."""
    deltas = []
    for fact in facts:
        change = _change(fact)
        if not isinstance(change.old, Bounds) or not isinstance(change.new, Bounds):
            return ""
        deltas.append(change.new.y - change.old.y)
    if min(deltas) * max(deltas) <= 0:
        return ""
    least, most = sorted((abs(min(deltas)), abs(max(deltas))))
    extent = str(least) if least == most else f"{least} to {most}"
    return f", {'down' if deltas[0] > 0 else 'up'} by {extent} px"


def _markup(facts: Sequence[Fact]) -> str:
    kinds = Counter(fact.edit.kind for fact in facts)
    words = {
        EditKind.INSERT: "added",
        EditKind.DELETE: "removed",
        EditKind.MOVE: "moved",
        EditKind.UPDATE: "changed",
    }
    said = [f"{kinds[kind]} {word}" for kind, word in words.items() if kinds[kind]]
    return f"containers and attributes that nobody sees: {', '.join(said)}"


def _plural(texts: Iterable[str]) -> str:
    """What became of one, said of several."""
    verbs = {"was": "were", "is": "are"}
    words = (text.partition(" ") for text in texts)
    return " and ".join(f"{verbs.get(verb, verb)} {rest}" for verb, _, rest in words)


def _change(fact: Fact) -> Change:
    return fact.change or Change("", None, None)


def _label(field: str) -> str:
    if field in ("name", "value"):
        return "" if field == "name" else "value "
    return field.removeprefix("attributes.").replace("_", " ") + " "
