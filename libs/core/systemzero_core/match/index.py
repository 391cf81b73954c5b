"""Many templates, one question: which of them is this screen? Without comparing all of them.

How it finds out is `match.scan`; what it looks through, `match.slots`. Invariants:

1. The answer equals comparing every template (`brute_force`), ties included.
2. A read takes one snapshot and never waits: writers publish a new one when they are done.
   Within a snapshot every template is there in one version, or not at all.
3. A slot is used once; what was replaced or removed is swept out when it outweighs what lives,
   into new tables, so that readers of an older snapshot keep theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from threading import Lock

from systemzero_core.match.features import Tokens, tokens_of
from systemzero_core.match.ranking import Entry, Ranked, ranking_order
from systemzero_core.match.scan import Scan
from systemzero_core.match.score import DEFAULT_WEIGHTS, Weights
from systemzero_core.match.slots import Draft
from systemzero_core.template.model import Template
from systemzero_core.tree import Tree


class TemplateIndex:
    """The current version of each template of one template set. Safe for any number of threads.

    Weights belong to the index: its bounds hold for them alone.
    """

    def __init__(
        self, templates: Iterable[Template] = (), weights: Weights = DEFAULT_WEIGHTS
    ) -> None:
        self.weights = weights
        self._lock = Lock()
        self._state = Draft().published()
        self.update(templates)

    def __len__(self) -> int:
        return len(self._state.slots)

    def __contains__(self, template_id: object) -> bool:
        return template_id in self._state.slots

    def __iter__(self) -> Iterator[Entry]:
        """The entries of one snapshot."""
        state = self._state
        return iter([state.generation.entries[slot] for slot in state.slots.values()])

    @property
    def memory(self) -> int:
        """Bytes that it takes, about, and not much less than it does."""
        return self._state.generation.memory

    def add(self, template: Template) -> None:
        """Enter a template, in the place of any other version of it."""
        self.update((template,))

    def remove(self, template_id: str) -> None:
        """Take a template out; nothing happens when it is not there."""
        self.update((), (template_id,))

    def update(self, templates: Iterable[Template] = (), removed: Iterable[str] = ()) -> None:
        """Take `removed` out and enter `templates`, as one step: no reader sees half of it."""
        self.update_entries([self.entry_of(t) for t in templates], removed)

    def update_entries(self, entries: Iterable[Entry], removed: Iterable[str] = ()) -> None:
        """`update` with entries made before: reading a template is most of the work."""
        with self._lock:
            draft = Draft(self._state)
            for template_id in removed:
                draft.drop(template_id)
            for entry in entries:
                draft.put(entry)
            self._state = draft.published()

    def entry_of(self, template: Template) -> Entry:
        """The entry of a template, with what the weights ask for; for `update_entries`."""
        return Entry.of(template, layout=self.weights.layout > 0)

    def tokens_of(self, tree: Tree) -> Tokens:
        """The tokens of a capture, with what the weights ask for."""
        return tokens_of(tree, layout=self.weights.layout > 0)

    def entries_of(self, screen: str) -> list[Entry]:
        """The templates that have `screen` as screen id or template id, by template id."""
        state = self._state
        slots = set(state.by_screen.get(screen, ()))
        if screen in state.slots:
            slots.add(state.slots[screen])
        found = [state.generation.entries[slot] for slot in slots]
        return sorted(found, key=lambda entry: entry.template_id)

    def query(self, capture: Tokens, k: int = 5, full_signature: str = "") -> list[Ranked]:
        """The `k` templates that fit best, best first, none below `LEAST_SCORE`.

        Where templates have the capture's own full digest, they alone are the answer.
        """
        if equal := self.equal_to(full_signature):
            return equal[:k]
        return Scan(self._state, capture, self.weights, k).run()

    def equal_to(self, full_signature: str) -> list[Ranked]:
        """The templates that have this full digest, in the order of their ids."""
        state = self._state
        entries = state.generation.entries
        equal = state.by_digest.get(full_signature, ())
        return sorted((Ranked(entries[slot], 1.0, True) for slot in equal), key=ranking_order)
