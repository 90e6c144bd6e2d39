#!/usr/bin/env python3
"""node remove where sshd asks `reversi-server keys`: nobody who logs in meanwhile stays behind on the node's port."""

import json
import subprocess
import threading

import keys_command
import processes
import tap
from probes import probe

HELLO = {
    "type": "hello", "protocol": 1, "features": [], "node": "node-a", "client_version": "e2e", "os": "linux",
    "arch": "x86_64", "forwards": [{"name": "ssh", "target": "127.0.0.1:9"}],
}
LOOPS = 3


class Eager:
    """A client that is back at once, whatever it is told, and asks for its port without waiting for a welcome."""

    def __init__(self, lab, node, number):
        target = node.service().target
        known_hosts = lab.directory / "known_hosts"
        known_hosts.write_text(f"[127.0.0.1]:{lab.sshd.port} {lab.sshd.host_key}\n", encoding="utf-8")
        self.command = ["ssh", "-F", "none", "-T", "-i", str(node.key_file), "-p", str(lab.sshd.port), "-l", lab.user]
        for option in (f"UserKnownHostsFile={known_hosts}", "IdentitiesOnly=yes", "BatchMode=yes", "LogLevel=ERROR"):
            self.command += ["-o", option]
        self.command += ["-R", f"localhost:{node.port()}:{target}", "127.0.0.1", "agent"]
        self.environment = lab.environment
        self.hello = {**HELLO, "instance": f"i{number}", "run": f"r{number}", "machine": f"m{number}"}
        self.is_stopped = False
        self.logins = 0
        self.session = None
        self.thread = threading.Thread(target=self._loop, daemon=True)
        self.thread.start()
        lab.on_close(self.stop)

    def _loop(self):
        while not self.is_stopped:
            self.logins += 1
            self.session = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env=self.environment, preexec_fn=processes.die_with_parent,
            )
            try:
                self.session.stdin.write(json.dumps(self.hello).encode() + b"\n")
                self.session.stdin.flush()
            except OSError:
                pass
            self.session.wait()
            self.session.stdin = None

    def stop(self):
        self.is_stopped = True
        while self.thread.is_alive():
            if self.session:
                self.session.kill()
            self.thread.join(0.1)


@tap.case("clients that are back at once: within 5 s of node remove no agent of it, and the port is free")
def _(lab):
    keys_command.use(lab)
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    eager = [Eager(lab, node, number) for number in range(LOOPS)]
    tap.wait_until(lambda: lab.agent(node) and probe(node.port(), "node-a", 0.5).ok, 20, "one of them holds the port")
    lab.server("node", "remove", node)
    before = sum(each.logins for each in eager)

    def is_gone():
        return lab.agent(node) is None and not probe(node.port(), "node-a", 0.3).ok

    _, took = tap.wait_until(is_gone, 5, "no agent, and a free port")
    tap.note(f"gone after {took:.1f} s and {before} logins")
    tap.wait_until(lambda: sum(each.logins for each in eager) > before + 2 * LOOPS, 20, "they go on trying")
    tap.hold(is_gone, 2, "nobody is let in again")
    tap.check(not (lab.state_dir / "nodes" / "node-a").exists(), "the directory is still there")
    lab.server("node", "add", "node-b", "--key", "-", "--forward", f"ssh={node.port()}", text=node.public_key)


@tap.case("a login that was under way when the node was removed: its agent serves nothing, and ends the session")
def _(lab):
    keys_command.use(lab)
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    control = lab.directory / "control"
    log = lab.directory / "master.log"
    master = lab.plain_ssh(node.key_file, ("-N", "-M", "-S", str(control)), log)
    tap.wait_until(control.exists, 20, "a login")  # without a channel, nobody knows whose it is
    lab.server("node", "remove", node)
    hello = {**HELLO, "instance": "i", "run": "r", "machine": "m"}
    channel = subprocess.Popen(
        ["ssh", "-F", "none", "-S", str(control), "-l", lab.user, "127.0.0.1", "agent"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=lab.environment, preexec_fn=processes.die_with_parent,
    )
    channel.stdin.write(json.dumps(hello).encode() + b"\n")
    channel.stdin.flush()
    said = json.loads(channel.stdout.readline())
    tap.check(said["type"] == "refused" and said["reason"] == "disabled", f"{said}")
    tap.wait_until(lambda: master.poll() is not None, 20, "the session is ended")
    channel.kill()
    channel.wait(10)


keys_command.run(policy={"retry_first_ms": 100, "retry_longest_ms": 500})
