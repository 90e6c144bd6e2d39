#!/usr/bin/env python3
"""Another account's process sits on the node's port, on one address family: a green light would be false."""

import os

import lab
import tap
from probes import ask, probe
from stranger import stranger


def verdicts(lab, node):
    return {each["name"]: each["verdict"] for each in lab.status(node).get("forwards", [])}


def taken_and_freed(lab, address):
    if os.geteuid() != 0:
        raise tap.Skip("needs root: a listener of another account")
    node = lab.add_node("node-a", {"taken": lab.nonce_service("taken"), "free": lab.nonce_service("free")})
    child = stranger(lab, address, node.port("taken"))
    node.start()
    lab.wait_answer(node, 20, "free")
    wanted = {"taken": "port_taken", "free": "healthy"}
    tap.wait_until(lambda: verdicts(lab, node) == wanted, 30, lambda: f"{wanted}, last: {verdicts(lab, node)}")
    status = lab.status(node)
    tap.check(status["state"] == "degraded", f"state {status['state']}")
    tap.note(f"reason: {[each['reason'] for each in status['forwards'] if each['name'] == 'taken'][0]}")
    undisturbed = child.poll() is None and ask(node.port("taken"), b"", 64, 2, address) == b"stranger\n"
    tap.check(undisturbed, "the stranger was disturbed")
    child.kill()
    child.wait(10)

    def answers():
        return [probe(node.port("taken"), "taken", address=family) for family in ("127.0.0.1", "::1")]

    _, took = tap.wait_until(lambda: all(each.ok for each in answers()), 150, lambda: f"both families: {answers()}")
    tap.note(f"both families answer {took:.1f} s after the stranger left")
    seen = lab.wait_state(node, "up", 90)[0]
    tap.check(seen["session"]["id"] == status["session"]["id"], "another session id")


@tap.case("127.0.0.1 is taken by another account: port_taken, the other forward is healthy, and it heals")
def _(lab):
    taken_and_freed(lab, "127.0.0.1")


@tap.case("::1 is taken by another account: port_taken, the other forward is healthy, and it heals")
def _(lab):
    taken_and_freed(lab, "::1")


lab.main()
