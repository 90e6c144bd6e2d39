"""Whole machines for what people type: each with a file system, a network and a clean environment of its own.

The server is where the test itself runs, as in machine.py; every other machine has a cable to it. What is written stays in
memory and ends with the test. A Debian root is this machine's, seen through an overlay; a busybox root has nothing but
busybox, and what the client's dynamic build needs.
"""

import fcntl
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import termios
import time
from pathlib import Path

import processes
import tap
from machine import SERVER_ADDRESS, Machine, command, prepare_server

SERVER_NAME = "tunnel.example.org"
BUILD_LIMIT_S = 60
TYPED_LIMIT_S = 90
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Root:
    """One machine's file system; `machine` is None for the server."""

    def __init__(self, scratch, name, machine):
        self.name = name
        self.directory = Path(scratch) / f"root-{name}"
        self.directory.mkdir(mode=0o755)
        self.machine = machine
        self.enter = machine.enter if machine else ()
        self.processes = []
        self._make()
        for each in ("dev", "proc", "sys"):
            command(*self.enter, "mount", "--rbind", f"/{each}", self / each)
        hosts = f"127.0.0.1 localhost {name}\n::1 localhost\n{SERVER_ADDRESS} {SERVER_NAME}\n"
        self.write("etc/hosts", hosts)
        self.write("etc/hostname", f"{name}\n")
        self._settle()

    def __truediv__(self, path):
        return self.directory / str(path).lstrip("/")

    def write(self, path, text, mode=0o644):
        """A file of this root, written from outside: the machine's mounts are not the test's."""
        self.run("sh", "-c", 'mkdir -p "${1%/*}" && cat >"$1" && chmod "$2" "$1"', "sh", f"/{path}", f"{mode:o}", text=text)

    def words(self, *arguments):
        environment = ["env", "-i", f"PATH={PATH}", "HOME=/root", "USER=root", "LANG=C.UTF-8", "TERM=dumb"]
        return [*self.enter, "chroot", str(self.directory), *environment, *map(str, arguments)]

    def run(self, *arguments, text=None, code=0):
        return command(*self.words(*arguments), text=text, code=code)

    def start(self, *arguments, log):
        """A process that ends with the test."""
        with open(log, "ab") as stream:
            child = subprocess.Popen(
                self.words(*arguments),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
                preexec_fn=processes.die_with_parent,
            )
        self.processes.append(child)
        return child

    def type(self, line, text=None, answers=(), limit_s=TYPED_LIMIT_S):
        """What a person types: (exit code, what is seen). With `answers`, (what is asked, the answer) pairs, on a terminal."""
        if answers:
            return self._on_terminal(line, list(answers), limit_s)
        done = subprocess.run(
            self.words("/bin/sh", "-c", f"cd /root && {line}"),
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            timeout=limit_s * tap.SLOWNESS,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def _on_terminal(self, line, answers, limit_s):
        ours, theirs = pty.openpty()

        def take_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            processes.die_with_parent()

        child = subprocess.Popen(
            self.words("/bin/sh", "-c", f"cd /root && {line}"), stdin=theirs, stdout=theirs, stderr=theirs,
            preexec_fn=take_terminal,
        )
        os.close(theirs)
        seen, looked_at = "", 0
        deadline = time.monotonic() + limit_s * tap.SLOWNESS
        while time.monotonic() < deadline:
            if select.select([ours], [], [], 0.1)[0]:
                try:
                    got = os.read(ours, 4096)
                except OSError:  # EIO: nobody has the other end any more
                    break
                seen += got.decode("utf-8", "replace")
            if answers and re.search(answers[0][0], seen[looked_at:]):
                looked_at = len(seen)
                os.write(ours, f"{answers.pop(0)[1]}\n".encode())
        os.close(ours)
        try:
            return child.wait(10), seen.replace("\r\n", "\n"), ""
        except subprocess.TimeoutExpired:
            child.kill()
            raise tap.Failed(f"{line}: not within {limit_s} s, seen: {seen}") from None

    def close(self):
        for child in self.processes:
            child.kill()
            child.wait(10)


class DebianRoot(Root):
    lower = "/"

    def _make(self):
        layers = self.directory.with_name(f"layers-{self.name}")
        for part in ("upper", "work"):
            (layers / part).mkdir(parents=True, mode=0o755)
        options = f"lowerdir={self.lower},upperdir={layers / 'upper'},workdir={layers / 'work'}"
        command(*self.enter, "mount", "-t", "overlay", "overlay", "-o", options, self.directory)
        for path in ("run", "tmp", "root", "home", "etc/reversi", "var/lib/reversi", "var/cache"):
            command(*self.enter, "mkdir", "-p", self / path)
            mode = {"tmp": "1777", "root": "700"}.get(path, "755")
            if path not in ("etc/reversi", "var/lib/reversi"):
                command(*self.enter, "mount", "-t", "tmpfs", "-o", f"mode={mode}", "tmpfs", self / path)
            else:
                command(*self.enter, "rm", "-rf", self / path)

    def _settle(self):
        # As a fresh installation has it: sshd's own settings, and no key of this machine.
        self.run("rm", "-rf", "/etc/ssh")
        self.write("etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\nKbdInteractiveAuthentication no\nUsePAM yes\n"
                   "X11Forwarding yes\nPrintMotd no\nAcceptEnv LANG LC_*\nSubsystem sftp /usr/lib/openssh/sftp-server\n")
        self.run("mkdir", "-p", "/etc/ssh/sshd_config.d", "/run/sshd")
        self.run("ssh-keygen", "-q", "-A")

    def start_sshd(self, log):
        self.start("/usr/sbin/sshd", "-D", "-e", log=log)


class BareRoot(DebianRoot):
    """What no Debian can be without and what our packages depend on: scripts/debian-root."""

    lower = "/var/cache/reversi-build/debian-root"


class BusyboxRoot(Root):
    """`programs`: from here → where they go; with the shared libraries that they need."""

    def __init__(self, scratch, name, machine, programs):
        self.programs = programs
        super().__init__(scratch, name, machine)

    def _make(self):
        for path in ("bin", "sbin", "usr/bin", "usr/sbin", "etc", "dev", "proc", "sys", "tmp", "root", "run", "var/spool/cron/crontabs"):
            (self / path).mkdir(parents=True, exist_ok=True)
        (self / "tmp").chmod(0o1777)
        (self / "root").chmod(0o700)
        for source, target in {shutil.which("busybox"): "bin/busybox", **self.programs}.items():
            self._copy(source, target)
        (self / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n", encoding="ascii")
        (self / "etc/group").write_text("root:x:0:\n", encoding="ascii")
        (self / "etc/nsswitch.conf").write_text("hosts: files dns\n", encoding="ascii")
        applets = command("busybox", "--list-full").split()
        for applet in applets:
            link = self / applet
            if applet != "bin/busybox" and link.parent.is_dir() and not link.exists():
                link.symlink_to("/bin/busybox")

    def _settle(self):
        pass

    def _copy(self, source, target):
        there = self / target
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, there)
        for library in re.findall(r"(/\S+) \(0x", command("ldd", source, code=None)):
            copy = self / library
            copy.parent.mkdir(parents=True, exist_ok=True)
            if not copy.exists():
                shutil.copy(library, copy)


class Site:
    """The server and the machines that a test adds. Made in namespaces of its own: see `alone`."""

    def __init__(self, scratch, build):
        self.scratch = Path(scratch)
        self.build = build
        self.roots = []
        self.machines = []
        prepare_server()
        self.server = self._add(DebianRoot(self.scratch, "server", None))
        self.install(self.server)

    def _add(self, root):
        self.roots.append(root)
        return root

    def _machine(self):
        self.machines.append(Machine(self.scratch, len(self.machines) + 1))
        return self.machines[-1]

    def add_debian(self, name):
        root = self._add(DebianRoot(self.scratch, name, self._machine()))
        self.install(root)
        return root

    def add_busybox(self, name, programs):
        return self._add(BusyboxRoot(self.scratch, name, self._machine(), programs))

    def add_beside(self, root, name):
        """Another file system on the same machine."""
        return self._add(DebianRoot(self.scratch, name, root.machine))

    def install(self, root):
        """As `meson install` does it on that machine."""
        staged = self.scratch / "installed"
        if not staged.exists():
            environment = {**os.environ, "DESTDIR": str(staged)}
            subprocess.run(
                ["meson", "install", "--quiet", "--no-rebuild", "-C", self.build], env=environment, check=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=BUILD_LIMIT_S,
            )
        archive = subprocess.run(["tar", "-C", staged, "-cf", "-", "."], stdout=subprocess.PIPE, check=True, timeout=BUILD_LIMIT_S)
        subprocess.run(
            root.words("tar", "--no-same-owner", "-C", "/", "-xf", "-"), input=archive.stdout, check=True, timeout=BUILD_LIMIT_S
        )

    def close(self):
        for root in self.roots:
            root.close()
        for machine in self.machines:
            machine.close()


if __name__ == "__main__":
    sys.exit("roots.py is a module; run test_readme.py")
