#!/usr/bin/env python3
"""The benchmarks work: tiny sizes, every figure of the table is there. How fast anything is, is not judged."""

import os
import re
import subprocess
import sys
from pathlib import Path

import lab
import tap

AGAINST_SSH = Path(__file__).resolve().parents[1] / "bench" / "against-ssh"
LIMIT_S = 200


def run(*arguments):
    build = Path(lab.program("REVERSI_CLIENT")).parents[1]
    done = subprocess.run(
        [sys.executable, str(AGAINST_SSH), "--build", str(build), "--smoke", "--rounds", "1", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        timeout=LIMIT_S * tap.SLOWNESS,
        check=False,
    )
    tap.check(done.returncode == 0, f"exit {done.returncode}: {done.stderr}{done.stdout}")
    tap.note(done.stdout)
    return done.stdout


def figures(text):
    """label → the words of its row."""
    rows = [[word.strip() for word in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")]
    return {row[0]: row[1:] for row in rows[2:]}


def check_number(rows, label, column):
    found = [words for name, words in rows.items() if name.startswith(label)]
    tap.check(found and re.fullmatch(r"-?[\d,]+(\.\d+)?", found[0][column]), f"{label}: no figure in {found or rows}")


@tap.case("every benchmark ends with its figures, of ssh and of the build")
def _(_lab):
    rows = figures(run())
    for direction in ("push", "pull"):
        for streams in ("1 stream", "8 streams", "64 streams"):
            for figure in ("MB/s", "client's CPU s/GB"):
                check_number(rows, f"{direction}, {streams}: {figure}", 0)
                check_number(rows, f"{direction}, {streams}: {figure}", 1)
        check_number(rows, f"64-byte round trip beside a bulk {direction}", 2)
        check_number(rows, f"{direction}, 1 stream, 100 ms RTT", 2)
    for label in ("64-byte round trip, p50", "64-byte round trip, p99", "short connections", "Private_Dirty idle", "start"):
        check_number(rows, label, 2)
    for label in ("Private_Dirty of one agent", "wake-ups", "memory of one", "the same beyond libssh's own", "20 busy channels"):
        check_number(rows, label, 1)
    check_number(rows, "MB/s, median cell", 2)


@tap.case("bytes both ways at once arrive as they were sent")
def _(_lab):
    rows = figures(run("--rekey", "--cipher", "aes128-gcm@openssh.com"))
    check_number(rows, "0.003 GB both ways", 1)


if __name__ == "__main__":
    os.environ.setdefault("REVERSI_CLIENT", str(AGAINST_SSH.parents[2] / "build/client/reversi-client"))
    lab.main()
