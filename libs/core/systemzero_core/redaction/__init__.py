"""Secrets in captures: found and taken out before anything is normalised, signed or stored.

`docs/security.md` says what counts as one. Invariants:

1. What is typed into a field of type password is in nothing that comes out, in any format.
2. The result tells neither a secret's length nor whether its field is filled.
3. A capture without a secret is untouched: the same tree, the same digests.
4. Linear in the size of the capture.
"""

from __future__ import annotations

from systemzero_core.redaction.errors import speaks_of_secrets, unquoted
from systemzero_core.redaction.rules import DEFAULT, Rules, Selector
from systemzero_core.redaction.texts import MARK
from systemzero_core.redaction.trees import Redacted, redact

__all__ = [
    "DEFAULT",
    "MARK",
    "Redacted",
    "Rules",
    "Selector",
    "redact",
    "speaks_of_secrets",
    "unquoted",
]
