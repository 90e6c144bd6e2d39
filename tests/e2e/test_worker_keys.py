#!/usr/bin/env python3
"""Who the worker believes, and with which key it comes: only what it was told, and never a prompt."""

import os
import pwd
import socket
import subprocess
import threading
import time

import lab
import namespaces
import tap
from sshd import make_key
from worker_lab import Worker, hashed_line


def fingerprint(public_key_file):
    shown = subprocess.run(["ssh-keygen", "-lf", str(public_key_file)], capture_output=True, text=True, check=True)
    return shown.stdout.split()[1]


def expect_failure(worker, failure, *words, code=11, **start):
    worker.start(connected=False, **start)
    got, text, exit_code = worker.failed()
    tap.check((got, exit_code) == (failure, code), f"{got} {exit_code}: {text}")
    for word in words:
        tap.check(str(word) in text, f"{word!r} is not in {text!r}")
    tap.check("\n" not in text, f"more than one line: {text!r}")
    tap.note(text)


@tap.case("an unknown host key is refused with file and fingerprint")
def _(lab):
    worker = Worker(lab, "node-a")
    worker.known_hosts.write_text("# nobody\nother.example.org " + lab.sshd.host_key + "\n", encoding="utf-8")
    expect_failure(
        worker, "host_key", "unknown", worker.known_hosts, fingerprint(f"{lab.sshd.host_key_file}.pub")
    )


@tap.case("a changed host key is refused with file, line and both fingerprints")
def _(lab):
    worker = Worker(lab, "node-a")
    old = lab.directory / "old"
    line = worker.known_hosts_line(make_key(old))
    worker.known_hosts.write_text("# the old one\n" + line, encoding="utf-8")
    expect_failure(
        worker,
        "host_key",
        "changed",
        f"{worker.known_hosts} line 2",
        fingerprint(f"{old}.pub"),
        fingerprint(f"{lab.sshd.host_key_file}.pub"),
    )


@tap.case("a revoked host key is refused")
def _(lab):
    worker = Worker(lab, "node-a")
    worker.known_hosts.write_text(
        worker.known_hosts_line() + "@revoked " + worker.known_hosts_line(), encoding="utf-8"
    )
    expect_failure(worker, "host_key", "revoked", f"{worker.known_hosts} line 2")


@tap.case("hashed lines, patterns, and a learned second file count")
def _(lab):
    worker = Worker(lab, "hashed")
    worker.known_hosts.write_text(hashed_line(worker.directory, worker.known_hosts_line()), encoding="utf-8")
    worker.start()
    worker = Worker(lab, "pattern")
    worker.known_hosts.write_text(f"\n  [127.0.*]:*\t{lab.sshd.host_key} a comment\n", encoding="utf-8")
    worker.start()
    worker = Worker(lab, "learned")
    learned = worker.directory / "learned"
    learned.write_text(worker.known_hosts.read_text(encoding="utf-8"), encoding="utf-8")
    worker.known_hosts.write_text(worker.known_hosts_line(make_key(lab.directory / "old")), encoding="utf-8")
    worker.start(known_hosts_files=[str(worker.known_hosts), str(worker.directory / "absent"), str(learned)])


@tap.case("of a server with several host keys the one that is pinned is asked for")
def _(lab):
    for kind in ("rsa", "ecdsa"):
        key = lab.directory / f"host_{kind}"
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(key)], check=True, timeout=60)
        with open(lab.sshd.config, "a", encoding="utf-8") as config:
            config.write(f"HostKey {key}\n")
    lab.sshd.restart()
    for kind in ("rsa", "ecdsa"):
        worker = Worker(lab, kind)
        public = (lab.directory / f"host_{kind}.pub").read_text(encoding="utf-8")
        worker.known_hosts.write_text(worker.known_hosts_line(" ".join(public.split()[:2])), encoding="utf-8")
        connected = worker.start()
        tap.check(connected["host_key"] == fingerprint(lab.directory / f"host_{kind}.pub"), f"{connected}")


@tap.case("the global known_hosts and the user's own count for nothing")
def _(lab):
    namespaces.need()
    worker = Worker(lab, "node-a")
    line = worker.known_hosts_line()
    (lab.home / ".ssh" / "known_hosts").write_text(line, encoding="utf-8")
    settings = lab.directory / "etc-ssh"
    settings.mkdir()
    (settings / "ssh_known_hosts").write_text(line, encoding="utf-8")
    namespaces.bind(settings, "/etc/ssh")
    try:
        tap.check(os.path.exists("/etc/ssh/ssh_known_hosts"), "the test's own file is not in place")
        worker.known_hosts.write_text("", encoding="utf-8")
        expect_failure(worker, "host_key", "unknown")
    finally:
        namespaces.unmount("/etc/ssh")


@tap.case("a ProxyCommand and a Port of the user's own ssh configuration are ignored")
def _(lab):
    proof = lab.directory / "proxy-ran"
    (lab.home / ".ssh" / "config").write_text(
        f"Host *\n  ProxyCommand touch {proof}\n  Port 1\n  User nobody\n", encoding="utf-8"
    )
    worker = Worker(lab, "node-a")
    # libssh asks the password file where home is, not the environment: put it there as well.
    home = pwd.getpwuid(os.geteuid()).pw_dir
    namespaces.need()
    namespaces.bind(lab.home, home)
    try:
        tap.check((lab.home / ".ssh" / "config").exists(), "no configuration")
        worker.start(agent=False)  # its stub may need a Python that is installed below home
    finally:
        namespaces.unmount(home)
    tap.check(not proof.exists(), "the ProxyCommand ran")


@tap.case("a key that the server does not take is refused; keys of an agent or of ~/.ssh are not tried")
def _(lab):
    worker = Worker(lab, "node-a")
    stranger = worker.directory / "stranger"
    make_key(stranger)
    good = lab.home / ".ssh" / "id_ed25519"
    good.write_bytes(worker.key.read_bytes())
    good.chmod(0o600)
    expect_failure(worker, "key_refused", stranger, identity_file=str(stranger))


@tap.case("a server that counts the one refused key as one too many is understood")
def _(lab):
    with open(lab.sshd.config, "a", encoding="utf-8") as config:
        config.write("MaxAuthTries 1\n")
    lab.sshd.restart()
    worker = Worker(lab, "node-a")
    stranger = worker.directory / "stranger"
    make_key(stranger)
    expect_failure(worker, "key_refused", stranger, identity_file=str(stranger))


@tap.case("a key that is missing, encrypted, open to others or not a key is a mistake in the set-up")
def _(lab):
    def new(name):
        worker = Worker(lab, name)
        return worker, worker.key

    worker, key = new("missing")
    key.unlink()
    expect_failure(worker, "setup", key)
    worker, key = new("encrypted")
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "secret", "-f", str(key)], check=True, stdout=subprocess.DEVNULL)
    expect_failure(worker, "setup", key, "encrypted")
    worker, key = new("pem")
    key.unlink()
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "rsa", "-m", "PEM", "-N", "secret", "-f", str(key)], check=True, timeout=60
    )
    expect_failure(worker, "setup", key, "encrypted")
    worker, key = new("open")
    key.chmod(0o644)
    expect_failure(worker, "setup", key, "chmod 600")
    worker, key = new("garbage")
    key.write_text("nothing\n", encoding="utf-8")
    expect_failure(worker, "setup", key, "not a private key")
    worker, key = new("hosts")
    worker.known_hosts.unlink()
    expect_failure(worker, "setup", worker.known_hosts)
    worker, key = new("linked")
    real = worker.directory / "real"
    key.rename(real)
    key.symlink_to(real)
    worker.start()


class Listener:
    """A port where something other than sshd answers."""

    def __init__(self, lab, handle):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", lab.ports.take()))
        self.socket.listen(8)
        self.port = self.socket.getsockname()[1]
        self.handle = handle
        lab.on_close(self.socket.close)
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        kept = []
        try:
            while True:
                connection, _ = self.socket.accept()
                kept.append(connection)
                self.handle(connection)
        except OSError:
            return


@tap.case("no server, a silent one, one that hangs up, one that speaks something else: no answer, in time")
def _(lab):
    closed = lab.ports.take()
    expect_failure(Worker(lab, "down"), "no_answer", f":{closed}", code=10, server=f"127.0.0.1:{closed}")
    for name, handle in (
        ("silent", lambda connection: None),
        ("hangs-up", lambda connection: connection.close()),
        ("http", lambda connection: connection.sendall(b"HTTP/1.0 400 Bad Request\r\n" * 20)),
    ):
        port = Listener(lab, handle).port
        began = time.monotonic()
        expect_failure(
            Worker(lab, name), "no_answer", code=10, server=f"127.0.0.1:{port}", connect_limit_ms=2000
        )
        tap.check(time.monotonic() - began < 4 * tap.SLOWNESS, f"{name}: too late")
    expect_failure(Worker(lab, "name"), "no_answer", "nowhere.invalid", code=10, server="nowhere.invalid:22")


@tap.case("a name whose first address is dead is reached by its second")
def _(lab):
    # localhost is ::1 and 127.0.0.1, and the lab's sshd listens on the second alone.
    worker = Worker(lab, "node-a")
    worker.known_hosts.write_text(f"[localhost]:{lab.sshd.port} {lab.sshd.host_key}\n", encoding="utf-8")
    connected = worker.start(server=f"LocalHost:{lab.sshd.port}")
    tap.check(connected["address"] == f"127.0.0.1:{lab.sshd.port}", f"{connected}")


lab.main(private_mounts=True)
