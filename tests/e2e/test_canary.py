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


def agent_free(lab, service, options="restrict,port-forwarding", name="node-a", canary_port=None):
    """A node on an sshd that knows nothing of reversi: only its key is there, with these options."""
    port, canary_port = lab.ports.take(), canary_port or lab.ports.take()
    node = lab.add_node(name, {"ssh": service}, register=False)
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


@tap.case("a canary whose port is taken listens on another one, and the status says which")
def _(lab):
    with socket.socket() as holder:
        node, port = canary_node(lab)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", port))
        holder.listen()
        node.start()
        lab.wait_answer(node)
        status, _ = node.wait_status(lambda seen: seen["state"] == "up", 10, "up")
        host, instead = status["canary"]["listen"].rsplit(":", 1)
        tap.check(host == "127.0.0.1" and int(instead) != port, f"canary {status['canary']}")
        tap.check(probe(int(instead), "node-a").ok, "no answer through the canary's listener")
        tap.check(f"127.0.0.1:{port}: Address already in use" in node.log_text(), "the log does not say why")
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


def stop_sshd(lab, node, others=()):
    """The sshd child that holds the node's port stops for good; returns it and the worker of that session."""
    lab.wait_answer(node)
    node.wait_status(lambda seen: seen["state"] == "up", 10, "up")
    sshds = [each for each in lab.sshd.sessions() if "[priv]" not in each.command_line and "sshd" in each.command_line]
    children = [each for each in sshds if each not in others]
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


@tap.case("without an agent: two clients with one canary port are both judged, and a dead path is found")
def _(lab):
    first = agent_free(lab, lab.nonce_service("node-a"))
    first.start()
    lab.wait_answer(first)
    first.wait_status(lambda seen: seen["state"] == "up", 10, "up")
    of_first = lab.sshd.sessions()
    canary_port = int(first.settings["canary"]["listen"].rsplit(":", 1)[1])
    second = agent_free(lab, lab.nonce_service("node-b"), name="node-b", canary_port=canary_port)
    second.start()
    child, worker = stop_sshd(lab, second, others=of_first)
    tap.check(first.worker() is not None and not second.status()["canary"]["listen"].endswith(f":{canary_port}"), "one canary port")
    _, took = tap.wait_until(lambda: second.worker() not in (None, worker), 60, "another worker")
    tap.note(f"replaced after {took:.1f} s")
    child.kill()
    lab.wait_answer(second, 40)
    tap.check(first.status()["state"] == "up", f"the other client suffers: {first.status()}")


lab.main()
