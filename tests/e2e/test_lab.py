#!/usr/bin/env python3
"""The lab itself, proven with plain ssh: what the other tests stand on."""

import subprocess

import lab
import processes
import tap
from probes import probe


@tap.case("a nonce comes back through a plain ssh -R and not after its end")
def _(lab):
    service = lab.nonce_service("plain")
    port = lab.ports.take()
    session = lab.foreign_session("plain", arguments=("-N", "-R", f"localhost:{port}:{service.target}"))
    tap.wait_until(lambda: probe(port, "plain").ok, 10, "an answer through ssh -R")
    for mode in ("wrong", "hang", "down"):
        service.mode = mode
        tap.check(not probe(port, "plain", 0.5).ok, f"the probe believes a service that is {mode}")
    service.mode = "ok"
    tap.check(probe(port, "plain").ok, "no answer from a service that is well again")
    session.kill()
    tap.wait_until(lambda: not probe(port, "plain").ok, 10, "no answer after the session's end")


@tap.case("a closed lab leaves no process, not even a stopped one")
def _(lab):
    lab.foreign_session("one")
    tap.wait_until(lambda: len(lab.sshd.sessions()) >= 1, 10, "a session")
    below = lab.sshd.sessions()
    below[-1].stop()
    lab.close()
    tap.check(not [each for each in below if each.is_alive], "a session is left")


@tap.case("a process is known by its start time too")
def _(lab):
    child = subprocess.Popen(["sleep", "60"])
    known = processes.Process(child.pid)
    known.kill()
    child.wait(10)
    tap.check(not known.is_alive and not known.signal(0), "a process that ended counts as alive")


lab.main()
