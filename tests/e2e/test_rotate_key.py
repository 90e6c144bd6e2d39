#!/usr/bin/env python3
"""node rotate-key: another key without a moment in which the node could not come back, whoever is killed when."""

import json
import os
import shutil
import subprocess
import threading

import lab as labs
import processes
import tap


def keys_of(lab, node):
    """(node.json's keys, the blobs of the node's lines for sshd)."""
    record = json.loads((lab.state_dir / "nodes" / node.name / "node.json").read_text(encoding="utf-8"))
    lines = lab.authorized_keys.read_text(encoding="utf-8").splitlines()
    mine = [line for line in lines if f"--node {node} " in line]
    return [key.split()[1] for key in record["keys"]], [line.rpartition("ssh-ed25519 ")[2].split()[0] for line in mine]


def blob_of(key_file):
    shown = subprocess.run(["ssh-keygen", "-yf", str(key_file)], stdout=subprocess.PIPE, check=True, timeout=10)
    return shown.stdout.decode().split()[1]


def beside(node, end):
    return node.key_file.with_name(node.key_file.name + end)


def check_settled(lab, node, what=""):
    """One key at the server, in both places, and it is the node's."""

    def settled():
        blob = blob_of(node.key_file)
        return keys_of(lab, node) == ([blob], [blob]) and not beside(node, ".next").exists()

    tap.wait_until(settled, 10, lambda: f"{what}: {keys_of(lab, node)}, next: {beside(node, '.next').exists()}")


def rotate(lab, node, code=0):
    """Returns (exit code, what it said)."""
    command = [labs.program("REVERSI_SERVER"), "node", "rotate-key", node.name]
    command += ["--authorized-keys", str(lab.authorized_keys)]
    done = subprocess.run(
        command, env=lab.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=90, check=False
    )
    said = done.stdout.decode()
    tap.check(code is None or done.returncode == code, f"exit {done.returncode}, expected {code}: {said}")
    return done.returncode, said


@tap.case("the node logs in with a key of its own making, and the old one is worth nothing")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    first = lab.up(node)["session"]["id"]
    old = blob_of(node.key_file)
    _, said = rotate(lab, node)
    tap.note(said)
    new = blob_of(node.key_file)
    tap.check(new != old and new in said, f"{old} {new}: {said}")
    check_settled(lab, node)
    tap.check(oct(node.key_file.stat().st_mode & 0o777) == "0o600", "others may read the key")
    tap.check("--key" not in lab.authorized_keys.read_text(encoding="utf-8"), "the line still names the key")
    tap.check(lab.wait_state(node, "up", 10)[0]["session"]["id"] != first, "the same session")
    # The old key opens nothing, although it is kept: another server may know no other.
    tap.check(blob_of(beside(node, ".old")) == old, "the old key is not kept")
    log = lab.directory / "old.log"
    session = lab.plain_ssh(beside(node, ".old"), ("-N",), log)
    tap.wait_until(lambda: session.poll() is not None, 10, "the old key is refused")
    words = log.read_text(encoding="utf-8")
    tap.check("Permission denied" in words or "Too many authentication failures" in words, words)
    kinds = [each["reason"] for each in lab.events(node) if each["event"] == "changed"]
    tap.check(any("new key" in each for each in kinds), f"{kinds}")
    # And once more, and after a restart of the client.
    rotate(lab, node)
    check_settled(lab, node, "the second time")
    node.stop()
    lab.up(node)


@tap.case("nobody there: exit 3; a read-only directory, a file in the way: one line; and nothing has changed")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    before = keys_of(lab, node)
    _, said = rotate(lab, node, code=3)
    tap.check("has no session" in said, said)
    lab.up(node)
    if os.geteuid():
        node.directory.chmod(0o500)
        try:
            _, said = rotate(lab, node, code=1)
        finally:
            node.directory.chmod(0o700)
        tap.note(said)
        tap.check("Permission denied" in said and said.count("\n") == 1, said)
    beside(node, ".next").write_text("no key\n", encoding="utf-8")
    beside(node, ".next").chmod(0o600)
    _, said = rotate(lab, node, code=1)
    tap.note(said)
    tap.check("not a private key" in said and said.count("\n") == 1, said)
    tap.check(keys_of(lab, node) == before, f"{keys_of(lab, node)}")
    # It does not keep the node away either.
    node.kill()
    lab.up(node)
    beside(node, ".next").unlink()
    rotate(lab, node)
    check_settled(lab, node)


@tap.case("a key that is another node's already is not let in")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    other = lab.add_node("node-b", {"ssh": lab.nonce_service("node-b")})
    lab.up(node)
    shutil.copy2(other.key_file, beside(node, ".next"))
    before = keys_of(lab, node)
    _, said = rotate(lab, node, code=1)
    tap.check("held by node node-b" in said, said)
    tap.check(keys_of(lab, node) == before, f"{keys_of(lab, node)}")


@tap.case("two servers: the one that knows only the old key is reached with it, and takes the new one over")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    second = labs.Lab(lab.directory.parent)
    second.__enter__()
    lab.on_close(second.close)
    rights = ["--key", "-", "--forward", f"ssh={second.ports.take()}"]
    second.server("node", "add", "node-a", *rights, text=node.public_key)
    node.settings["servers"].append({"host": "127.0.0.1", "port": second.sshd.port, "user": second.user})
    node.write_config()
    with open(node.known_hosts_file, "a", encoding="utf-8") as stream:
        stream.write(f"[127.0.0.1]:{second.sshd.port} {second.sshd.host_key}\n")
    lab.up(node)
    rotate(lab, node)
    check_settled(lab, node)
    lab.sshd.stop()
    second.wait_state(node, "up", 20)
    rotate(second, node)
    check_settled(second, node)


class Steps:
    """What of a rotation has happened: each is seen from outside."""

    def __init__(self, lab, node):
        self.old = blob_of(node.key_file)
        self.by_name = {
            "asked": lambda: (lab.state_dir / "nodes" / node.name / "request").exists(),
            "made": lambda: beside(node, ".next").exists(),
            "recorded": lambda: len(keys_of(lab, node)[0]) == 2,
            "let in": lambda: len(keys_of(lab, node)[1]) == 2,
            "used": lambda: "--key" in (agent.command_line if (agent := lab.agent(node)) else ""),
            "old record gone": lambda: self.old not in keys_of(lab, node)[0],
            "old line gone": lambda: self.old not in keys_of(lab, node)[1],
            "in place": lambda: blob_of(node.key_file) != self.old,
        }


def wait_fast(condition, limit_s):
    """Spins: what is awaited may last a millisecond. A file that is being replaced counts as not yet."""

    def quietly():
        try:
            return condition()
        except (OSError, ValueError, subprocess.SubprocessError):
            return False

    return tap.wait_until(quietly, limit_s, "a step of the rotation", every_s=0)


VICTIMS = {
    "worker": lambda lab, node: node.worker(),
    "supervisor": lambda lab, node: node.supervisor,
    "agent": lambda lab, node: lab.agent(node),
    "sshd": lambda lab, node: lab.session_sshd(node),
}


def kill_at(lab, node, step, victim):
    """Rotates, kills at that step; the node has to be back by itself, and the next rotation to succeed."""
    steps = Steps(lab, node)
    (lab.state_dir / "nodes" / node.name / "request").unlink(missing_ok=True)
    rotation = threading.Thread(target=rotate, args=(lab, node, None), daemon=True)
    rotation.start()
    wait_fast(steps.by_name[step], 20)
    process = VICTIMS[victim](lab, node)
    if process:
        process.kill()
    if victim == "supervisor":
        node.kill()
        node.start()
    lab.wait_answer(node, 30)
    lab.wait_state(node, "up", 30)
    record, lines = keys_of(lab, node)
    known = [blob_of(each) for each in (node.key_file, beside(node, ".next")) if each.exists()]
    tap.check(set(known) & set(record) & set(lines), f"no key in common: node {known}, server {record} {lines}")
    rotation.join(70)
    tap.check(not rotation.is_alive(), "the verb hangs")


@tap.case("kill -9 of worker, supervisor, agent or sshd at every step: the node is back, and a rotation works")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    lab.up(node)
    for step in Steps(lab, node).by_name:
        for victim in VICTIMS:
            before = blob_of(node.key_file)
            kill_at(lab, node, step, victim)
            lab.wait_state(node, "up", 20)
            rotate(lab, node)
            check_settled(lab, node, f"{victim} killed when {step}")
            tap.check(blob_of(node.key_file) != before, f"the same key after {step}, {victim}")


@tap.case("all of them killed at once at every step, as when the power goes on both sides")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    lab.up(node)
    for step in Steps(lab, node).by_name:
        steps = Steps(lab, node)
        (lab.state_dir / "nodes" / node.name / "request").unlink(missing_ok=True)
        verb = subprocess.Popen(
            [labs.program("REVERSI_SERVER"), "node", "rotate-key", "node-a"],  # server.json knows the file by now
            env=lab.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=processes.die_with_parent,
        )
        wait_fast(steps.by_name[step], 20)
        verb.kill()
        verb.wait(10)
        processes.end(lab.sshd.sessions())
        node.kill()
        lab.up(node, 30)
        rotate(lab, node)
        check_settled(lab, node, f"all killed when {step}")


# With MaxAuthTries 1 sshd hangs up after one key that it does not know.
labs.main(policy={"retry_first_ms": 100, "retry_longest_ms": 500}, sshd_options=("MaxAuthTries 1",))
