#!/usr/bin/env python3
"""Turns the logs of `meson test` into a verdict on every test case.

Prints each skip with its reason and each failure with the place and the end of its log; the last line is
`N passed, N failed, N skipped`. Counts the cases inside a test program: those of GoogleTest and TAP by what the program
printed, so that a crash loses no case that ran before it. Exit code 0 if nothing failed, something ran, and, with
--strict, every skip's reason begins like a line of the file given there.

A program that was late beside others, and nothing worse, may run again by itself (--failed-in chooses, --again names the log):
where it is in time then, that counts, and both are told of. What was wrong stays wrong.
"""

import argparse
import fnmatch
import json
import re
import sys
from collections import namedtuple
from pathlib import Path

TAIL_LINES = 40
MOST_AGAIN = 2  # programs; more are no accident
LATE = re.compile(r": not within \S+ s$")  # how the end-to-end tests, and only they, say that a limit was missed
ROOT_SUITE = "faults"
GOOD = ("OK", "SKIP", "EXPECTEDFAIL")  # of meson's results
RUN_BUT_BAD = "ended badly after its last case"
DID_NOT_END = "(did not end)"

Test = namedtuple("Test", "name suites protocol command priority is_parallel", defaults=(0, True))
Case = namedtuple("Case", "outcome test name detail", defaults=("",))  # outcome: passed, failed, skipped
PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


def planned_tests(build):
    """What the build directory knows of; meson writes a suite as `project:suite`."""
    file = build / "meson-info" / "intro-tests.json"
    return [
        Test(
            entry["name"],
            [suite.split(":")[-1] for suite in entry["suite"]],
            entry["protocol"],
            entry["cmd"],
            entry["priority"],
            entry["is_parallel"],
        )
        for entry in json.loads(file.read_text(encoding="utf-8"))
    ]


def is_selected(test, suites, patterns, without=()):
    in_suite = not suites or any(suite in suites for suite in test.suites)
    return in_suite and (not patterns or is_named(test, patterns)) and not is_named(test, without)


def is_named(test, patterns):
    return any(fnmatch.fnmatchcase(test.name, pattern) for pattern in patterns)


GTEST_LINE = re.compile(r"\[( RUN      |       OK |  FAILED  |  SKIPPED )\] (\S+?)(?:, where .*)?(?: \(\d+ ms\))?$")
GTEST_DISABLED = re.compile(r"YOU HAVE (\d+) DISABLED TEST")


def gtest_cases(test, text):
    """The cases of one program; one that began and never ended, failed."""
    cases, running, said = [], None, []
    for line in text.splitlines():
        match = GTEST_LINE.search(line)
        kind = match[1].strip() if match else ""
        if kind == "RUN":
            running, said = match[2], []
        elif kind and running == match[2]:  # the closing summary names them again, when none runs
            said.append(line[: match.start()])
            detail = "\n".join(part for part in said if part)
            if kind == "SKIPPED":
                detail = re.sub(r"^\S+:\d+: Skipped\s*", "", detail)
            cases.append(Case({"OK": PASSED, "FAILED": FAILED, "SKIPPED": SKIPPED}[kind], test, running, detail))
            running = None
        elif running:
            said.append(line)
        elif GTEST_DISABLED.search(line):
            count = int(GTEST_DISABLED.search(line)[1])
            cases += [Case(SKIPPED, test, "", "disabled in the source")] * count
    if running:
        cases.append(Case(FAILED, test, running, "\n".join(said + [DID_NOT_END])))
    return cases


TAP_LINE = re.compile(r"(not )?ok\b\s*(\d+)?\s*-?\s*([^#]*?)\s*(?:#\s*(SKIP|TODO)\S*\s*(.*))?$", re.IGNORECASE)
TAP_SKIP_ALL = re.compile(r"1\.\.0\s*(?:#\s*SKIP\S*\s*(.*))?$", re.IGNORECASE)
TAP_REASON = "# failed: "  # after the case, as tests/e2e/tap.py writes it


def tap_plan(text):
    """How many cases the program said that there would be."""
    plan = re.search(r"^1\.\.(\d+)", text, re.MULTILINE)
    return int(plan[1]) if plan else 0


def tap_cases(test, text):
    """The cases of one program, with the reason of a failure. A case marked TODO counts as passed whatever it says."""
    cases = []
    for line in text.splitlines():
        match, nothing = TAP_LINE.match(line), TAP_SKIP_ALL.match(line)
        if nothing:
            cases.append(Case(SKIPPED, test, "", nothing[1] or ""))
        elif match:
            directive = (match[4] or "").upper()
            outcome = SKIPPED if directive == "SKIP" else FAILED if match[1] and directive != "TODO" else PASSED
            cases.append(Case(outcome, test, match[3] or f"case {match[2]}", match[5] or ""))
        elif line.startswith(TAP_REASON) and cases and cases[-1].outcome == FAILED:
            cases[-1] = cases[-1]._replace(detail=line.removeprefix("# "))
    return cases


def exit_code_cases(test, text, result):
    if result == "SKIP":
        reason = re.search(r"^skip: (.*)$", text, re.MULTILINE)
        return [Case(SKIPPED, test, "", reason[1] if reason else "")]
    return [Case(PASSED, test, "")] if result in ("OK", "EXPECTEDFAIL") else []


def cases_of(test, entry):
    """All cases of one test program. What meson calls bad has at least one failed case."""
    text, result = entry.get("stdout") or "", entry["result"]
    if test.protocol == "gtest":
        cases = gtest_cases(test, text)
    elif test.protocol == "tap":
        cases = tap_cases(test, text)
    else:
        cases = exit_code_cases(test, text, result)
    is_good = result in GOOD
    code = entry.get("returncode", 0)
    # A TAP program that says what failed also ends by itself, with 1, after all of its cases.
    ended_badly = test.protocol == "tap" and (code != 1 or result == "TIMEOUT" or len(cases) != tap_plan(text))
    if not is_good and (ended_badly or not any(case.outcome == FAILED for case in cases)):
        how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
        where = RUN_BUT_BAD if cases else ""
        cases.append(Case(FAILED, test, where, f"{result.lower()}, {how}"))
    if is_good and not cases:
        cases.append(Case(SKIPPED, test, "", "the program reported no case"))
    return cases


def read_log(build, base, tests):
    """The cases in one log, and the full output of each program with a failed one. An absent log has none."""
    file = build / "meson-logs" / f"{base}.json"
    cases, outputs, bad = [], {}, 0
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else []:
        entry = json.loads(line)
        name = entry["name"].split(" / ")[-1]
        by_command = [test for test in tests if test.command == entry["command"]]
        test = next(iter(by_command), Test(name, [], "exitcode", []))
        found = cases_of(test, entry)
        bad += entry["result"] not in GOOD
        cases += found
        if any(case.outcome == FAILED for case in found):
            errors = entry.get("stderr") or ""
            outputs[test.name] = (entry.get("stdout") or "") + (f"\n--- stderr\n{errors}" if errors else "")
    status = build / "meson-logs" / f"{base}.status"
    code = status.read_text(encoding="utf-8").strip() if status.exists() else "0"
    if int(code) != bad:  # it counts the programs that failed
        cases.append(Case(FAILED, Test("meson test", [], "", []), "", f"exit code {code}, see meson-logs/{base}.txt"))
    return cases, outputs


def sanitizer_reports(build):
    """A process that a test does not wait for writes its report only here.

    A process that is killed while it looks for leaks says that it could not look, which is no report.
    """
    files = sorted((build / "meson-logs" / "sanitizer").glob("*"))
    found = ("ERROR: ", "runtime error: ", "SUMMARY: ")
    return [file for file in files if any(word in file.read_text(errors="replace") for word in found)]


def to_run_again(cases):
    """The names of the tests whose only failures are limits that they missed, unless something else failed or they are many."""
    failed = [case for case in cases if case.outcome == FAILED]
    names = {case.test.name for case in failed}
    return names if all(LATE.search(case.detail) for case in failed) and len(names) <= MOST_AGAIN else set()


def full_name(test):
    suites = "+".join(test.suites)
    return f"{suites}/{test.name}" if suites else test.name


def title(case):
    return f"{full_name(case.test)}: {case.name}" if case.name else full_name(case.test)


def indent(text, lines):
    return "\n".join(f"    | {line}" for line in text.strip().splitlines()[-lines:])


def print_failures(failed, outputs, build, shown_as):
    directory = build / "meson-logs" / "failed"
    told = set()
    for case in failed:
        print(f"FAIL {title(case)}")
        if case.detail:
            print(indent(case.detail, TAIL_LINES))
        output = outputs.get(case.test.name)
        if output is None or case.test.name in told:
            continue
        told.add(case.test.name)
        (directory / f"{case.test.name}.log").write_text(output, encoding="utf-8", errors="replace")
        print(f"    log: {shown_as}/meson-logs/failed/{case.test.name}.log")
        if case.test.protocol != "gtest" or case.name == RUN_BUT_BAD or case.detail.endswith(DID_NOT_END):
            print(indent(output, TAIL_LINES))


def read_logs(build, logs, tests):
    cases, outputs = [], {}
    for base in logs:
        more_cases, more_outputs = read_log(build, base, tests)
        cases += more_cases
        outputs.update(more_outputs)
    return cases, outputs


def put_second_run(cases, second, outputs, options):
    """The cases, those that were late replaced by the second run's, which is told of. It counts only where it passes them."""
    again = to_run_again(cases) & {case.test.name for case in second}
    in_time = {(case.test.name, case.name) for case in second if case.outcome == PASSED}
    for case in cases:
        if case.outcome != FAILED or case.test.name not in again:
            continue
        if (case.test.name, case.name) not in in_time:
            again.discard(case.test.name)
            continue
        log = f"failed/{case.test.name}.first.log"
        (options.build / "meson-logs" / log).write_text(outputs[case.test.name], encoding="utf-8", errors="replace")
        print(f"AGAIN {title(case)}: late, and ran again by itself; log: {options.shown_as}/meson-logs/{log}")
        print(indent(case.detail, 1))
    failed = [case for case in second if case.outcome == FAILED and case.test.name not in again]
    kept = [case for case in cases if case.test.name not in again]
    return kept + [case for case in second if case.test.name in again] + failed


def report(options):
    tests = planned_tests(options.build)
    directory = options.build / "meson-logs" / "failed"
    directory.mkdir(exist_ok=True)
    for old in directory.iterdir():
        old.unlink()
    cases, outputs = read_logs(options.build, options.log, tests)
    second, second_outputs = read_logs(options.build, options.again, tests)
    cases = put_second_run(cases, second, outputs, options)
    outputs.update(second_outputs)
    if options.no_root:
        chosen = [test for test in tests if is_selected(test, options.suite, options.names, options.without)]
        cases += [Case(SKIPPED, test, "", options.no_root) for test in chosen if ROOT_SUITE in test.suites]
    failed = [case for case in cases if case.outcome == FAILED]

    allowed = []
    if options.strict:
        lines = options.strict.read_text(encoding="utf-8").splitlines()
        allowed = [line for line in lines if line and not line.startswith("#")]
    unexpected = 0
    for case in cases:
        if case.outcome == SKIPPED:
            reason = case.detail.replace("\n", " ").strip() or "no reason given"
            is_bad = bool(options.strict) and not reason.startswith(tuple(allowed))
            unexpected += is_bad
            print(f"SKIP {title(case)}: {reason}" + (f" (not allowed: {options.strict.name})" if is_bad else ""))

    print_failures(failed, outputs, options.build, options.shown_as)
    reports = sanitizer_reports(options.build)
    for file in reports:
        print(f"FAIL sanitizer report of {file.name}\n{indent(file.read_text(errors='replace'), TAIL_LINES)}")
    if not cases:
        print("FAIL no test ran")
    # A report usually belongs to a test that failed by it, so it is not counted beside one.
    failures = len(failed) or len(reports)
    passed = sum(case.outcome == PASSED for case in cases)
    skipped = sum(case.outcome == SKIPPED for case in cases)
    if unexpected:
        print(f"{unexpected} skips are not allowed here: cure them, or add their reason to {options.strict.name}")
    print(f"{passed} passed, {failures} failed, {skipped} skipped")
    return 1 if failures or unexpected or not cases else 0


def select(options):
    """Prints the names of the tests to run, those of the root suites or the others; an empty choice is an error.

    In the order in which they are to start: meson forgets their priorities once it is given names.
    """
    tests = planned_tests(options.build)
    known = {suite for test in tests for suite in test.suites}
    for suite in options.suite:
        if suite not in known:
            print(f"no suite {suite}: there are {', '.join(sorted(known))}", file=sys.stderr)
            return 1
    for pattern in options.names + options.without:
        if not any(is_selected(test, options.suite, [pattern]) for test in tests):
            print(f"no test {pattern}: `meson test -C {options.shown_as} --list` names them", file=sys.stderr)
            return 1
    chosen = [test for test in tests if is_selected(test, options.suite, options.names, options.without)]
    chosen = [test for test in chosen if (ROOT_SUITE in test.suites) == options.as_root]
    if options.alone or options.together:
        chosen = [test for test in chosen if test.is_parallel == options.together]
    if options.failed_in:
        again = to_run_again(read_logs(options.build, options.failed_in, tests)[0])
        chosen = [test for test in chosen if test.name in again]
    for name in dict.fromkeys(test.name for test in sorted(chosen, key=lambda test: (-test.priority, test.name))):
        print(name)
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("verb", choices=["select", "report"])
    parser.add_argument("build", type=Path)
    parser.add_argument("--suite", action="append", default=[])
    parser.add_argument("--log", action="append", default=[], help="a log's base name in meson-logs")
    parser.add_argument("--again", action="append", default=[], help="such a log whose tests ran by themselves, again")
    parser.add_argument("--failed-in", action="append", default=[], help="select only what failed in such a log")
    parser.add_argument("--as-root", action="store_true", help="select the tests of the suite that needs root")
    parser.add_argument("--alone", action="store_true", help="select only tests that nothing may run beside")
    parser.add_argument("--together", action="store_true", help="select only the others")
    parser.add_argument("--no-root", metavar="REASON", help="report the tests of that suite as skipped for this reason")
    parser.add_argument("--strict", type=Path, metavar="FILE", help="fail on a skip whose reason is not in FILE")
    parser.add_argument("--shown-as", help="how people reach the build directory")
    parser.add_argument("--name", action="append", default=[], dest="names", metavar="PATTERN")
    parser.add_argument("--without", action="append", default=[], metavar="PATTERN")
    options = parser.parse_args()
    options.shown_as = options.shown_as or options.build
    return {"select": select, "report": report}[options.verb](options)


if __name__ == "__main__":
    sys.exit(main())
