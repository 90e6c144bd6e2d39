#!/usr/bin/env python3
"""Another account's process sits on the node's port, on one address family: a green light would be false."""

import os
import subprocess
import sys

import lab
import tap
from probes import ask, probe

OTHER_UID = 65534
LISTENER = """
import os, socket, sys
os.setgroups([])
os.setgid(int(sys.argv[3]))
os.setuid(int(sys.argv[3]))
listener = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
if ":" in sys.argv[1]:
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
listener.bind((sys.argv[1], int(sys.argv[2])))
listener.listen(16)
print("ready", flush=True)
while True:
    connection, _ = listener.accept()
    connection.sendall(b"stranger\\n")
    connection.close()
"""


def stranger(lab, address, port):
    """A listener of another uid; returns its Popen."""

    command = [sys.executable, "-c", LISTENER, address, str(port), str(OTHER_UID)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE)

    def stop():
        child.kill()
        child.wait(10)

    lab.on_close(stop)
    tap.check(child.stdout.readline() == b"ready\n", f"nobody listens on {address}")
    return child


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
