#!/usr/bin/env python3
"""The administrator's verbs against nodes that are up: evict, set, remove, and the words about an agent that was killed."""

import fcntl
import json
import os
import shutil
import socket
import subprocess

import lab
import tap
from probes import probe

NOBODY = 65534


def session_of(status):
    return (status.get("session") or {}).get("id")


def another_session(lab, node, before, limit_s=15):
    return tap.wait_until(
        lambda: session_of(lab.status(node)) not in (None, before), limit_s, f"another session of {node}", every_s=0.05
    )


@tap.case("evict: the session ends at once, and the node is back with another")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    before = lab.up(node)["session"]["id"]
    lab.server("evict", node)
    tap.note(f"another session after {another_session(lab, node, before)[1]:.1f} s")
    lab.wait_answer(node, 10)
    node.stop()
    lab.wait_state(node, "down", 5)
    lab.server("evict", node, code=3)


@tap.case("evict and disable end a session whose agent is stopped, within 5 s")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    before = lab.up(node)["session"]["id"]
    agent = lab.agent(node)
    agent.stop()
    lab.server("evict", node)
    tap.check(not agent.is_alive, "the stopped agent is still there")
    another_session(lab, node, before)
    lab.wait_answer(node, 10)
    agent = lab.agent(node)
    agent.stop()
    _, took = tap.wait_until(lambda: lab.server("node", "disable", node) == "", 5, "disable")
    tap.note(f"disabled after {took:.1f} s")
    tap.check(not agent.is_alive, "the stopped agent is still there")
    tap.check(not probe(node.port(), "node-a", 0.5).ok, "the port still answers")


@tap.case("node set: an expectation counts at once, in the same session; another port takes another session")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    before = lab.up(node)["session"]["id"]
    lab.server("node", "set", node, "--forward", "ssh:banner=never")
    status, _ = lab.wait_state(node, "degraded", 15)
    tap.check(session_of(status) == before, "another session for an expectation")
    lab.server("node", "set", node, "--forward", "ssh:connect")
    lab.wait_state(node, "up", 15)
    port = lab.ports.take()
    lab.server("node", "set", node, "--forward", f"ssh={port}")
    another_session(lab, node, before)
    tap.wait_until(lambda: probe(port, "node-a").ok, 10, "a nonce through the new port")
    tap.check(not probe(node.port(), "node-a", 0.5).ok, "the old port still answers")


@tap.case("node remove: line, session and directory are gone, a neighbour is not")
def _(lab):
    other = lab.add_node("node-b", {"ssh": lab.nonce_service("node-b")})
    undisturbed = lab.up(other)["session"]["id"]
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    lab.up(node)
    lab.server("node", "remove", node)
    tap.wait_until(lambda: not probe(node.port(), "node-a", 0.5).ok, 5, "the port is free")
    tap.check(not (lab.state_dir / "nodes" / "node-a").exists(), "the directory is still there")
    tap.check("--node node-a " not in lab.authorized_keys.read_text(encoding="utf-8"), "the line is still there")
    tap.check([each["node"] for each in json.loads(lab.server("status", "--json"))] == ["node-b"], "another list")
    tap.check(session_of(lab.status(other)) == undisturbed, "the other node's session was touched")


@tap.case("node remove where something holds the port that cannot be ended: the node stays, disabled, with its port")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    other = lab.add_node("node-b", {"ssh": lab.nonce_service("node-b")}, register=False)
    with socket.create_server(("127.0.0.1", node.port())):
        lab.server("node", "remove", node, code=1)
        tap.check(lab.status(node)["state"] == "disabled", f"{lab.status(node)}")
        words = ["node", "add", "node-b", "--key", "-", "--forward", f"ssh={node.port()}"]
        lab.server(*words, text=other.public_key, code=1)
    lab.server("node", "remove", node)
    lab.server(*words, text=other.public_key)


@tap.case("agent killed: whoever reads adds the down that it could not write, once")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    lab.up(node)
    agent = lab.agent(node)
    agent.stop()  # or it would see the end of its input and say goodbye in order
    node.kill()
    agent.kill()
    status, _ = lab.wait_state(node, "down", 5)
    tap.check(status["session"] is None and status["forwards"][0]["verdict"] == "unknown", f"old words: {status}")
    lab.server("status", "--json")
    lab.server("events")
    downs = [each for each in lab.events(node) if each["event"] == "down"]
    tap.check(len(downs) == 1 and downs[0]["was_up_ms"] >= 0, f"events: {lab.events(node)}")


@tap.case("node set killed between node.json and authorized_keys: the next login mends the line, and has the new port")
def _(lab_):
    node = lab_.add_node("node-a", {"ssh": lab_.nonce_service("node-a")})
    lab_.up(node)
    port = lab_.ports.take()
    record = lab_.state_dir / "nodes" / "node-a" / "node.json"
    keys = os.open(lab_.authorized_keys.parent, os.O_RDONLY)
    try:
        fcntl.flock(keys, fcntl.LOCK_EX)  # what the verb waits for, with its record saved
        command = [lab.program("REVERSI_SERVER"), "node", "set", "node-a", "--forward", f"ssh={port}"]
        command += ["--authorized-keys", str(lab_.authorized_keys)]  # not where the agent looks unasked: HOME is the lab's
        verb = subprocess.Popen(command, env=lab_.environment)
        tap.wait_until(lambda: str(port) in record.read_text(encoding="utf-8"), 10, "node.json says the new port")
        verb.kill()
        verb.wait(10)
    finally:
        os.close(keys)
    tap.check(str(port) not in lab_.authorized_keys.read_text(encoding="utf-8"), "the line was written already")
    node.client("restart-tunnel")
    _, took = tap.wait_until(lambda: probe(port, "node-a").ok, 15, "a nonce through the new port")
    tap.note(f"on the new port after {took:.1f} s")
    lab_.wait_state(node, "up", 15)
    tap.check("lines_due" not in record.read_text(encoding="utf-8"), "node.json still says that lines are due")


def check_not_runnable(lab_, code, said, before):
    tap.check(code == 1 and "account" in said and "install it" in said, f"exit {code}: {said}")
    tap.check(lab_.authorized_keys.read_bytes() == before, "the lines were changed")


@tap.case("a program that is gone by the time it would write its own path into a line does not")
def _(lab_):
    lab_.add_node("node-a", {"ssh": lab_.nonce_service("node-a")})
    before = lab_.authorized_keys.read_bytes()
    copy = lab_.directory / "gone" / "reversi-server"
    copy.parent.mkdir()
    shutil.copy(lab.program("REVERSI_SERVER"), copy)
    key = lab_.add_node("node-b", {"ssh": "127.0.0.1:9"}, register=False).public_key
    # It reads the key first, so that it is known to run.
    verb = subprocess.Popen(
        [copy, "node", "set", "node-a", "--key", "-"],
        env=lab_.environment, stdin=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
    )
    copy.unlink()  # Popen returns once the program runs
    _, said = verb.communicate(key + "\n", timeout=30)
    check_not_runnable(lab_, verb.returncode, said, before)


@tap.case("root runs a program that the account of the nodes cannot reach: set and setup change nothing and say so")
def _(lab_):
    if os.geteuid():
        raise tap.Skip("needs root to work for another account")
    lab_.add_node("node-a", {"ssh": lab_.nonce_service("node-a")})
    before = lab_.authorized_keys.read_bytes()
    copy = lab_.directory / "roots" / "reversi-server"
    copy.parent.mkdir(mode=0o700)
    shutil.copy(lab.program("REVERSI_SERVER"), copy)
    for place in [lab_.directory.parent, lab_.directory]:
        place.chmod(0o755)
    for top in (lab_.state_dir, lab_.home):
        for place in (top, *top.rglob("*")):
            os.chown(place, NOBODY, NOBODY)
    words = ["--authorized-keys", str(lab_.authorized_keys)]
    for verb in (["node", "set", "node-a", "--from", "127.0.0.0/8"], ["node", "enable", "node-a"], ["setup", "--user"]):
        done = subprocess.run(
            [copy, *verb, *words], env=lab_.environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE,
            encoding="utf-8", timeout=30, check=False,
        )
        check_not_runnable(lab_, done.returncode, done.stderr, before)


lab.main(policy={"check_ms": 1000, "probe_limit_ms": 2000})
