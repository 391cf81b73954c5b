"""Generate the contract's Python modules, gRPC stubs and their types.

Usage: python scripts/generate_stubs.py OUTPUT_FOLDER

The output folder's stubs are removed first, so that a proto that is gone leaves none behind. CI
generates into a temporary folder and compares.
"""

from __future__ import annotations

import os
import shutil
import sys
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

PROTOS = Path(__file__).resolve().parent.parent / "protos"


def generate(output: Path) -> None:
    """Write the stubs of every proto below `protos/systemzero` into `output`.

    Raises:
        SystemExit: protoc found an error, which it printed.
    """
    # The plugins stand beside the interpreter, which need not be an activated environment's.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shutil.rmtree(output / "systemzero", ignore_errors=True)
    output.mkdir(parents=True, exist_ok=True)
    sources = sorted(str(p.relative_to(PROTOS)) for p in (PROTOS / "systemzero").rglob("*.proto"))
    status = protoc.main(
        [
            "protoc",
            f"-I{PROTOS}",
            f"-I{files('grpc_tools') / '_proto'}",
            f"--python_out={output}",
            f"--grpc_python_out={output}",
            f"--mypy_out={output}",
            f"--mypy_grpc_out={output}",
            *sources,
        ]
    )
    if status != 0:
        raise SystemExit(status)
    (output / "systemzero" / "py.typed").touch()


if __name__ == "__main__":
    generate(Path(sys.argv[1]))
