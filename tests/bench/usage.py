"""What processes use, as /proc tells: processor time, memory of their own, wake-ups. A process that is gone counts nothing."""

import os
import time

SETTLE_STEP_S = 0.06
SETTLED_SHARE = 0.025  # of one processor
SETTLE_LIMIT_S = 8


def _tasks(process, file):
    try:
        for task in os.listdir(f"/proc/{process.pid}/task"):
            with open(f"/proc/{process.pid}/task/{task}/{file}", encoding="ascii", errors="replace") as stream:
                yield stream.read()
    except OSError:
        return


def cpu_seconds(processes):
    """Of all their threads, to the nanosecond: the first field of schedstat."""
    return sum(int(text.split()[0]) for each in processes for text in _tasks(each, "schedstat")) / 1e9


def wake_ups(processes):
    """How often their threads gave the processor back and slept."""
    lines = (line for each in processes for text in _tasks(each, "status") for line in text.splitlines())
    return sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))


def private_dirty_kib(processes):
    return sum(each.private_dirty_kib for each in processes)


def settle(processes):
    """Waits until they do next to nothing, so that what they did for the measurement before counts there."""
    deadline = time.monotonic() + SETTLE_LIMIT_S
    while time.monotonic() < deadline:
        before = cpu_seconds(processes)
        time.sleep(SETTLE_STEP_S)
        if cpu_seconds(processes) - before < SETTLE_STEP_S * SETTLED_SHARE:
            return
