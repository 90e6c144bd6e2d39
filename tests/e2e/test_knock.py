#!/usr/bin/env python3
"""sshd asks `reversi-server keys` at every login: nodes come in, strangers are noted, and a flood of them fills nothing."""

import json
import os
import subprocess
import time

import keys_command
import namespaces
import tap
from sshd import make_key

MOST = 64
FLOOD = 100


def pending(lab):
    return json.loads(lab.server("node", "pending", "--json"))


def fingerprint(key_file):
    shown = subprocess.run(["ssh-keygen", "-lf", str(key_file)], stdout=subprocess.PIPE, check=True, timeout=10)
    return shown.stdout.decode().split()[1]


def knock(lab, key_files):
    """One login that offers all of these keys and is refused."""
    words = [word for key in key_files for word in ("-i", str(key))]
    session = lab.plain_ssh(key_files[0], [*words, "-o", "PreferredAuthentications=publickey"], lab.directory / "knock.log")
    tap.wait_until(lambda: session.poll() is not None, 30, "the login is refused")
    tap.check(session.returncode == 255, f"ssh ended with {session.returncode}")


@tap.case("a node of node.json comes in by the command alone; disabled it hears so, enabled it is back")
def _(lab):
    keys_command.use(lab)
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    lab.up(node)
    lab.server("node", "disable", node)
    node.wait_status(lambda seen: "disabled" in seen["reason"], 30, "the client's reason says disabled")
    shown = json.loads(lab.server("node", "show", node, "--json"))["last_refused"]
    tap.check(shown["address"] == "127.0.0.1" and shown["reason"].startswith("disabled"), f"last_refused: {shown}")
    tap.check("refused:  127.0.0.1 at " in lab.server("node", "show", node), lab.server("node", "show", node))
    lab.server("node", "enable", node)
    lab.wait_answer(node, 20)
    tap.check(pending(lab) == [], f"pending: {pending(lab)}")


@tap.case("a key in node.json by hand, and one that was removed by hand, count within seconds")
def _(lab):
    keys_command.use(lab)
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    lab.up(node)
    node.stop()
    file = lab.state_dir / "nodes" / "node-a" / "node.json"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(node.public_key.split()[1], lab.sshd.host_key.split()[1]), encoding="utf-8")
    key = [str(node.key_file)]
    knock(lab, key)
    tap.check([each["fingerprint"] for each in pending(lab)] == [fingerprint(node.key_file)], f"pending: {pending(lab)}")
    file.write_text(text, encoding="utf-8")
    node.start()
    tap.note(f"back {lab.wait_answer(node, 40):.1f} s after the key was put back")


@tap.case(f"{FLOOD} unknown keys: {MOST} are noted, the first stay, a node that is known comes in, the rest is refused")
def _(lab):
    keys_command.use(lab)
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    strangers = [lab.directory / f"stranger-{number}" for number in range(FLOOD)]
    for key in strangers:
        make_key(key)
    knock(lab, strangers[:5])
    first = {each["fingerprint"] for each in pending(lab)}
    tap.check(first == {fingerprint(key) for key in strangers[:5]}, f"pending: {first}")
    began = time.monotonic()
    for at in range(5, FLOOD, 5):
        knock(lab, strangers[at : at + 5])
    took = time.monotonic() - began
    tap.note(f"{FLOOD - 5} keys in {took:.1f} s")
    listed = pending(lab)
    tap.check(len(listed) == MOST, f"{len(listed)} keys are pending")
    tap.check(first <= {each["fingerprint"] for each in listed}, "one of the first was pushed out")
    tap.check(all(each["proved"] is False for each in listed), "a key counts as proven")
    files = os.listdir(lab.state_dir / "pending")
    size = max((lab.state_dir / "pending" / name).stat().st_size for name in files)
    tap.check(len(files) == MOST and size <= 4096, f"{len(files)} files, the largest {size} bytes")
    lab.up(node)
    tap.check("full: no further key" in lab.server("node", "pending"), lab.server("node", "pending"))
    lab.server("node", "deny", "--all")
    knock(lab, strangers[-1:])
    tap.check([each["fingerprint"] for each in pending(lab)] == [fingerprint(strangers[-1])], "no room after deny")


@tap.case("a full disk keeps no node out, and a stranger is refused as ever")
def _(lab):
    keys_command.use(lab)
    namespaces.mount_tmpfs(lab.state_dir, "1m")  # without the lab's server.json
    lab.on_close(lambda: namespaces.unmount(lab.state_dir))
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    with open(lab.state_dir / "ballast", "wb", buffering=0) as stream:
        try:
            while True:
                stream.write(bytes(4096))
        except OSError:
            pass
    stranger = lab.directory / "stranger"
    make_key(stranger)
    knock(lab, [stranger])
    tap.check(pending(lab) == [], f"pending: {pending(lab)}")
    node.start()
    lab.wait_answer(node, 20)


keys_command.run(policy={"refused_retry_ms": 2000})
