#!/usr/bin/env python3
"""50,000 mutated protocol inputs to agents: none crashes, grows, floods the events or touches another node."""

import hashlib
import subprocess
import sys
from pathlib import Path

import hostile_input
import lab
import processes
import tap
from lab import program
from probes import probe

IS_PLAIN_BUILD = tap.SLOWNESS == 1
INPUTS = 50_000 if IS_PLAIN_BUILD else 10_000  # sanitized agents are slow to start
SEED = 20_240_607
PEAK_KIB = 16 * 1024
SESSION_LIMIT_S = 20
DRIVERS = 2


class Driver:
    """agent_driver.py for one node."""

    def __init__(self, lab, node, port):
        agent = [program("REVERSI_SERVER"), "agent", "--node", node, "--grant", f"ssh={port}"]
        agent += ["--state-dir", str(lab.state_dir)]
        here = Path(__file__).resolve().parent
        limit = str(SESSION_LIMIT_S * tap.SLOWNESS)
        self._command = [sys.executable, "-S", "-E", "-B", str(here / "agent_driver.py"), limit, *agent]
        self._input = lab.directory / f"session-{node}"
        self._log = open(lab.directory / f"agent-{node}.log", "ab")
        self._child = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            preexec_fn=processes.die_with_parent,
        )
        lab.on_close(self.close)

    def send(self, text):
        self._input.write_bytes(text)
        self._child.stdin.write(f"{self._input}\n".encode())
        self._child.stdin.flush()

    def result(self):
        """[exit code, peak RSS in KiB, seconds], or ["stuck"]."""
        return self._child.stdout.readline().decode().split()

    def close(self):
        self._child.kill()
        self._child.wait(10)
        self._log.close()


def fingerprint(directory):
    """Every name, mode and byte below a directory."""
    seen = hashlib.sha256()
    for path in sorted(directory.rglob("*")):
        seen.update(f"{path.relative_to(directory)} {path.lstat().st_mode:o} {path.lstat().st_mtime_ns}\n".encode())
        if path.is_file():
            seen.update(path.read_bytes())
    return seen.hexdigest()


@tap.case(f"{INPUTS} seeded mutated inputs: no crash, 16 MiB, one event a session, the neighbours untouched")
def _(lab):
    service = lab.nonce_service("node-b")
    neighbour = lab.add_node("node-b", {"ssh": service})
    session = lab.up(neighbour)["session"]["id"]
    lab.add_node("node-c", {"ssh": lab.nonce_service("node-c")})
    untouched = lab.state_dir / "nodes" / "node-c"
    before = fingerprint(untouched)
    outside = {path.name for path in lab.state_dir.iterdir()}
    names = [f"evil-{number}" for number in range(DRIVERS)]
    drivers = []
    for name in names:
        node = lab.add_node(name, {"ssh": lab.nonce_service(name)})
        drivers.append(Driver(lab, name, node.port()))
    inputs = sessions = peak = 0
    seed = SEED
    while inputs < INPUTS:
        for name, driver in zip(names, drivers):
            text, mutated = hostile_input.session(seed + sessions, name)
            driver.send(text)
            inputs += mutated
            sessions += 1
        for number, driver in enumerate(drivers, sessions - len(drivers)):
            words = driver.result()
            tap.check(words != ["stuck"], f"seed {seed + number}: the agent did not end within {SESSION_LIMIT_S} s")
            tap.check(words[0] in ("0", "1", "3"), f"seed {seed + number}: exit status {words[0]}")
            peak = max(peak, int(words[1]))
        if sessions % 200 == 0:
            tap.check(probe(neighbour.port(), "node-b").ok, f"the neighbour is silent after {sessions} sessions")
    tap.note(f"{inputs} inputs in {sessions} sessions, peak {peak} KiB")
    tap.check(peak <= PEAK_KIB or not IS_PLAIN_BUILD, f"peak RSS {peak} KiB")  # a sanitizer has memory of its own
    tap.check(fingerprint(untouched) == before, "node-c's directory changed")
    tap.check({path.name for path in lab.state_dir.iterdir()} == outside, "something new in the state directory")
    tap.check(lab.session_id(neighbour) == session, "the neighbour's session id changed")
    for name in names:
        events = lab.events(name)
        broken = [each for each in events if "broken" in each]
        tap.check(not broken, f"{name}: event lines that are no JSON: {broken[:3]}")
        of_session = {}
        for event in events:
            key = event.get("session")
            of_session[key] = of_session.get(key, 0) + 1
        of_session.pop(None, None)
        most = max(of_session.values(), default=0)
        tap.check(most <= 1, f"{name}: {most} events of one session: {events[-5:]}")
        tap.check(len(events) <= sessions // DRIVERS, f"{name}: {len(events)} events")


lab.main()
