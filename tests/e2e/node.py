"""One machine behind NAT: its key, its client.json, its supervisor, its logs."""

import json
import os
import shutil
import signal
import socket
import subprocess

import processes
import tap

RUN_LIMIT_S = 15


class Node:
    def __init__(
        self,
        lab,
        name,
        forwards,
        register=True,
        server_host="127.0.0.1",
        server_port=None,
        settings=None,
        admin_forwards=None,
        like=None,
    ):
        """`forwards`: name → a service, or a target as text. `settings`: further keys of client.json.

        `server_host`, `server_port`: where the client connects to, sshd unless a relay stands between.
        `admin_forwards`: what `node add` is told instead, as a list of NAME=PORT[:EXPECT].
        `like`: another node, whose key and ports are taken.
        """
        self.lab = lab
        self.name = name
        self.forwards = forwards
        self.directory = lab.directory / f"node-{name}-{len(os.listdir(lab.directory))}"
        self.directory.mkdir(mode=0o700)
        self.config_file = self.directory / "client.json"
        self.key_file = self.directory / "id_ed25519"
        self.known_hosts_file = self.directory / "known_hosts"
        self.log = self.directory / "client.log"
        self.ports = like.ports if like else {forward: lab.ports.take() for forward in forwards}
        self.server_host = server_host
        self.server_port = server_port or lab.sshd.port
        self._child = None
        if like:
            shutil.copy2(like.key_file, self.key_file)
            self.public_key = like.public_key
        else:
            self.public_key = self.client("keygen", "--out", self.key_file, config=False).strip()
        self.trust(lab.sshd.host_key)
        self.settings = {
            "node": name,
            "servers": [{"host": self.server_host, "port": self.server_port, "user": lab.user}],
            "identity_file": str(self.key_file),
            "known_hosts_file": str(self.known_hosts_file),
            "forwards": [self._forward(forward, service) for forward, service in forwards.items()],
            "run_dir": str(self.directory / "run"),
            "state_dir": str(self.directory / "state"),
            **(settings or {}),
        }
        self.write_config()
        if register:
            self.register(admin_forwards)

    def __str__(self):
        return self.name

    @staticmethod
    def _forward(name, service):
        if isinstance(service, str):
            return {"name": name, "target": service, "expect": {"kind": "connect"}}
        return {"name": name, "target": service.target, "expect": service.expect}

    def port(self, forward=None):
        """The exposed port of a forward; of the first when not named."""
        return self.ports[forward] if forward else next(iter(self.ports.values()))

    def service(self, forward=None):
        return self.forwards[forward] if forward else next(iter(self.forwards.values()))

    def write_config(self):
        self.config_file.write_text(json.dumps(self.settings, indent=2) + "\n", encoding="utf-8")

    def trust(self, host_key):
        """Pins this host key for the server and nothing else."""
        self.known_hosts_file.write_text(f"[{self.server_host}]:{self.server_port} {host_key}\n", encoding="utf-8")

    def register(self, admin_forwards=None):
        rules = admin_forwards or [f"{forward}={port}" for forward, port in self.ports.items()]
        flags = [word for rule in rules for word in ("--forward", rule)]
        return self.lab.server("node", "add", self.name, "--key", "-", *flags, text=self.public_key + "\n")

    # ---- the client ----------------------------------------------------------------------------

    def command(self, *arguments, config=True):
        command = [os.environ.get("REVERSI_CLIENT", "reversi-client"), *map(str, arguments)]
        return [*command, "--config", str(self.config_file)] if config else command

    def client(self, *arguments, config=True, code=0):
        """Runs one verb of reversi-client and returns its standard output. `code` None: any."""
        done = subprocess.run(
            self.command(*arguments, config=config),
            env=self.lab.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            timeout=RUN_LIMIT_S * tap.SLOWNESS,
            check=False,
        )
        if code is not None and done.returncode != code:
            raise tap.Failed(f"{' '.join(map(str, arguments))}: exit {done.returncode}, expected {code}: {done.stderr}")
        return done.stdout

    def start(self, wrapper=()):
        """Starts `reversi-client run`. `wrapper`: words before it, such as `unshare -rm …`."""
        with open(self.log, "ab") as log:
            self._child = subprocess.Popen(
                [*wrapper, *self.command("run")],
                env=self.lab.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=processes.die_with_parent,
            )
        self.supervisor = processes.Process(self._child.pid)
        return self.supervisor

    @property
    def exit_code(self):
        """None while it runs."""
        return self._child.poll() if self._child else None

    def worker(self):
        """The worker's process, or None."""
        if not self._child or self._child.poll() is not None:
            return None
        found = [each for each in self.supervisor.descendants() if each.is_alive and "worker" in each.command_line]
        return found[0] if found else None

    def wait_worker(self, other_than=None, limit_s=10):
        return tap.wait_until(
            lambda: (lambda found: found if found and found != other_than else None)(self.worker()),
            limit_s,
            f"{self.name}: a worker",
        )[0]

    def stop(self, limit_s=10):
        """SIGTERM, as init does it; returns the exit code."""
        self._child.send_signal(signal.SIGTERM)
        try:
            return self._child.wait(limit_s * tap.SLOWNESS)
        except subprocess.TimeoutExpired:
            raise tap.Failed(f"{self.name}: the client did not end within {limit_s} s of SIGTERM") from None

    def kill(self):
        """Ends the supervisor and all below it without a word, as a power cut does."""
        if self._child and self._child.poll() is None:
            below = self.supervisor.descendants()
            processes.end([self.supervisor])
            self._child.wait(10)
            processes.end(below)

    def status_text(self):
        if not os.path.exists(os.environ.get("REVERSI_CLIENT", "")):
            return ""
        return self.client("status", "--json", code=None)

    def status(self):
        """`reversi-client status --json`, or {} when nothing runs."""
        try:
            return json.loads(self.status_text())
        except ValueError:
            return {}

    def wait_status(self, condition, limit_s, what):
        """Waits for a condition on the client's status; returns (status, seconds)."""
        seen = [{}]

        def holds():
            seen[0] = self.status()
            return seen[0] if seen[0] and condition(seen[0]) else None

        return tap.wait_until(holds, limit_s, lambda: f"{what}, last: {json.dumps(seen[0])}", every_s=0.05)

    def log_text(self):
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def connect(self, forward=None, limit_s=10):
        """A user's connection to the exposed port."""
        return socket.create_connection(("127.0.0.1", self.port(forward)), timeout=limit_s)
