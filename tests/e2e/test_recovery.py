#!/usr/bin/env python3
"""How long it takes, on defaults and on loopback: these figures are promised, so nothing may run beside them."""

import time

import lab
import tap
from probes import probe


def outage(lab, node, limit_s, what):
    """Waits until a fresh nonce comes back again and returns the seconds since the call."""
    began = time.monotonic()
    last = [None]

    def answered():
        last[0] = probe(node.port(), "node-a", 0.5)
        return last[0].ok

    tap.wait_until(answered, limit_s, lambda: f"an answer after {what}, last: {last[0]}", every_s=0.01)
    took = time.monotonic() - began
    tap.note(f"{what}: {took:.2f} s to the right answer (limit {limit_s:g} s)")
    return took


def up(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    lab.up(node)
    return node


@tap.case("from `reversi-client run` to a right answer through the port: 1 s")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    node.start()
    outage(lab, node, 1.0, "start")
    lab.wait_state(node, "up", 5)


@tap.case("after kill -9 of the worker: 1.5 s")
def _(lab):
    node = up(lab)
    session = lab.session_id(node)
    worker = node.worker()
    supervisor = node.supervisor
    worker.kill()
    outage(lab, node, 1.5, "worker killed")
    status = lab.wait_state(node, "up", 5)[0]
    tap.check(status["session"]["id"] != session, "the same session id after the worker was killed")
    tap.check(node.supervisor == supervisor and supervisor.is_alive, "the supervisor did not survive")


@tap.case("after SIGSTOP of the worker: 12 s")
def _(lab):
    node = up(lab)
    worker = node.worker()
    worker.stop()
    outage(lab, node, 12, "worker stopped")
    tap.wait_until(lambda: not worker.is_alive, 5, "the stopped worker is gone")
    lab.wait_state(node, "up", 5)


@tap.case("after SIGSTOP of the server's sshd child: 25 s")
def _(lab):
    node = up(lab)
    stopped = lab.session_sshd(node)
    stopped.stop()
    outage(lab, node, 25, "sshd child stopped")
    tap.wait_until(lambda: not stopped.is_alive, 10, "the stopped sshd is gone")
    lab.wait_state(node, "up", 5)


lab.main()
