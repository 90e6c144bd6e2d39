#!/usr/bin/env python3
"""A node with two servers, each with a state directory of its own: it fails over, and returns without a gap."""

import os
import signal

import lab as labs
import tap
from probes import probe


class TwoServers:
    """The lab is the first server; `second` is the other. The node has another port on each."""

    def __init__(self, lab):
        self.first = lab
        self.second = labs.Lab(lab.directory.parent, policy={"try_earlier_ms": 2000})
        self.second.__enter__()
        lab.on_close(self.second.close)
        self.node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
        self.second_port = self.second.ports.take()
        rights = ["--key", "-", "--forward", f"ssh={self.second_port}"]
        self.second.server("node", "add", "node-a", *rights, text=self.node.public_key)
        servers = [{"host": "127.0.0.1", "port": each.sshd.port, "user": each.user} for each in (lab, self.second)]
        self.node.settings["servers"] = servers
        self.node.write_config()
        lines = [f"[127.0.0.1]:{each.sshd.port} {each.sshd.host_key}\n" for each in (lab, self.second)]
        self.node.known_hosts_file.write_text("".join(lines), encoding="utf-8")

    def answers(self):
        """Through the first server's port, and through the second's, which is asked first: a tunnel that moves to the
        first server in between is seen on both, and never on neither."""
        second = probe(self.second_port, "node-a", 1).ok
        return probe(self.node.port(), "node-a", 1).ok, second


@tap.case("the first server is away: the second is taken at once; the first is back: the new tunnel first, then the old")
def _(lab):
    two = TwoServers(lab)
    lab.sshd.stop()
    two.node.start()
    _, took = tap.wait_until(lambda: two.answers()[1], 10, "an answer through the second server")
    tap.note(f"on the second server after {took:.1f} s")
    tap.check(two.second.wait_state(two.node, "up", 10)[0]["session"], "no session on the second server")
    lab.sshd.start()
    seen = []

    def moved():
        seen.append(two.answers())
        return seen[-1] == (True, False)

    _, took = tap.wait_until(moved, 20, lambda: f"moved to the first server, last: {seen[-1]}")
    tap.note(f"moved {took:.1f} s after it was back; answered by (first, second): {sorted(set(seen))}")
    tap.check((False, False) not in seen, "a moment without any tunnel")
    lab.wait_state(two.node, "up", 10)
    status, _ = two.node.wait_status(lambda each: each["state"] == "up", 10, "up")
    tap.check(status["server"].endswith(f":{lab.sshd.port}"), f"server {status['server']}")
    tap.check(len(workers(two.node)) == 1, f"{workers(two.node)}")
    tap.check(lab.status(two.node)["counters"]["sessions"] == 1, "more than one session for the move")


def workers(node):
    found = [each for each in node.supervisor.descendants() if each.is_alive]
    return [each for each in found if os.path.basename(each.command_line.split(" ")[0]) == "reversi-worker"]


@tap.case("an earlier server that lets no forward listen costs the session on the later one nothing")
def _(lab):
    two = TwoServers(lab)
    lab.sshd.stop()
    two.node.start()
    session = two.second.wait_state(two.node, "up", 15)[0]["session"]["id"]
    lab.server("node", "disable", two.node)
    lab.sshd.start()
    refused = lambda: "disabled" in two.node.log_text()  # noqa: E731
    tap.wait_until(refused, 20, "the first server refused the trial")
    tap.hold(lambda: two.answers()[1] and two.second.session_id(two.node) == session, 6, "the same session")


@tap.case("a stop while an earlier server is tried ends the client and both of its workers")
def _(lab):
    two = TwoServers(lab)
    lab.sshd.stop()
    two.node.start()
    two.second.wait_state(two.node, "up", 15)
    lab.sshd.start()
    lab.sshd.process.stop()  # the kernel takes the connection, and nobody says a word
    tap.wait_until(lambda: len(workers(two.node)) == 2, 20, lambda: f"a trial beside the session: {workers(two.node)}")
    below = two.node.supervisor.descendants()
    slow = two.second.session_sshd(two.node)
    slow.stop()  # so that saying good-bye takes its whole second
    two.node.supervisor.signal(signal.SIGTERM)
    lab.sshd.process.resume()  # the trial would succeed now, and must not take the place of what is to end
    tap.wait_until(lambda: two.node.exit_code is not None, 10, "the client ends")
    tap.check(two.node.exit_code == 0, f"not a clean end: {two.node.exit_code}")
    tap.wait_until(lambda: not [each for each in below if each.is_alive], 5, lambda: f"no worker is left: {below}")
    slow.resume()
    tap.wait_until(lambda: two.second.status(two.node)["state"] == "down", 10, "the session on the later one is over")


labs.main()
