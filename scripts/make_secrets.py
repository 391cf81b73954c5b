"""Make the secrets of an installation with PostgreSQL and Valkey beside it, as files.

Usage: python -m scripts.make_secrets FOLDER

For docker-compose.yml and the Kubernetes overlay `dev`, whose databases are called `postgresql` and
`valkey`. What is there is left alone, so that it can be run again.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from argparse import Namespace
from pathlib import Path

from systemzero_admin import keys
from systemzero_base.secrets import write_private

DATABASE = "postgresql:5432/systemzero"


def main() -> int:
    """Make what is missing; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where to make them")
    make_secrets(parser.parse_args().folder)
    return 0


def make_secrets(folder: Path) -> None:
    """Make below `folder` what is missing there.

    Raises:
        FailedPrecondition: a key file that is there can't be used.
        OSError: one can't be written.
    """
    keys.run(Namespace(to=folder))
    for role in ("owner", "service"):
        password = _kept(folder / "postgresql" / f"{role}-password", secrets.token_urlsafe(24))
        url = f"postgresql://sz_{role}:{password}@{DATABASE}"
        _kept(folder / "database" / f"{role}.url", url)
    _kept(folder / "valkey" / "password", secrets.token_urlsafe(24))


def _kept(path: Path, text: str) -> str:
    """What the file says, which is `text` if it was not there."""
    if not path.exists():
        write_private(path, text.encode())
    return path.read_text()


if __name__ == "__main__":
    sys.exit(main())
