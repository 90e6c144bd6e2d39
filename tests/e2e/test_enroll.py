#!/usr/bin/env python3
"""A machine in the field becomes a node: enroll, refused, pending, approve, up. Needs root for sshd's command."""

import json
import os
import pty
import subprocess

import keys_command
import processes
import tap
from sshd import make_key

UP_WITHIN_S = 60


class Machine:
    """A directory of its own, reversi-client in it, and nothing else."""

    def __init__(self, lab, name):
        self.lab = lab
        self.directory = lab.directory / name
        self.config = self.directory / "etc" / "client.json"
        self.login = f"{lab.user}@127.0.0.1:{lab.sshd.port}"
        self.log = self.directory / "client.log"
        self.directory.mkdir()

    def words(self, *arguments):
        return [os.environ["REVERSI_CLIENT"], *map(str, arguments), "--config", str(self.config)]

    def client(self, *arguments, code=0):
        done = subprocess.run(
            self.words(*arguments), env=self.lab.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, encoding="utf-8", timeout=60 * tap.SLOWNESS, check=False,
        )
        tap.check(done.returncode == code, f"{arguments}: exit {done.returncode}: {done.stderr}")
        return done.stdout + done.stderr

    def enroll(self, *arguments, code=0):
        return self.client("enroll", self.login, *arguments, code=code)

    def enroll_by_hand(self, answer):
        """On a terminal, where somebody types the answer; returns (exit code, what was shown)."""
        master, slave = pty.openpty()
        child = subprocess.Popen(
            self.words("enroll", self.login, "--node", "cam-07"), env=self.lab.environment, stdin=slave,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=processes.die_with_parent,
        )
        os.close(slave)
        os.write(master, answer.encode() + b"\n")
        shown = child.communicate(timeout=60 * tap.SLOWNESS)[0].decode()
        os.close(master)
        return child.returncode, shown

    def files(self):
        return {
            str(file.relative_to(self.directory)): (file.read_bytes(), file.stat().st_mtime_ns, file.stat().st_mode & 0o777)
            for file in sorted(self.directory.rglob("*"))
            if file.is_file()
        }

    def run(self):
        with open(self.log, "ab") as log:
            child = subprocess.Popen(
                self.words("run"), env=self.lab.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, preexec_fn=processes.die_with_parent,
            )

        def stop():
            child.terminate()
            child.wait(20)

        self.lab.on_close(stop)

    def status(self):
        done = subprocess.run(self.words("status", "--json"), stdout=subprocess.PIPE, timeout=20, check=False)
        return json.loads(done.stdout or "{}")


def print_of(key_file):
    shown = subprocess.run(["ssh-keygen", "-lf", str(key_file)], stdout=subprocess.PIPE, check=True, timeout=10)
    return shown.stdout.decode().split()[1]


def pending(lab):
    return json.loads(lab.server("node", "pending", "--json"))


@tap.case("enroll, refused, pending, approve: up within 60 s, and a second enroll changes nothing")
def _(lab):
    keys_command.use(lab)
    machine = Machine(lab, "machine")
    service = lab.nonce_service("cam-07")
    words = ["--node", "cam-07", "--forward", f"ssh={service.target}", "--server-key", print_of(lab.sshd.host_key_file)]
    shown = machine.enroll(*words)
    command = next(line.split() for line in shown.splitlines() if "node approve" in line)
    print_shown = next(line.split()[1] for line in shown.splitlines() if line.startswith("fingerprint:"))
    tap.check([each["fingerprint"] for each in pending(lab)] == [print_shown], f"pending: {pending(lab)}")
    files = machine.files()
    modes = {name: entry[2] for name, entry in files.items()}
    wanted = {"etc/client.json": 0o600, "etc/id_ed25519": 0o600, "etc/known_hosts": 0o644}
    tap.check(modes == wanted, f"modes {modes}")
    again = machine.enroll(*words)
    tap.check(machine.files() == files and again == shown, f"the second run changed something: {again}")
    machine.client("check")
    machine.run()
    tap.wait_until(lambda: "does not accept the key" in json.dumps(machine.status()), 20, "the client says why")
    # What was shown is what is typed, but for the expectation, which is the test service's.
    tap.check(command[:3] == ["reversi-server", "node", "approve"], f"the command: {command}")
    port = lab.ports.take()
    lab.server(*command[1:-1], f"ssh={port}:connect")
    _, took = tap.wait_until(lambda: service.probe(port).ok, UP_WITHIN_S, "an answer through the port")
    tap.note(f"a nonce comes back {took:.1f} s after approve")
    tap.wait_until(lambda: lab.status("cam-07").get("state") == "up", 15, lambda: f"up: {lab.status('cam-07')}")
    tap.check(pending(lab) == [], f"still pending: {pending(lab)}")
    tap.check("takes the key already" in machine.enroll(*words), "a third run does not see that it is approved")


@tap.case("on a terminal the fingerprint is shown and compared: only yes goes on")
def _(lab):
    keys_command.use(lab)
    machine = Machine(lab, "machine")
    print_of_server = print_of(lab.sshd.host_key_file)
    code, shown = machine.enroll_by_hand("no")
    tap.check(code == 1 and print_of_server in shown and "not confirmed" in shown, f"exit {code}: {shown}")
    tap.check(machine.files() == {}, f"written: {list(machine.files())}")
    code, shown = machine.enroll_by_hand("yes")
    tap.check(code == 0 and "node approve" in shown, f"exit {code}: {shown}")
    shown = machine.enroll("--node", "cam-07")
    tap.check("node approve" in shown, "a pinned server is asked about again")


@tap.case("a wrong or changed host key, another configuration, nobody at the terminal: one line each, nothing written")
def _(lab):
    keys_command.use(lab)
    machine = Machine(lab, "machine")
    other = lab.directory / "other_host_key"
    make_key(other, "host")
    right = ["--node", "cam-07", "--server-key", print_of(lab.sshd.host_key_file)]
    wrong = ["--node", "cam-07", "--server-key", print_of(other)]
    for words, code, says in (
        (wrong, 1, "shows the host key"),
        (["--node", "cam-07"], 2, "--server-key"),
        (["--node", "Cam 07"], 2, "--node"),
        (["--forward", "ssh=*:1:b:2"], 2, "--forward"),
        (["--forward", "a=b:1", "--forward", "a=b:2"], 2, "a"),
        (["--server-key", "SHA256:x"], 2, "--server-key"),
    ):
        shown = machine.enroll(*words, code=code)
        tap.check(says in shown and shown.count("\n") == 1, f"{words}: {shown}")
        tap.check(machine.files() == {}, f"{words} wrote {list(machine.files())}")
    machine.enroll(*right)
    files = machine.files()
    tap.check("--force" in machine.enroll("--node", "cam-08", *right[2:], code=1), "another name was taken")
    tap.check("shows the host key" in machine.enroll(*wrong, code=1), "another fingerprint was taken")
    lab.sshd.replace_host_key(other)
    tap.check("changed" in machine.enroll("--node", "cam-07", code=1), "a changed host key was taken")
    tap.check("changed" in machine.enroll(*wrong, code=1), "a changed host key was taken for its fingerprint")
    tap.check(machine.files() == files, "something was written")
    lab.sshd.stop()
    tap.check("refused" in machine.enroll(*right, code=1), "no server, and no word of it")


@tap.case("--server-key may name any of the server's keys; --force replaces a configuration and keeps the key")
def _(lab):
    keys_command.use(lab)
    ecdsa = lab.directory / "ecdsa_host_key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", str(ecdsa)], check=True, timeout=30)
    with open(lab.sshd.config, "a", encoding="utf-8") as stream:
        stream.write(f"HostKey {ecdsa}\n")
    lab.sshd.restart()
    machine = Machine(lab, "machine")
    machine.enroll("--node", "cam-07", "--server-key", print_of(ecdsa))
    tap.check("ecdsa-sha2-nistp256 " in (machine.directory / "etc/known_hosts").read_text(encoding="utf-8"), "not pinned")
    before = machine.files()
    machine.enroll("--node", "cam-08", "--server-key", print_of(ecdsa), "--force")
    after = machine.files()
    tap.check(json.loads(after["etc/client.json"][0])["node"] == "cam-08", "not replaced")
    for name in ("etc/id_ed25519", "etc/known_hosts"):
        tap.check(before[name] == after[name], f"{name} was changed")


keys_command.run()
