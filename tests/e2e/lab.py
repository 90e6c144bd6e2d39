"""A whole installation in one private directory: sshd, server state, nodes, services. Nothing outlives it.

    import lab, tap

    @tap.case("a nonce comes back through the exposed port")
    def _(lab):
        service = lab.nonce_service("node-a")
        node = lab.add_node("node-a", {"ssh": service})
        node.start()
        lab.wait_answer(node)

    lab.main()

The programs under test are named by REVERSI_CLIENT, REVERSI_WORKER and REVERSI_SERVER.
"""

import argparse
import getpass
import json
import os
import subprocess
import sys
from pathlib import Path

import namespaces
import processes
import tap
from node import Node
from ports import Ports
from relay import Relay
from services import NonceService
from sshd import Sshd, make_key

TAIL_LINES = 40
VERB_LIMIT_S = 30


class Lab:
    def __init__(self, scratch, sshd_options=(), policy=None):
        """`policy`: what server.json says; without it there is none, and the defaults hold."""
        self.directory = Path(scratch) / f"lab{len(os.listdir(scratch)) + 1}"
        self.home = self.directory / "home"
        self.state_dir = self.directory / "state"
        self.authorized_keys = self.home / ".ssh" / "authorized_keys"
        self.user = getpass.getuser() if os.geteuid() else "root"
        self.ports = Ports()
        self.nodes = []
        self.last_report = ""
        self._closing = []  # in reverse order
        for directory in (self.directory, self.home, self.state_dir, self.authorized_keys.parent):
            directory.mkdir(mode=0o700)
        self.authorized_keys.touch(mode=0o600)
        if policy:
            (self.state_dir / "server.json").write_text(json.dumps(policy) + "\n", encoding="utf-8")
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("SSH_", "XDG_"))},
            "HOME": str(self.home),
            "REVERSI_STATE_DIR": str(self.state_dir),
        }
        self.sshd = Sshd(self.directory, self.ports.take(), self.authorized_keys, sshd_options)

    def __enter__(self):
        self.sshd.start()
        return self

    def __exit__(self, kind, error, trace):
        if error is not None and not isinstance(error, tap.Skip):
            self.last_report = self.report()
        self.close()

    def close(self):
        for node in self.nodes:
            node.kill()
        while self._closing:
            self._closing.pop()()
        self.sshd.close()
        self.ports.close()

    def on_close(self, action):
        self._closing.append(action)

    # ---- the server ----------------------------------------------------------------------------

    def server(self, *arguments, code=0, text=None):
        """Runs one verb of reversi-server and returns its standard output. `code` None: any."""
        return run_program([program("REVERSI_SERVER"), *map(str, arguments)], self.environment, code, text)

    def status(self, node):
        """`reversi-server status NODE --json`, or {} when there is none to be had."""
        try:
            return json.loads(self.server("status", str(node), "--json"))
        except (tap.Failed, ValueError):
            return {}

    def session_id(self, node):
        """The id of the node's session, or "" when it has none."""
        return (self.status(node).get("session") or {}).get("id", "")

    def events(self, node):
        """What the node's event files hold, oldest first."""
        found = []
        for path in sorted((self.state_dir / "nodes" / str(node)).glob("events.jsonl*"), reverse=True):
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                try:
                    found.append(json.loads(line))
                except ValueError:
                    found.append({"broken": line})
        return found

    def agent(self, node):
        """The process of the node's agent below our sshd, or None."""
        wanted = f"agent --node {node} "
        found = [each for each in self.sshd.sessions() if each.is_alive and wanted in each.command_line + " "]
        found = [each for each in found if "sshd" not in each.command_line.split(" ")[0]]
        return found[-1] if found else None

    def session_sshd(self, node):
        """The sshd child that holds the node's listeners: its agent's parent. None without; an agent that has just lost it
        was adopted by the process above this one."""
        agent = self.agent(node)
        parent_pid = agent.parent_pid if agent else 0
        return next((each for each in self.sshd.sessions() if each.pid == parent_pid), None)

    # ---- nodes and services --------------------------------------------------------------------

    def add_node(self, name, forwards, **options):
        """Registers a node. `forwards`: name → a service of services.py, or a target as text."""
        node = Node(self, name, forwards, **options)
        self.nodes.append(node)
        return node

    def add_node_like(self, node, **options):
        """The same identity once more: a clone, or the same machine after a power cut. Its directories are its own."""
        twin = Node(self, node.name, node.forwards, like=node, register=False, **options)
        self.nodes.append(twin)
        return twin

    def nonce_service(self, name="node-a", **options):
        service = NonceService(name, self.ports.take(), **options)
        self.on_close(service.close)
        return service

    def relay(self, server_port=None, **options):
        """A thin link to the server, or to another port; give its `port` to a node as `server_port`."""
        relay = Relay(self.ports.take(), server_port or self.sshd.port, **options)
        self.on_close(relay.close)
        return relay

    def wait_answer(self, node, limit_s=10, forward=None):
        """Waits until a fresh nonce comes back through the node's exposed port; returns the seconds.

        Without `forward` it is the first whose service can answer.
        """
        forward = forward or next(name for name in node.forwards if node.service(name).can_answer)
        port, service = node.port(forward), node.service(forward)
        answers = []

        def answered():
            answers.append(service.probe(port))
            return answers[-1].ok

        return tap.wait_until(answered, limit_s, lambda: f"a nonce through port {port}, last: {answers[-1]}")[1]

    def wait_state(self, node, states, limit_s=10):
        """Waits until `reversi-server status` says one of these states; returns (status, seconds)."""
        wanted = {states} if isinstance(states, str) else set(states)
        seen = [{}]

        def reached():
            seen[0] = self.status(node)
            return seen[0] if seen[0].get("state") in wanted else None

        def what():
            return f"{node} {' or '.join(sorted(wanted))}, last: {json.dumps(seen[0])}"

        return tap.wait_until(reached, limit_s, what, every_s=0.05)

    def up(self, node, limit_s=15):
        """Starts the node's client and waits until it answers and the server calls it up; returns its status."""
        node.start()
        self.wait_answer(node, limit_s)
        return self.wait_state(node, "up", limit_s)[0]

    def foreign_session(self, name, key_line_options="", arguments=("-N",)):
        """A plain `ssh` session of the same account, as people and other tunnels have them. Returns its Popen."""
        key = self.directory / f"foreign-{name}"
        public = make_key(key)
        with open(self.authorized_keys, "a", encoding="utf-8") as stream:
            stream.write(f"{key_line_options}{' ' if key_line_options else ''}{public}\n")
        return self.plain_ssh(key, arguments, self.directory / f"foreign-{name}.log")

    def plain_ssh(self, key, arguments, log_path, pin=True):
        """`ssh` with this key; without `pin` only what `arguments` and the system name as known_hosts counts."""
        known_hosts = self.directory / "known_hosts"
        known_hosts.write_text(f"[127.0.0.1]:{self.sshd.port} {self.sshd.host_key}\n", encoding="utf-8")
        options = ["IdentitiesOnly=yes", "BatchMode=yes", "LogLevel=VERBOSE"]
        if pin:
            options.append(f"UserKnownHostsFile={known_hosts}")
        command = ["ssh", "-F", "none", "-i", str(key), "-p", str(self.sshd.port), "-l", self.user]
        for option in options:
            command += ["-o", option]
        with open(log_path, "ab") as log:
            session = subprocess.Popen(
                [*command, *arguments, "127.0.0.1"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
                preexec_fn=processes.die_with_parent,
            )

        def stop():
            session.kill()
            session.wait(10)

        self.on_close(stop)
        return session

    # ---- what to show when something failed ------------------------------------------------------

    def report(self):
        """The end of every log, every status, the processes and the exposed ports."""
        parts = []
        for path in sorted(self.directory.rglob("*")):
            wanted = path.suffix in (".log", ".jsonl") or path.name in ("status.json", "session.json", "policy.json")
            if wanted and path.is_file() and path.stat().st_size:
                lines = path.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:]
                parts.append(f"---- {path.relative_to(self.directory)}\n" + "\n".join(lines))
        for node in self.nodes:
            parts.append(f"---- client status {node.directory.name}\n{node.status_text()}")
            parts.append(f"---- server status {node}\n{json.dumps(self.status(node), indent=1)}")
        tree = processes.Process(os.getpid()).descendants()
        parts.append("---- processes\n" + "\n".join(f"{each} < {each.parent_pid}" for each in tree))
        return "\n".join(parts)


def program(variable):
    path = os.environ.get(variable)
    if not path:
        raise tap.Failed(f"{variable} does not name a program")
    return path


def run_program(command, environment, code=0, text=None, limit_s=VERB_LIMIT_S):
    done = subprocess.run(
        command,
        env=environment,
        input=text or "",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        timeout=limit_s * tap.SLOWNESS,
        check=False,
    )
    if code is not None and done.returncode != code:
        shown = " ".join(command[1:])
        raise tap.Failed(f"{Path(command[0]).name} {shown}: exit {done.returncode}, expected {code}: {done.stderr}")
    return done.stdout


def main(private_mounts=False, **options):
    """Runs the cases of the calling file, each in a Lab with these options."""
    parser = argparse.ArgumentParser(description="Runs the cases of this file and prints TAP.")
    parser.add_argument("--only", metavar="TEXT", help="only cases whose name contains TEXT")
    only = parser.parse_args().only

    def body(scratch):
        if private_mounts:
            namespaces.enter()
        return tap.run(lambda: Lab(scratch, **options), only)

    processes.guard(body)


if __name__ == "__main__":
    sys.exit("lab.py is a module; run one of the test_*.py files")
