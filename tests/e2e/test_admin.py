#!/usr/bin/env python3
"""The administrator's verbs against nodes that are up: evict, set, remove, and the words about an agent that was killed."""

import json

import lab
import tap
from probes import probe


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


lab.main(policy={"check_ms": 1000, "probe_limit_ms": 2000})
