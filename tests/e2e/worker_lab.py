"""reversi-worker alone, driven over its pipes against the lab's sshd, with a stub of an agent.

    worker = worker_lab.Worker(lab, "node-a")
    worker.start()
    port = worker.forward("ssh", service.target)
"""

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import processes
import tap
from lab import program
from sshd import make_key

STUB_AGENT = Path(__file__).with_name("stub_agent.py")
ALIVE_EVERY_S = 5


class Worker:
    """One worker process and what it said. Ends with the lab."""

    def __init__(self, lab, name, key_options=None):
        self.lab = lab
        self.directory = lab.directory / f"worker-{name}"
        self.directory.mkdir(mode=0o700)
        self.key = self.directory / "id_ed25519"
        self.known_hosts = self.directory / "known_hosts"
        self.log = self.directory / "worker.log"
        self.public_key = make_key(self.key, name)
        self.known_hosts.write_text(self.known_hosts_line(), encoding="utf-8")
        options = f'restrict,port-forwarding,command="exec {sys.executable} {STUB_AGENT}"'
        with open(lab.authorized_keys, "a", encoding="utf-8") as keys:
            keys.write(f"{key_options or options} {self.public_key}\n")
        self.events = []
        self.exit_code = None
        self._news = threading.Condition()
        self._quiet = threading.Event()
        self._child = None
        lab.on_close(self.close)

    def known_hosts_line(self, key=None):
        return f"[127.0.0.1]:{self.lab.sshd.port} {key or self.lab.sshd.host_key}\n"

    # ---- the process -----------------------------------------------------------------------------

    def spawn(self, command=None, environment=None):
        with open(self.log, "ab") as log:
            self._child = subprocess.Popen(
                command or [program("REVERSI_WORKER")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**self.lab.environment, **(environment or {})},
                start_new_session=True,
                preexec_fn=processes.die_with_parent,
            )
        self.process = processes.Process(self._child.pid)
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._say_alive, daemon=True).start()

    def close(self):
        self._quiet.set()
        if self._child and self._child.poll() is None:
            self._child.kill()
        if self._child:
            self._child.wait()
            said = self.log.read_text(encoding="utf-8", errors="replace")
            tap.check("Sanitizer" not in said and "runtime error" not in said, f"the worker of {self.directory}: {said}")

    def terminate(self):
        self._child.terminate()

    def close_commands(self):
        self._quiet.set()
        self._child.stdin.close()

    def wait_exit(self, limit_s=5):
        try:
            return self._child.wait(limit_s * tap.SLOWNESS)
        except subprocess.TimeoutExpired:
            raise tap.Failed(f"the worker still runs after {limit_s} s; it said {self.events[-3:]}") from None

    # ---- the pipes -------------------------------------------------------------------------------

    def send(self, kind, **fields):
        line = json.dumps({"type": kind, **fields}) + "\n"
        self._child.stdin.write(line.encode())
        self._child.stdin.flush()

    def be_quiet(self):
        """No more signs of life."""
        self._quiet.set()

    def _say_alive(self):
        while not self._quiet.wait(ALIVE_EVERY_S):
            try:
                self.send("alive")
            except (OSError, ValueError):
                return

    def _read(self):
        for line in self._child.stdout:
            with self._news:
                self.events.append(json.loads(line))
                self._news.notify_all()
        with self._news:
            self.events.append({"type": "end"})
            self._news.notify_all()

    def wait(self, kind, limit_s=10, **fields):
        """The first event of this type with these fields, past or to come; it is taken off the list."""

        def find():
            for event in self.events:
                if event["type"] == kind and all(event.get(key) == value for key, value in fields.items()):
                    self.events.remove(event)
                    return event
            return None

        with self._news:
            found = []
            ended = lambda: any(event["type"] == "end" for event in self.events)  # noqa: E731
            self._news.wait_for(lambda: found.append(find()) or found[-1] or ended(), limit_s * tap.SLOWNESS)
            if not found[-1]:
                raise tap.Failed(f"no {kind} {fields} within {limit_s} s, but {self.events[-5:]}")
            return found[-1]

    # ---- what a supervisor does --------------------------------------------------------------------

    def start(self, environment=None, command=None, connected=True, **fields):
        self.spawn(environment=environment, command=command)
        start = {
            "server": f"127.0.0.1:{self.lab.sshd.port}",
            "user": self.lab.user,
            "identity_file": str(self.key),
            "known_hosts_files": [str(self.known_hosts)],
            "run_as": "",
            "connect_limit_ms": 10_000,
            "agent": True,
        }
        self.send("start", **{**start, **fields})
        return self.wait("connected") if connected else None

    def failed(self, limit_s=10):
        """The last line and the exit code."""
        event = self.wait("failed", limit_s)
        return event["failure"], event["text"], self.wait_exit()

    def forward(self, name, target, listen_port=None, listens=True):
        port = listen_port or self.lab.ports.take()
        self.send("forward", forward=name, listen=f"localhost:{port}", target=target)
        reply = self.wait("forward_reply", forward=name)
        tap.check(reply["listens"] == listens, f"{reply}")
        return port

    def canary(self, port):
        """Opens the canary to the exposed port and returns where it listens on the node."""
        listen = self.lab.ports.take()
        self.send("open_canary", listen=f"127.0.0.1:{listen}", destination=f"localhost:{port}")
        tap.check(self.wait("canary_reply")["listens"], "the canary does not listen")
        return listen

    def ask_agent(self, question, limit_s=10):
        self.send("agent_line", line=json.dumps(question))
        return json.loads(self.wait("agent_line", limit_s)["line"])

    def sample(self):
        self.send("take_sample")
        return self.wait("sampled")


def connect(port, limit_s=30, source_port=0):
    return socket.create_connection(("127.0.0.1", port), limit_s * tap.SLOWNESS, ("127.0.0.1", source_port))


def sleeper_of_sshd(lab):
    """The sshd processes that hold a session: [monitor, child, forced command …]."""
    return [each for each in lab.sshd.sessions() if "sshd" in each.command_line]


def hashed_line(directory, line):
    """The same known_hosts line as ssh-keygen -H writes it."""
    path = directory / "hashed"
    path.write_text(line, encoding="utf-8")
    quiet = subprocess.DEVNULL
    subprocess.run(["ssh-keygen", "-H", "-f", str(path)], check=True, timeout=30, stdout=quiet, stderr=quiet)
    os.unlink(f"{path}.old")
    return path.read_text(encoding="utf-8")
