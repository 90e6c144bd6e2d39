#!/usr/bin/env python3
"""Plays the rows of the fault matrix side by side, each in network, mount and process namespaces of its own, and prints
a table. Exit code 0 if no row failed. The programs under test are named by REVERSI_CLIENT, REVERSI_WORKER and
REVERSI_SERVER.
"""

import argparse
import concurrent.futures
import fnmatch
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

import plain_node  # noqa: E402
import processes  # noqa: E402
import tap  # noqa: E402
from row import END, FULL, LONG, QUICK  # noqa: E402
from table import ROWS  # noqa: E402

NAMESPACES = "unshare --net --mount --propagation private --pid --fork --kill-child --mount-proc".split()
PLAIN_LIMIT_S = 150
OVERHEAD_S = 120  # to set the lab up, to wait beyond a limit, to clear away
TAIL_LINES = 200
MOST_PLAYED_AGAIN = 4  # if more are late, it is not for the company
PLAY = str(Path(__file__).resolve().with_name("play.py"))


# What happens to any tunnel, whatever keeps it.
COMPARED = (
    "start worker-killed worker-stopped sshd-stopped tcp-reset drop-60 drop-60-lost nat-lost drop-up-60 drop-down-60 "
    "address-changed route-gone-30 sshd-restarted server-rebooted power-lost stale-without-agent service-down service-hung"
).split()


def why_not():
    """Why no row can be played here, or an empty text."""
    if os.geteuid() != 0:
        return "needs root"
    done = subprocess.run([*NAMESPACES, "true"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return "" if done.returncode == 0 else "needs root that may create namespaces"


def play(row, directory, program=""):
    """Runs one row; returns its result with the row's name and its output. `program`: see plain_node.py."""
    name = f"{row.name}-{program}" if program else row.name
    result_file, log_file = directory / f"{name}.json", directory / f"{name}.log"
    limit_s = (row.lasts_s + (PLAIN_LIMIT_S if program else row.limit_s) + OVERHEAD_S) * tap.SLOWNESS
    with open(log_file, "wb") as log:
        child = subprocess.Popen(
            [*NAMESPACES, sys.executable, PLAY, row.name, str(result_file), *([program] if program else [])],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=processes.die_with_parent,
        )
        try:
            child.wait(limit_s)
            why = f"ended with {child.returncode} and without a result"
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait(10)
            why = f"not done after {limit_s:g} s"
    result = {"seconds": None, "answer_seconds": None, "logins": None, "passed": False, "why": why}
    if result_file.exists():
        result = json.loads(result_file.read_text(encoding="utf-8"))
    return {"row": row, "output": log_file.read_text(encoding="utf-8", errors="replace"), **result}


def compare(rows, jobs, directory):
    """The same faults for reversi, a loop around ssh, and autossh, side by side. Prints a table."""
    programs = ("", *plain_node.PROGRAMS)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        played = {(row, program): pool.submit(play, row, directory, program) for row in rows for program in programs}
    print("| fault | `ssh` in a loop | autossh | reversi |\n|---|---|---|---|")
    for row in rows:
        cells = {program: compared_cell(row, played[row, program].result(), program) for program in programs}
        print(f"| {row.what} | {cells['ssh']} | {cells['autossh']} | {cells['']} |")
    return all(outcome(played[row, ""].result()) == "pass" for row in rows)


def compared_cell(row, result, program):
    if "skipped" in result:
        return "–"
    seconds = result["answer_seconds"] if result["seconds"] is not None else None
    if seconds is None:
        return "never" if not result["why"] else f"? ({result['why'][:60]})"
    prefix = "end + " if row.counted_from == END else ""
    logins = f", {result['logins']} logins" if program == "" and result["logins"] > 1 else ""
    return f"{prefix}{seconds:.1f} s{logins}"


def outcome(result):
    return "skip" if "skipped" in result else "pass" if result["passed"] else "FAIL"


def number(value):
    return "–" if value is None else f"{value:.1f}"


def print_table(results):
    print("| fault | | limit, s | both judges, s | answer, s | logins (at most) | |")
    print("|---|---|---|---|---|---|---|")
    for result in results:
        row = result["row"]
        limit = f"{'end + ' if row.counted_from == END else ''}{row.limit_s:g}"
        logins = f"{'–' if result['logins'] is None else result['logins']} ({row.logins})"
        times = f"{number(result['seconds'])} | {number(result['answer_seconds'])}"
        print(f"| {row.name} | {row.what} | {limit} | {times} | {logins} | {outcome(result)} |")
    for result in results:
        if outcome(result) != "pass":
            print(f"\n{outcome(result)} {result['row'].name}: {result.get('skipped') or result['why']}")
        if outcome(result) == "FAIL":
            print("\n".join(f"    | {line}" for line in tail(result["output"])), file=sys.stderr)


def tail(text):
    return text.splitlines()[-TAIL_LINES:]


class Report:
    """What is said while rows end; with TAP on standard output, else on standard error."""

    def __init__(self, is_tap, count):
        self.is_tap = is_tap
        self.told = 0
        if is_tap:
            print(f"1..{count}", flush=True)

    def tell(self, result):
        self.told += 1
        row = result["row"]
        seconds, logins = number(result["seconds"]), result["logins"]
        text = f"{row.name}: {row.what}"
        if not self.is_tap:
            print(f"{outcome(result)} {text}: {seconds} s, {logins} logins", file=sys.stderr, flush=True)
            return
        skipped = f" # SKIP {result['skipped']}" if "skipped" in result else ""
        print(f"{'not ' if outcome(result) == 'FAIL' else ''}ok {self.told} - {text}{skipped}")
        print(f"# {seconds} s of {row.limit_s:g} s from its {row.counted_from}, {logins} logins; {result['why']}")
        if outcome(result) == "FAIL":
            print("\n".join(f"# {line}" for line in tail(result["output"])))
        sys.stdout.flush()


def run(rows, jobs, directory, report):
    # The longest first, so that none of them is left over at the end; those that suffer no company last.
    shared = sorted((row for row in rows if not row.is_exclusive), key=lambda row: -row.lasts_s - row.limit_s)
    has_company = min(jobs, len(shared)) > 1
    results, late = [], []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for done in concurrent.futures.as_completed([pool.submit(play, row, directory) for row in shared]):
            result = done.result()
            if outcome(result) == "FAIL" and result.get("was_late") and has_company:
                late.append(result)
                continue
            results.append(result)
            report.tell(result)
    for first in late:
        # Whether the row or its company was late shows when it has the machine to itself. What was wrong stays wrong.
        result = play(first["row"], directory) if len(late) <= MOST_PLAYED_AGAIN else first
        if result is not first:
            result["why"] = f"{result['why']} (the first time, beside others: {first['why']})".strip()
        results.append(result)
        report.tell(result)
    for row in rows:
        if row.is_exclusive:
            results.append(play(row, directory))
            report.tell(results[-1])
    return sorted(results, key=lambda result: rows.index(result["row"]))


def chosen_rows(options):
    tiers = {QUICK} if options.quick else {QUICK, FULL, LONG} if options.long else {QUICK, FULL}
    if options.only:
        tiers = {QUICK, FULL, LONG}
    wanted = options.only or ["*"]
    rows = [row for row in ROWS if row.tier in tiers and any(fnmatch.fnmatch(row.name, each) for each in wanted)]
    if options.exclusive or options.shared:
        rows = [row for row in rows if row.is_exclusive == options.exclusive]
    return [row for row in rows if tap.SLOWNESS == 1 or not row.is_for_plain]


def main():
    parser = argparse.ArgumentParser(description="Plays faults against a tunnel and prints a table.")
    parser.add_argument("--jobs", type=int, default=8, metavar="N", help="so many rows at a time (8)")
    parser.add_argument("--only", action="append", metavar="NAME", help="only this row; may hold wildcards")
    parser.add_argument("--list", action="store_true", help="name the rows and end")
    parser.add_argument("--long", action="store_true", help="also those of ten minutes and half an hour")
    parser.add_argument("--quick", action="store_true", help="only those of the test suite")
    parser.add_argument("--exclusive", action="store_true", help="only those that nothing may run beside")
    parser.add_argument("--shared", action="store_true", help="only the others")
    parser.add_argument("--compare", action="store_true", help="the common faults, beside ssh in a loop and autossh")
    parser.add_argument("--tap", action="store_true", help="print TAP instead of a table")
    parser.add_argument("--logs", metavar="DIRECTORY", help="keep what each row printed here")
    options = parser.parse_args()
    rows = chosen_rows(options)
    if options.list:
        for row in rows:
            print(f"{row.name:28} {row.tier:6} {row.what}")
        return 0
    if options.compare:
        rows = [row for row in ROWS if row.name in COMPARED]
    if not rows:
        parser.error("no such row; --list names them")
    if why := why_not():
        print(f"1..0 # SKIP {why}" if options.tap else f"skip: {why}")
        return 0 if options.tap else 1
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="reversi-faults-") as scratch:
        directory = Path(options.logs or scratch)
        directory.mkdir(parents=True, exist_ok=True)
        if options.compare:
            return 0 if compare(rows, options.jobs, directory) else 1
        results = run(rows, options.jobs, directory, Report(options.tap, len(rows)))
    if not options.tap:
        print_table(results)
        print(f"\n{len(results)} rows in {time.monotonic() - began:.0f} s, {options.jobs} at a time")
    return 1 if any(outcome(result) == "FAIL" for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
