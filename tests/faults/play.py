"""Plays one row in the namespaces that it was started in, and writes what came of it as JSON. Started by matrix.py.

usage: play.py ROW RESULT_FILE [PROGRAM]

With a PROGRAM of plain_node.py the row is played to that instead of reversi: only the prober judges, and it may take
two minutes.
"""

import inspect
import json
import os
import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

import processes  # noqa: E402
import tap  # noqa: E402
from fault_lab import FaultLab  # noqa: E402
from row import END, NEW, SAME  # noqa: E402
from table import ROWS  # noqa: E402
from watcher import EVERY_S, Watcher  # noqa: E402

SETTLE_S = 5  # what recovered has to stay so for this long
GRACE_S = 30  # beyond its limit, so that the table says how late it was
PLAIN_LIMIT_S = 110  # after that it is never


class Judge:
    def __init__(self, row, lab, before):
        self.row = row
        self.lab = lab
        self.before = before
        self.logins_before = lab.logins()
        self.watcher = Watcher(lab, lab.node, row.forward or None, row.address)
        lab.on_close(self.watcher.close)
        self.began = time.monotonic()
        self.ended = self.began

    def is_good(self, sample):
        if self.lab.program:
            return sample.answered
        return sample.answered and sample.state == self.row.state and self._is_right(sample.session)

    def _is_right(self, session):
        if self.row.session == NEW:
            return session not in ("", self.before)
        return session == self.before if self.row.session == SAME else session != ""

    def wait(self):
        """Until all was well for SETTLE_S, or the limit and its grace are over; returns since when, or None."""
        reference = self.ended if self.row.counted_from == END else self.began
        give_up = reference + (PLAIN_LIMIT_S if self.lab.program else self.row.limit_s * tap.SLOWNESS + GRACE_S)
        while True:
            since, count = self.watcher.good_since(self.is_good)
            now = time.monotonic()
            if since and now - since >= SETTLE_S and count >= SETTLE_S / EVERY_S / 2:
                return max(0.0, since - reference)
            if now > give_up and since is None:
                return None
            time.sleep(0.1)

    def delays(self, seconds):
        """What was late: the row's fault, or that of a machine that had other rows to play."""
        row, limit_s = self.row, self.row.limit_s * tap.SLOWNESS
        if seconds is None:
            yield f"not well within {limit_s + GRACE_S:g} s, last: {next(reversed(self.samples()), None)}"
        elif seconds > limit_s:
            yield f"{seconds:.1f} s, limit {limit_s:g} s"
        answer_seconds = self.answer_seconds()
        if row.answer_limit_s and (answer_seconds is None or answer_seconds > row.answer_limit_s * tap.SLOWNESS):
            yield f"a right answer after {answer_seconds} s, limit {row.answer_limit_s:g} s"

    def samples(self):
        return [each for each in self.watcher.samples() if each.asked_at >= self.began]

    def complaints(self):
        """What no other row can be blamed for."""
        row, samples = self.row, self.samples()
        if self.logins() > row.logins:
            yield f"{self.logins()} logins, at most {row.logins}"
        sessions = {each.session for each in samples if each.session} - {self.before}
        if row.session == SAME and sessions:
            yield f"another session: {sorted(sessions)}, before: {self.before}"
        missed = [each for each in samples if not each.answered]
        if row.is_unbroken and missed:
            yield f"{len(missed)} of {len(samples)} questions without a right answer, first: {missed[0]}"
        seen = {word for each in samples for word in [each.state, *each.verdicts.values()]}
        for word in sorted(set(row.sees) - seen):
            yield f"the status never said: {word}"
        for word in sorted(seen & set(row.never)):
            yield f"the status said: {word}"

    def logins(self):
        return self.lab.logins() - self.logins_before

    def answer_seconds(self):
        """The same count for the prober alone: what a user feels."""
        since, _ = self.watcher.good_since(lambda sample: sample.answered)
        reference = self.ended if self.row.counted_from == END else self.began
        return None if since is None else round(max(0.0, since - reference), 1)


def wait_heartbeat(node):
    def last():
        return node.status().get("heartbeat", {}).get("last_ack_at")

    before = last()
    tap.wait_until(lambda: last() != before, 20, "a heartbeat is answered", every_s=0.1)


def play(row, lab):
    lab.node = row.make(lab)
    before = ""
    if row.is_up_before:
        lab.node.start()
        lab.wait_answer(lab.node, 20)
    if row.is_up_before and not lab.program:
        before = lab.wait_state(lab.node, row.state_before, 20)[0]["session"]["id"]
    if row.is_after_heartbeat and not lab.program:
        wait_heartbeat(lab.node)
    judge = Judge(row, lab, before)
    steps = row.fault(lab)
    if inspect.isgenerator(steps):
        next(steps)
    while time.monotonic() < judge.began + row.lasts_s:
        time.sleep(0.05)
    if inspect.isgenerator(steps):
        next(steps, None)
    judge.ended = time.monotonic()
    seconds = judge.wait()
    judge.watcher.close()
    late, wrong = ([], []) if lab.program else (list(judge.delays(seconds)), list(judge.complaints()))
    result = {"seconds": seconds, "answer_seconds": judge.answer_seconds(), "logins": judge.logins()}
    return {**result, "passed": not late + wrong, "was_late": not wrong, "why": "; ".join(late + wrong)}


def body(scratch, row, result_file, program):
    result = {"seconds": None, "answer_seconds": None, "logins": None, "passed": False, "why": ""}
    try:
        with FaultLab(scratch, program=program) as lab:
            result = play(row, lab)
            print("\n".join([*lab.notes, lab.report()]))
    except tap.Skip as skip:
        result["skipped"] = str(skip)
    except Exception as error:  # noqa: BLE001: whatever a row raises is its failure
        result["why"] = f"{type(error).__name__}: {error}"
        result["was_late"] = isinstance(error, tap.Failed)  # what was awaited did not come in time
        print(traceback.format_exc())
        print(getattr(locals().get("lab"), "last_report", ""))
    Path(result_file).write_text(json.dumps(result), encoding="utf-8")
    return 0


def main():
    name, result_file, *program = sys.argv[1:]
    row = next(each for each in ROWS if each.name == name)
    os.environ["PATH"] += ":/usr/local/sbin:/usr/sbin:/sbin"  # where Debian keeps ip, nft and sshd
    processes.guard(lambda scratch: body(scratch, row, result_file, "".join(program)))


main()
