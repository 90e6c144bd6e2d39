"""A node that a test speaks for: OpenSSH carries the session, the test says every protocol line itself.

The forced command is the real agent below the lab's sshd. Forwards are asked for when the test says so (over ssh's
control socket), and the originator port of each forwarded channel, which path proof needs, is read from ssh's log.
"""

import json
import queue
import re
import shlex
import subprocess
import threading

import processes
from lab import program
from sshd import make_key
from tap import Failed, wait_until

FEATURES = ["expect_probe", "ping", "verdict", "forward_again", "restart", "draining"]
ORIGINATOR = re.compile(r"client_request_forwarded_tcpip: .* originator \S+ port (\d+)")


def add_node(lab, name, forwards, enabled=True):
    """Writes what `node add` writes: node.json and the key's line. `forwards`: name → port. Returns the key."""
    directory = lab.state_dir / "nodes" / name
    directory.mkdir(mode=0o700, parents=True)
    (lab.state_dir / "nodes").chmod(0o700)
    key = lab.directory / f"key-{name}"
    public = make_key(key)
    write_node(lab, name, forwards, public, enabled)
    grants = " ".join(f"--grant {forward}={port}" for forward, port in forwards.items())
    state = shlex.quote(str(lab.state_dir))
    command = f"exec {program('REVERSI_SERVER')} agent --node {name} {grants} --state-dir {state}"
    permits = "".join(f',permitlisten="localhost:{p}",permitopen="localhost:{p}"' for p in forwards.values())
    with open(lab.authorized_keys, "a", encoding="utf-8") as stream:
        stream.write(f'restrict,port-forwarding{permits},command="{command}" {public}\n')
    return key


def write_node(lab, name, forwards, public, enabled=True):
    record = {
        "schema": 1,
        "node": name,
        "enabled": enabled,
        "keys": [public],
        "forwards": [{"name": forward, "port": port} for forward, port in forwards.items()],
        "from": [],
    }
    path = lab.state_dir / "nodes" / name / "node.json"
    path.write_text(json.dumps(record), encoding="utf-8")
    path.chmod(0o600)


class AgentClient:
    """One SSH session with the agent as its forced command."""

    count = 0

    def __init__(self, lab, name, key, run="run-1", machine="machine-1"):
        AgentClient.count += 1
        self.lab = lab
        self.name = name
        self.run = run
        self.machine = machine
        self.control = lab.directory / f"c{AgentClient.count}"
        self.welcome = None
        self.forwards = {}  # name → port, as granted
        self.answers_probes = True
        self.answers_pings = True
        self.target_outcome = "ok"
        self.lines = queue.Queue()
        self.seen = []  # every line of the agent
        self._arrived = set()  # originator ports of forwarded channels
        self._announced = []  # expect_probe without its channel so far
        self._lock = threading.Lock()
        known_hosts = lab.directory / "known_hosts"
        known_hosts.write_text(f"[127.0.0.1]:{lab.sshd.port} {lab.sshd.host_key}\n", encoding="utf-8")
        options = [f"UserKnownHostsFile={known_hosts}", "IdentitiesOnly=yes", "BatchMode=yes", "LogLevel=DEBUG1"]
        command = ["ssh", "-F", "none", "-M", "-S", str(self.control), "-i", str(key), "-p", str(lab.sshd.port)]
        for option in options:
            command += ["-o", option]
        self.ssh = subprocess.Popen(
            [*command, "-l", lab.user, "127.0.0.1", "agent"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=lab.environment,
            preexec_fn=processes.die_with_parent,
        )
        threading.Thread(target=self._read_lines, daemon=True).start()
        threading.Thread(target=self._read_log, daemon=True).start()
        lab.on_close(self.close)

    # ---- what the agent says

    def _read_lines(self):
        for line in self.ssh.stdout:
            message = json.loads(line)
            self.seen.append(message)
            if message["type"] == "ping" and self.answers_pings:
                self.send("pong", challenge=message["challenge"])
            if message["type"] == "expect_probe":
                with self._lock:
                    self._announced.append(message)
                self._prove()
            self.lines.put(message)
        self.lines.put(None)

    def _read_log(self):
        with open(self.lab.directory / f"ssh-{self.control.name}.log", "w", encoding="utf-8") as log:
            for line in self.ssh.stderr:
                text = line.decode(errors="replace")
                log.write(text)
                log.flush()
                found = ORIGINATOR.search(text)
                if found:
                    with self._lock:
                        self._arrived.add(int(found[1]))
                    self._prove()

    def _prove(self):
        with self._lock:
            ready = [each for each in self._announced if each["originator_port"] in self._arrived]
            self._announced = [each for each in self._announced if each not in ready]
        for each in ready:
            if self.answers_probes:
                self.send("path_seen", probe=each["probe"], target=self.target_outcome)

    def expect(self, kind, limit_s=10, **fields):
        """The next message of this type with these fields; others are passed over."""
        passed = []
        while True:
            try:
                message = self.lines.get(timeout=limit_s)
            except queue.Empty:
                raise Failed(f"no {kind} {fields} within {limit_s} s, only {passed[-5:]}") from None
            if message is None:
                raise Failed(f"the session ended before {kind} {fields}; it said {passed[-5:]}")
            if message["type"] == kind and all(message.get(key) == value for key, value in fields.items()):
                return message
            passed.append(message)

    # ---- what the node says

    def send(self, kind, **fields):
        self.send_bytes(json.dumps({"type": kind, **fields}).encode() + b"\n")

    def send_bytes(self, data):
        try:
            self.ssh.stdin.write(data)
            self.ssh.stdin.flush()
        except (OSError, ValueError):
            pass  # the session ended; whoever waits for an answer will notice

    def hello(self, forwards, features=FEATURES, **more):
        """`forwards`: name → target text or a dictionary of fields."""
        asked = []
        for name, target in forwards.items():
            fields = target if isinstance(target, dict) else {"target": target}
            asked.append({"name": name, **fields})
        self.send(
            "hello",
            **{
                "protocol": 1,
                "features": features,
                "node": self.name,
                "instance": "instance-1",
                "run": self.run,
                "machine": self.machine,
                "client_version": "e2e",
                "os": "linux",
                "arch": "x86_64",
                "forwards": asked,
                **more,
            },
        )

    def welcomed(self, forwards, **more):
        """Says hello and takes the grants of the welcome."""
        self.hello(forwards, **more)
        self.welcome = self.expect("welcome", 25)
        self.forwards = {each["forward"]: int(each["listen"].rsplit(":", 1)[1]) for each in self.welcome["grants"]}
        return self.welcome

    def listen(self, name, target):
        """Asks sshd for the forward, as the worker does, and tells the agent what it said."""
        wanted = f"localhost:{self.forwards[name]}:{target}"
        command = ["ssh", "-S", str(self.control), "-O", "forward", "-R", wanted, "127.0.0.1"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
        self.send("forwarded", forward=name, listens=done.returncode == 0, error=done.stderr.strip()[:200])
        return done.returncode == 0

    def up(self, forwards, **more):
        """Hello, every forward, ready. `forwards` as in hello()."""
        self.welcomed(forwards, **more)
        for name in self.forwards:
            target = forwards[name]
            self.listen(name, target["target"] if isinstance(target, dict) else target)
        self.send("ready")
        return self.welcome

    # ---- the end

    def ended(self, limit_s=10):
        """Waits for the end of the ssh process; returns the seconds."""
        return wait_until(lambda: self.ssh.poll() is not None, limit_s, "the session ends")[1]

    def close(self):
        self.ssh.kill()
        self.ssh.wait(10)
