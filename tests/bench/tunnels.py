"""What is held against each other: each exposes the same services of one generator through the same sshd.

A tunnel is started and stopped as often as wished; its ports, its key and its name stay.
"""

import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import processes
import tap
from lab import run_program
from node import Node
from sshd import make_key

SSH_SLEEP_S = 3600  # the longest that a session channel of ssh is wanted
READY_LIMIT_S = 20
STOP_LIMIT_S = 15


@dataclass
class Build:
    """The programs of one build directory."""

    name: str
    directory: Path

    @property
    def client(self):
        return self.directory / "client/reversi-client"

    @property
    def worker(self):
        return self.directory / "client/reversi-worker"

    @property
    def server(self):
        return self.directory / "server/reversi-server"

    @property
    def tools(self):
        """Where its load generator is."""
        return self.directory / "tests/bench"


class Tunnel:
    """`targets`: role → port of the node's 127.0.0.1. `server_port`: where to log in, if not at sshd itself."""

    def __init__(self, lab, name, targets, server_port=None):
        self.lab = lab
        self.name = name
        self.targets = targets
        self.server_port = server_port or lab.sshd.port
        self.ports = {role: lab.ports.take() for role in targets}
        self.found = []  # its processes, once it is up

    def processes(self):
        """All that a node has to run for it, but for what is idle without it, such as a shell that started it."""
        raise NotImplementedError

    def launch(self):
        raise NotImplementedError

    def end(self):
        raise NotImplementedError

    def start(self):
        """Returns the seconds from the start of the program to the first byte through the tunnel."""
        began = time.monotonic()
        self.launch()
        role = "greeter" if "greeter" in self.ports else next(iter(self.ports))
        tap.wait_until(lambda: self._answers(role), READY_LIMIT_S, f"{self.name}: an answer", every_s=0.001)
        took = time.monotonic() - began
        for each in self.ports:
            tap.wait_until(lambda each=each: self._answers(each), READY_LIMIT_S, f"{self.name}: {each} answers")
        return took

    def stop(self):
        self.end()
        for port in self.ports.values():
            tap.wait_until(lambda port=port: not listens(port), STOP_LIMIT_S, f"{self.name}: port {port} is free again")

    def _answers(self, role):
        """A greeter's byte arrived; of what does not speak first, that it listens."""
        try:
            with socket.create_connection(("127.0.0.1", self.ports[role]), timeout=READY_LIMIT_S) as trial:
                return role != "greeter" or trial.recv(1) != b""
        except OSError:
            return False


def listens(port):
    with socket.socket() as trial:
        trial.settimeout(5)
        return trial.connect_ex(("127.0.0.1", port)) == 0


class Ssh(Tunnel):
    """`ssh -N -R`; with `session` a session channel is open on the connection, as a remote command makes it."""

    def __init__(self, lab, name, targets, session=False, **options):
        super().__init__(lab, name, targets, **options)
        self.session = session
        self.directory = lab.directory / f"ssh-{len(list(lab.directory.iterdir()))}"
        self.directory.mkdir(mode=0o700)
        self.key = self.directory / "id_ed25519"
        public = make_key(self.key, name.replace(" ", "-"))
        with open(lab.authorized_keys, "a", encoding="utf-8") as keys:
            keys.write(f"restrict,port-forwarding {public}\n")
        self.known_hosts = self.directory / "known_hosts"
        self.known_hosts.write_text(f"[127.0.0.1]:{self.server_port} {lab.sshd.host_key}\n", encoding="utf-8")
        self._child = None

    def command(self):
        options = ("IdentitiesOnly=yes", "BatchMode=yes", "ExitOnForwardFailure=yes", f"UserKnownHostsFile={self.known_hosts}")
        words = ["-F", "none", "-i", self.key, "-p", self.server_port, "-l", self.lab.user]
        words += [word for option in options for word in ("-o", option)]
        words += [word for role, port in self.targets.items() for word in ("-R", f"localhost:{self.ports[role]}:127.0.0.1:{port}")]
        return ["ssh", *map(str, words), *(("127.0.0.1", f"exec sleep {SSH_SLEEP_S}") if self.session else ("-N", "127.0.0.1"))]

    def launch(self):
        with open(self.directory / "ssh.log", "ab") as log:
            self._child = subprocess.Popen(
                self.command(),
                env=self.lab.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=processes.die_with_parent,
            )

    def end(self):
        if self._child and self._child.poll() is None:
            processes.end(reversed(self.processes()))
            self._child.wait(STOP_LIMIT_S)

    def processes(self):
        root = processes.Process(self._child.pid)
        return [root, *root.descendants()]


class Autossh(Ssh):
    """autossh and the ssh below it, without autossh's own loop of ports."""

    missing = None if shutil.which("autossh") else "autossh is not installed: scripts/deps --bench"

    def command(self):
        return ["autossh", "-M", "0", *super().command()[1:]]

    def end(self):
        if self._child and self._child.poll() is None:
            below = self.processes()[1:]
            self._child.kill()  # first, or it starts another ssh
            self._child.wait(STOP_LIMIT_S)
            processes.end(below)


class Reversi(Tunnel):
    """One build's supervisor and worker, with the agent of the same build below sshd."""

    def __init__(self, lab, build, targets, server_port=None, **options):
        super().__init__(lab, build.name, targets, server_port)
        name = f"node-{len(lab.nodes)}"
        forwards = {role: f"127.0.0.1:{port}" for role, port in targets.items()}
        self.node = BuildNode(lab, build, name, forwards, server_port=self.server_port, **options)
        lab.nodes.append(self.node)
        self.ports = self.node.ports
        self._is_started = False

    def launch(self):
        self.node.start()
        self._is_started = True

    def end(self):
        if self._is_started and self.node.exit_code is None:
            self.node.stop()

    def wait_up(self):
        self.lab.wait_state(self.node, "up", READY_LIMIT_S)

    def processes(self):
        return [self.node.supervisor, self.node.wait_worker()]

    def agent(self):
        return self.lab.agent(self.node)


class BuildNode(Node):
    """A node that takes its programs from a build directory."""

    def __init__(self, lab, build, name, forwards, **options):
        self.build = build
        super().__init__(lab, name, forwards, **options)

    def command(self, *arguments, config=True):
        return [str(self.build.client), *super().command(*arguments, config=config)[1:]]

    def register(self, admin_forwards=None):
        flags = [word for forward, port in self.ports.items() for word in ("--forward", f"{forward}={port}")]
        command = [str(self.build.server), "node", "add", self.name, "--key", "-", *flags]
        return run_program(command, self.lab.environment, text=self.public_key + "\n")
