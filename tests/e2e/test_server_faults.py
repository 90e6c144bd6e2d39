#!/usr/bin/env python3
"""The server's side breaks: its agent stops, its sshd restarts."""

import time

import lab
import tap
from probes import probe


def settle(lab, node, limit_s):
    """Waits for an answer and `up`, then makes sure that the session stays; returns its status."""
    lab.wait_answer(node, limit_s)
    status = lab.wait_state(node, "up", limit_s)[0]
    session = status["session"]["id"]
    tap.hold(lambda: lab.session_id(node) == session, 5, f"session {session} stays")
    tap.check(probe(node.port(), "node-a").ok, "no answer from a settled session")
    return status


def up(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    return node, lab.up(node)["session"]["id"]


@tap.case("an agent stopped for 30 s and continued: the node is back on one session, and no agent is left over")
def _(lab):
    node, _ = up(lab)
    agent = lab.agent(node)
    agent.stop()
    stopped_at = time.monotonic()
    tap.wait_until(lambda: time.monotonic() - stopped_at > 30, 40, "30 s")
    agent.resume()
    status = settle(lab, node, 40)
    agents = [each for each in lab.sshd.sessions() if f"--node {node} " in each.command_line and each.is_alive]
    agents = [each.pid for each in agents if "sshd" not in each.command_line.split(" ")[0]]
    tap.check(agents == [status["session"]["agent_pid"]], f"agents {agents}, status {status['session']}")


@tap.case("sshd restarted without its sessions: the tunnel does not notice")
def _(lab):
    node, session = up(lab)
    held = lab.session_sshd(node)
    lab.sshd.restart(sessions=False)
    tap.hold(lambda: held.is_alive and probe(node.port(), "node-a").ok, 5, "the tunnel stays")
    tap.check(lab.session_id(node) == session, "another session id")


@tap.case("sshd and its sessions gone for 5 s: back within 12 s of its return")
def _(lab):
    node, session = up(lab)
    lab.sshd.stop()
    gone_at = time.monotonic()
    tap.wait_until(lambda: not probe(node.port(), "node-a").ok, 2, "no answer without sshd")
    node.wait_status(lambda seen: seen["state"] != "up", 5, "the client's status says that it is not up")
    tap.wait_until(lambda: time.monotonic() - gone_at > 5, 10, "5 s")
    lab.sshd.start()
    tap.check(settle(lab, node, 12)["session"]["id"] != session, "the same session id after a restart")


@tap.case("a cut connection: back within 3 s")
def _(lab):
    relay = lab.relay()
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")}, server_port=relay.port)
    lab.up(node)
    relay.cut()
    settle(lab, node, 3)


@tap.case("a path that goes silent for good: back within 40 s over a new connection")
def _(lab):
    relay = lab.relay()
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")}, server_port=relay.port)
    lab.up(node)
    accepted = relay.accepted
    relay.stall()
    tap.wait_until(lambda: relay.accepted > accepted, 40, "the client gives the silent connection up")
    relay.resume()
    settle(lab, node, 30)


lab.main()
