#!/usr/bin/env python3
"""The canary goes the whole way round, from the node to its own exposed port; without an agent it is the judge."""

import socket

import lab
import tap
from probes import probe


def canary_node(lab, service=None, **settings):
    service = service or lab.nonce_service("node-a")
    port = lab.ports.take()
    settings = {"canary": {"listen": f"127.0.0.1:{port}", "forward": "ssh"}, **settings}
    return lab.add_node("node-a", {"ssh": service}, settings=settings), port


def agent_free(lab, service, options="restrict,port-forwarding"):
    """A node on an sshd that knows nothing of reversi: only its key is there, with these options."""
    port, canary_port = lab.ports.take(), lab.ports.take()
    node = lab.add_node("node-a", {"ssh": service}, register=False)
    node.ports["ssh"] = port
    node.settings["agent"] = False
    node.settings["forwards"][0]["listen"] = f"localhost:{port}"
    node.settings["canary"] = {"listen": f"127.0.0.1:{canary_port}", "forward": "ssh"}
    node.write_config()
    with open(lab.authorized_keys, "a", encoding="utf-8") as stream:
        stream.write(f"{options} {node.public_key}\n")
    return node


@tap.case("the canary comes back before up, and its listener leads to the node's own service")
def _(lab):
    node, port = canary_node(lab)
    lab.up(node)
    status, _ = node.wait_status(lambda seen: seen["state"] == "up", 10, "up")
    tap.check(status["canary"]["ok"] is True, f"canary {status['canary']}")
    tap.check(status["canary"]["rtt_ms"] < 5000 and status["canary"]["checked_at"], f"canary {status['canary']}")
    tap.check(probe(port, "node-a").ok, "no answer through the canary's listener")


@tap.case("a canary that cannot listen degrades the node, and the tunnel stays")
def _(lab):
    with socket.socket() as holder:
        node, port = canary_node(lab)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", port))
        holder.listen()
        node.start()
        lab.wait_answer(node)
        status, _ = node.wait_status(lambda seen: seen["state"] == "degraded", 10, "degraded")
        tap.check("canary" in status["reason"], f"reason {status['reason']}")
        tap.check(lab.wait_state(node, "up")[0]["session"], "the server's view suffers")


@tap.case("without an agent: up by the canary, and a service that is down restarts nothing")
def _(lab):
    service = lab.nonce_service("node-a")
    node = agent_free(lab, service)
    node.start()
    lab.wait_answer(node)
    status, _ = node.wait_status(lambda seen: seen["state"] == "up", 10, "up")
    tap.check(status["agent"] is False and status["forwards"][0]["verdict"] == "healthy", f"{status}")
    worker = node.worker()
    service.mode = "down"
    _, took = node.wait_status(lambda seen: seen["forwards"][0]["verdict"] == "service_down", 45, "service_down")
    tap.note(f"service_down after {took:.1f} s")
    service.mode = "ok"
    _, took = node.wait_status(lambda seen: seen["state"] == "up", 45, "up again")
    tap.note(f"up again after {took:.1f} s")
    tap.check(node.worker() == worker, "another worker")


def stop_sshd(lab, node):
    """The sshd child that holds the node's port stops for good; returns it and the worker of that session."""
    lab.wait_answer(node)
    node.wait_status(lambda seen: seen["state"] == "up", 10, "up")
    children = [each for each in lab.sshd.sessions() if "[priv]" not in each.command_line and "sshd" in each.command_line]
    tap.check(len(children) == 1, f"not one sshd child: {children}")
    worker = node.worker()
    children[0].stop()
    return children[0], worker


@tap.case("without an agent: a session that hangs is ended on the server too, where a command may run")
def _(lab):
    node = agent_free(lab, lab.nonce_service("node-a"))
    node.start()
    node.wait_status(lambda seen: seen.get("eviction") == "own_sessions", 10, "it can end its own sessions")
    child, _ = stop_sshd(lab, node)
    tap.note(f"an answer {lab.wait_answer(node, 45):.1f} s after sshd's child was stopped")
    tap.check(not child.is_alive, "the stopped child is still there")
    child, _ = stop_sshd(lab, node)
    node.kill()
    node.start()
    tap.note(f"after a power cut beside it: {lab.wait_answer(node, 10):.1f} s")


@tap.case("without an agent and without commands: a session that hangs is replaced once its port is free")
def _(lab):
    node = agent_free(lab, lab.nonce_service("node-a"), options='restrict,port-forwarding,command="/bin/false"')
    node.start()
    child, worker = stop_sshd(lab, node)
    tap.check(node.status()["eviction"] == "none", f"{node.status()}")
    _, took = tap.wait_until(lambda: node.worker() not in (None, worker), 60, "another worker")
    tap.note(f"replaced after {took:.1f} s")
    child.kill()
    lab.wait_answer(node, 40)


lab.main()
