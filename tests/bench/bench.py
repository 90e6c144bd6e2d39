"""What the benchmarks share: the library of the end-to-end tests, and the programs of a build directory."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

PROGRAMS = {
    "REVERSI_CLIENT": "client/reversi-client",
    "REVERSI_WORKER": "client/reversi-worker",
    "REVERSI_SERVER": "server/reversi-server",
}


def name_programs(build):
    """For the library; what the environment names already stays."""
    for variable, path in PROGRAMS.items():
        program = os.environ.setdefault(variable, str((build / path).absolute()))
        if not os.access(program, os.X_OK):
            sys.exit(f"{program}: no program there; build it, or name another directory by --build")
