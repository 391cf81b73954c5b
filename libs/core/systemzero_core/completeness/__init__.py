"""The completeness gate: is this capture a whole screen, or one that was not there yet?

It looks at the tree as it was parsed, before normalisation takes the loading indicators out. What
an incomplete capture lacks would otherwise look like drift; a screen with ordinary content beside
a spinner is complete.

Invariants:
1. `()` means complete. The answer depends on the tree and the gaps alone; time is linear.
2. Without a gap, a tree is only called incomplete on evidence: nothing in it, a loading indicator
   with hardly anything beside it, a busy mark on most of it, or its system saying so.
"""

from __future__ import annotations

from systemzero_core.completeness.gate import Incompleteness, Reason, assess

__all__ = ["Incompleteness", "Reason", "assess"]
