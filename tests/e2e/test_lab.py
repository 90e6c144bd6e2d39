#!/usr/bin/env python3
"""The lab itself, proven with plain ssh: what the other tests stand on."""

import socket
import subprocess
import time

import lab
import processes
import tap
from probes import probe
from services import SourceService


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


@tap.case("a relay passes bytes at its rate, stalls, and cuts")
def _(lab):
    source = SourceService("source", lab.ports.take())
    lab.on_close(source.close)
    relay = lab.relay(source.port, bytes_per_second=125_000)
    with socket.create_connection(("127.0.0.1", relay.port), timeout=5) as user:
        began = time.monotonic()
        got = 0
        while got < 250_000:
            got += len(user.recv(65536))
        took = time.monotonic() - began
        tap.check(1.5 < took < 4, f"250 kB at 1 Mbit/s took {took:.2f} s")
        relay.stall()
        user.settimeout(1)
        try:
            while user.recv(65536):
                pass
        except socket.timeout:
            pass
        relay.resume()
        tap.check(user.recv(65536), "nothing after the stall")
        relay.cut()
        try:
            while user.recv(65536):
                pass
        except ConnectionResetError:
            pass


lab.main()
