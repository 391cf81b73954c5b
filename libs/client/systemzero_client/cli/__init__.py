"""The `sz` command line, a thin face of the SDK; see docs/cli.md."""

from systemzero_client.cli.main import main

__all__ = ["main"]
