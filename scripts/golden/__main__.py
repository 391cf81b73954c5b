"""`python -m scripts.golden [--whole] FILE`: write the golden file; `-` is standard output."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from scripts.golden.found import written


def main() -> None:
    """Write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--whole", action="store_true", help="long texts as they are")
    parser.add_argument("file")
    arguments = parser.parse_args()
    text = written(whole=arguments.whole).encode()
    if arguments.file == "-":
        sys.stdout.buffer.write(text)
    else:
        Path(arguments.file).write_bytes(text)


if __name__ == "__main__":
    main()
