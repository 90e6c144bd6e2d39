"""A private OpenSSH sshd on loopback: a stock configuration plus only what being private takes.

It runs as whoever runs the tests, who logs in as himself; as root it is what a distribution starts.
"""

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import processes
from tap import Failed, wait_until

RUN_DIRECTORY = Path("/run/sshd")  # wanted by a root sshd


def find_sshd():
    for path in (os.environ.get("REVERSI_SSHD"), shutil.which("sshd"), "/usr/sbin/sshd", "/usr/local/sbin/sshd"):
        if path and os.access(path, os.X_OK):
            return str(Path(path).resolve())
    raise Failed("sshd is not installed; run scripts/deps")


SANITIZER_OPTIONS = ("ASAN_OPTIONS", "UBSAN_OPTIONS")


def make_key(path, comment="e2e"):
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)], check=True, timeout=30
    )
    return Path(f"{path}.pub").read_text(encoding="utf-8").strip()


class Sshd:
    def __init__(self, directory, port, authorized_keys, extra=()):
        self.directory = directory
        self.port = port
        self.log = directory / "sshd.log"
        self.host_key_file = directory / "host_key"
        self.host_key = make_key(self.host_key_file, "host").rsplit(" ", 1)[0]
        self.config = directory / "sshd_config"
        lines = [
            "# stock",
            "KbdInteractiveAuthentication no",
            "X11Forwarding yes",
            "PrintMotd no",
            "AcceptEnv LANG LC_*",
            "# private",
            f"Port {port}",
            "ListenAddress 127.0.0.1",
            f"HostKey {self.host_key_file}",
            f"PidFile {directory}/sshd.pid",
            f"AuthorizedKeysFile {authorized_keys}",
            "StrictModes no",
            "UsePAM no",
            "PermitRootLogin prohibit-password",
            "LogLevel VERBOSE",
            *extra,
        ]
        # A sanitized agent starts below sshd, where nothing of our environment arrives by itself.
        sanitizer = [f"{name}={os.environ[name]}" for name in SANITIZER_OPTIONS if name in os.environ]
        if sanitizer:
            lines.append("SetEnv " + " ".join(sanitizer))
        self.config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self._sshd = find_sshd()
        self._child = None
        self._made_run_directory = False
        self.process = None
        self._orphans = []  # sessions that outlived the sshd that started them

    def start(self):
        if os.geteuid() == 0 and not RUN_DIRECTORY.exists():
            RUN_DIRECTORY.mkdir(mode=0o755, exist_ok=True)  # another lab may just have made it
            self._made_run_directory = True
        with open(self.log, "ab") as log:
            self._child = subprocess.Popen(
                [self._sshd, "-D", "-e", "-f", str(self.config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=processes.die_with_parent,
            )
        self.process = processes.Process(self._child.pid)
        wait_until(self._answers, 10, f"sshd answers on port {self.port}")

    def _answers(self):
        if self._child.poll() is not None:
            raise Failed(f"sshd ended with {self._child.returncode}: see {self.log}")
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as trial:
                return trial.recv(4) == b"SSH-"
        except OSError:
            return False

    def version(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as trial:
            return trial.recv(255).decode(errors="replace").strip().partition("-2.0-")[2]

    def sessions(self):
        """Everything below the listening sshd: monitors, session children, forced commands."""
        self._orphans = [each for each in self._orphans if each.is_alive]
        roots = [self.process] if self.process else []
        found = [each for root in [*roots, *self._orphans] for each in root.descendants()]
        return list(dict.fromkeys([*self._orphans, *found]))

    def stop(self, sessions=True):
        """Ends the listening sshd, and with `sessions` (a reboot) all that it started."""
        below = self.sessions()
        if self._child:
            self.process.signal(signal.SIGCONT)
            self._child.terminate()
            try:
                self._child.wait(5)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait(5)
        self._child = None
        self.process = None
        if sessions:
            processes.end(below)
        self._orphans = below

    def replace_host_key(self, key_file):
        """As an administrator who set the machine up anew: another key, every session gone."""
        self.stop()
        text = self.config.read_text(encoding="utf-8").replace(str(self.host_key_file), str(key_file))
        self.config.write_text(text, encoding="utf-8")
        self.start()

    def restart(self, sessions=True):
        self.stop(sessions)
        self.start()

    def close(self):
        self.stop()
        if self._made_run_directory:
            try:
                RUN_DIRECTORY.rmdir()
            except OSError:
                pass  # somebody else's sshd uses it now
