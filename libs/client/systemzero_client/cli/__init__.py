"""The `sz` command line, a thin face of the SDK; see docs/cli.md.

Invariants:
1. A module of commands imports click and what its options say. gRPC, the contract and the log are
   imported inside the functions that use them: no help, no usage error and no command without a
   server pays for them.
2. `terminal` prints, `systemzero_client.writing` writes files; nothing else does either.
"""

from systemzero_client.cli.main import main

__all__ = ["main"]
