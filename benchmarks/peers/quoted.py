"""Figures of tools that are not measured here: quoted from one measurement, on a like machine.

GumTree (JVM, warm; Falleri et al., ASE 2014) on the trees and edits of "plain" ground truth: CPU in
ms ±30 %. The GumTree figures of real pairs are part of `benchmarks._plaintrees.PAIRS`' least.
"""

GUMTREE_SIMPLE_MS = {100: 2.5, 1_000: 13.0, 10_000: 188.0}
"""CPU at 5 % edits, the least that was seen."""

GUMTREE_SIMPLE = {
    1_000: {"mapping_precision": 0.998, "mapping_recall": 0.933, "edit_recall": 0.92},
    10_000: {"mapping_precision": 0.963, "mapping_recall": 0.919, "edit_recall": 0.76},
}
"""Quality on plain edits, beside ours."""
