#!/usr/bin/env python3
"""Who is let in: the node's key at the server, the server's key at the node."""

import json
import subprocess

import lab
import tap
from sshd import make_key


def fingerprint(key_file):
    shown = subprocess.run(["ssh-keygen", "-lf", str(key_file)], stdout=subprocess.PIPE, check=True, timeout=10)
    return shown.stdout.decode().split()[1]


def says(status, *words):
    """The client's reason names all of these."""
    return all(word in json.dumps(status) for word in words)


@tap.case("a key that the server does not know: refused with a reason; once approved, up within 40 s")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")}, register=False)
    node.start()
    named = str(node.key_file)
    status, _ = node.wait_status(lambda seen: named in seen["reason"], 15, "the reason names the refused key")
    tap.note(f"the client says: {status['reason']}")
    tap.check(status["state"] != "up", f"state {status['state']}")
    tap.check(node.supervisor.is_alive, "the supervisor gave up")
    node.register()
    tap.note(f"an answer {lab.wait_answer(node, 40):.1f} s after the approval")
    lab.wait_state(node, "up", 10)


@tap.case("the server's host key changed: refused with file and fingerprint, up again once it is pinned")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    lab.up(node)
    other = lab.directory / "other_host_key"
    other_public = make_key(other, "host").rsplit(" ", 1)[0]
    lab.sshd.replace_host_key(other)
    status, took = node.wait_status(
        lambda seen: says(seen, str(node.known_hosts_file), fingerprint(other)), 20, "the reason names file and key"
    )
    tap.note(f"after {took:.1f} s the client says: {status['reason']}")
    tap.check(status["state"] != "up", f"state {status['state']}")
    line = [each for each in node.log_text().splitlines() if fingerprint(other) in each]
    tap.check(line and str(node.known_hosts_file) in line[0], f"no log line names both: {line}")
    tap.check(not lab.agent(node), "an agent runs although the host key was refused")
    node.trust(other_public)
    node.client("restart-tunnel")
    lab.wait_answer(node, 10)


lab.main()
