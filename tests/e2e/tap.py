"""Test cases, waiting with a deadline, and TAP on standard output.

    @case("a sentence that says what holds")
    def _(lab):
        ...

    run()

Each case gets a fresh Lab. A case that raises Skip is skipped with its reason; anything else that it raises fails it,
and the logs and statuses of its lab follow as TAP comments.
"""

import os
import sys
import time
import traceback

CASES = []

# How much slower than a plain build this one may be (a sanitized build: 3); limits of waits are stretched by it.
SLOWNESS = float(os.environ.get("REVERSI_E2E_SLOWNESS", "1"))


class Failed(Exception):
    """What was expected did not come to be."""


class Skip(Exception):
    """The case cannot run here; the text says why."""


def case(name):
    def keep(function):
        CASES.append((name, function))
        return function

    return keep


def check(condition, what):
    if not condition:
        raise Failed(what)


def wait_until(condition, limit_s, what, every_s=0.02):
    """Polls until `condition()` is true and returns (its value, the seconds that it took).

    `what` says in words what is awaited. It may be a function, asked after the deadline, for a text that shows the last
    value seen.
    """
    began = time.monotonic()
    limit_s *= SLOWNESS
    while True:
        value = condition()
        took = time.monotonic() - began
        if value:
            return value, took
        if took > limit_s:
            raise Failed(f"{what() if callable(what) else what}: not within {limit_s:g} s")
        time.sleep(every_s)


def hold(condition, seconds, what, every_s=0.2):
    """Fails as soon as `condition()` is false; returns after it was true for `seconds`."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if not condition():
            after = time.monotonic() - began
            raise Failed(f"{what() if callable(what) else what}: no longer true after {after:.1f} s")
        time.sleep(every_s)


def note(text):
    """A line for people: a comment in TAP."""
    for line in str(text).splitlines():
        print(f"# {line}", flush=True)


def run_one(number, name, function, make_lab):
    began = time.monotonic()
    lab = None
    try:
        with make_lab() as lab:
            function(lab)
    except Skip as skip:
        print(f"ok {number} - {name} # SKIP {skip}", flush=True)
        return True
    except Exception as error:  # noqa: BLE001: whatever a case raises is its failure
        print(f"not ok {number} - {name}", flush=True)
        if isinstance(error, Failed):
            note(f"failed: {error}")
        note(traceback.format_exc())
        note(getattr(lab, "last_report", "") or "the lab wrote no report")
        return False
    print(f"ok {number} - {name}", flush=True)
    note(f"took {time.monotonic() - began:.1f} s")
    return True


def run(make_lab, only=None):
    """Runs every case and returns the exit code."""
    chosen = [(name, function) for name, function in CASES if not only or only in name]
    print(f"1..{len(chosen)}", flush=True)
    results = [run_one(number, name, function, make_lab) for number, (name, function) in enumerate(chosen, 1)]
    sys.stdout.flush()
    return 0 if all(results) else 1
