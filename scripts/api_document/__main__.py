"""Usage: python -m scripts.api_document OUTPUT.

`make stubs` writes it, `make stubs-check` compares.
"""

from __future__ import annotations

import sys
from pathlib import Path

from scripts.api_document.read import contract
from scripts.api_document.write import document

if __name__ == "__main__":
    Path(sys.argv[1]).write_text(document(contract()))
