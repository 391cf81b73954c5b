"""Run the demo: `python -m scripts.demo`; exit status 0 only if every step ended as it should."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from scripts.demo.evidence import keep, prove, tamper
from scripts.demo.page import Page
from scripts.demo.screens import tell
from scripts.demo.server import Server
from scripts.demo.steps import Unexpected
from systemzero_client import Client, SystemZeroError

NEXT = """\
What to try next

  make run                             the same service on 127.0.0.1:50051, its state in ./data
  export PATH="$PWD/.venv/bin:$PATH"   then, in another terminal, with sz and grpcurl:
  sz login --key-file data/gateway/admin.key
  sz learn console tests/data/captures/parcel-console/4.15.5__1-console.ax.json.gz
  sz check tests/data/captures/parcel-console/5.31.0__1-console.ax.json.gz
  grpcurl -plaintext -H "authorization: Bearer $(cat data/gateway/admin.key)" \\
      127.0.0.1:50051 systemzero.gateway.v1.StatusService/GetStatus

README.md has each of these step by step."""


def main() -> int:
    """Run every step; 1 where one did not end as it should."""
    page = Page(sys.stdout)
    folder = Path(tempfile.mkdtemp(prefix="systemzero-demo-"))
    start = time.monotonic()
    page.title("System//Zero: is this screen still the one I approved, and can I prove it?")
    page.line(f"Everything this demo writes is in {folder}")
    try:
        asyncio.run(run(page, folder))
    except (Unexpected, SystemZeroError) as error:
        page.failure(str(error))
        return 1
    page.done(f"Every step ended as it should, in {time.monotonic() - start:.0f} seconds.")
    page.line("")
    page.line(NEXT)
    return 0


async def run(page: Page, folder: Path) -> None:
    """Screens first, with the service; then the evidence, after it has stopped."""
    with Server.start(folder) as server:
        page.line(f"The service listens on {server.target}")
        async with Client(server.target, api_key=server.admin_key) as client:
            pinned, drift = await tell(page, client)
            evidence = await keep(page, client, folder, pinned, drift)
    page.line("")
    page.line("The service is stopped: what follows is computed here, from files alone.")
    prove(page, evidence)
    tamper(page, evidence)


if __name__ == "__main__":
    sys.exit(main())
