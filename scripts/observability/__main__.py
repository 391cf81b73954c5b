"""Usage: python -m scripts.observability FOLDER DOCUMENT.

Writes the dashboards into FOLDER, and the tables of all metrics into DOCUMENT, between their marks.
`make observability` does it for the repository.
"""

from __future__ import annotations

import sys
from pathlib import Path

from scripts.observability.dashboards import dashboards
from scripts.observability.table import written

if __name__ == "__main__":
    folder, document = map(Path, sys.argv[1:])
    for name, text in dashboards().items():
        (folder / f"{name}.json").write_text(text)
    document.write_text(written(document.read_text()))
