"""A detector: terms that turn up on a screen which was approved without them."""

from collections.abc import Iterator

from systemzero_core.drift import Context, Finding, Severity
from systemzero_core.drift.detectors.reading import Reporter, added, baseline_of, updates
from systemzero_core.tree import Node

_TERMS = ("non-refundable", "no refunds", "automatically renews", "arbitration")


class SmallPrintDetector:
    """Code: `term_appeared`, critical, at each text that has a term which was not approved."""

    name = "small-print"

    def __call__(self, context: Context) -> Iterator[Finding]:
        """What it sees: new and changed nodes alone, so that what is ignored stays so."""
        approved = " ".join(node.name for node in baseline_of(context).nodes).lower()
        fresh = [term for term in _TERMS if term not in approved]
        report = Reporter(self.name, context)
        for index, node in _changed(context):
            for term in fresh:
                if term in node.name.lower():
                    message = f"the screen now says “{term}”"
                    yield report.here("term_appeared", Severity.CRITICAL, message, index)


def _changed(context: Context) -> Iterator[tuple[int, Node]]:
    for _, index, node in added(context):
        yield index, node
    for edit, node, changes in updates(context):
        if "name" in changes:
            yield edit.target, node
