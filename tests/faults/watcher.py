"""The judges of a tunnel, twice a second: a fresh nonce in through the exposed port and the same nonce out, and what
`reversi-server status NODE --json` says at that time."""

import threading
import time
from typing import NamedTuple

from probes import probe

EVERY_S = 0.5
PROBE_LIMIT_S = 2.0


class Sample(NamedTuple):
    asked_at: float
    told_at: float  # when both answers were there
    answered: bool
    detail: str
    status: dict

    @property
    def state(self):
        return self.status.get("state", "")

    @property
    def session(self):
        return (self.status.get("session") or {}).get("id", "")

    @property
    def verdicts(self):
        return {each["name"]: each["verdict"] for each in self.status.get("forwards", [])}


class Watcher:
    """Asks until close(). A question that hangs does not hold up the next one."""

    def __init__(self, lab, node, forward, address):
        self._ask_status = lambda: lab.status(node)
        self._ask = lambda: probe(node.port(forward), node.service(forward).name, PROBE_LIMIT_S, address)
        self._samples = []
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self):
        self._ended.set()
        self._thread.join(10)

    def samples(self):
        """In the order in which they were asked for."""
        with self._lock:
            return sorted(self._samples, key=lambda sample: sample.asked_at)

    def good_since(self, is_good):
        """(since when every sample is good, or None; how many those are)."""
        since, count = None, 0
        for sample in reversed(self.samples()):
            if not is_good(sample):
                break
            since, count = sample.told_at, count + 1
        return since, count

    def _run(self):
        due = time.monotonic()
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            threading.Thread(target=self._take, daemon=True).start()
            due += EVERY_S

    def _take(self):
        asked_at = time.monotonic()
        answer = self._ask()
        status = self._ask_status()
        sample = Sample(asked_at, time.monotonic(), answer.ok, answer.detail, status)
        with self._lock:
            self._samples.append(sample)
