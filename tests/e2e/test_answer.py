#!/usr/bin/env python3
"""The main job: what a user sends to the exposed port comes out at the node's service, and back."""

import lab
import tap
from probes import ask, probe, probe_http
from services import BannerService, HttpService, NonceService, UnixNonceService


@tap.case("a fresh nonce comes back through the exposed port of a real sshd")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    tap.check(not probe(node.port(), "node-a").ok, "an answer before the client runs")
    node.start()
    lab.wait_answer(node)
    status = lab.wait_state(node, "up")[0]
    forward = status["forwards"][0]
    tap.check(forward["verdict"] == "healthy", f"verdict {forward}")
    tap.check(forward["listen"] == f"localhost:{node.port()}", f"listen {forward}")
    tap.check(status["session"]["agent_pid"] == lab.agent(node).pid, "the status names another agent")
    tap.check(status["session"]["sshd_pid"] == lab.session_sshd(node).pid, "the status names another sshd")
    tap.check(probe(node.port(), "node-a", address="::1").ok, "no answer on ::1")
    node.wait_status(lambda seen: seen["state"] == "up", 5, "the client's status up")
    tap.check(node.stop() == 0, f"the client's exit code {node.exit_code}")
    tap.wait_until(lambda: not probe(node.port(), "node-a").ok, 5, "no answer after stop")
    lab.wait_state(node, "down", 5)


@tap.case("targets of every kind answer: IPv4, IPv6, unix socket, banner, HTTP")
def _(lab):
    def keep(service):
        lab.on_close(service.close)
        return service

    services = {
        "four": lab.nonce_service("four"),
        "banner": keep(BannerService("banner", lab.ports.take())),
        "web": keep(HttpService("web", lab.ports.take())),
        "local": keep(UnixNonceService("local", lab.directory / "local.sock")),
    }
    try:
        services["six"] = keep(NonceService("six", lab.ports.take(), address="::1"))
    except OSError:
        tap.note("no IPv6 on loopback: that target is left out")
    node = lab.add_node("node-a", services)
    status = lab.up(node)
    tap.check({each["name"] for each in status["forwards"]} == set(services), f"forwards {status['forwards']}")
    for name in set(services) & {"four", "six", "local"}:
        answer = probe(node.port(name), name)
        tap.check(answer.ok, f"{name}: {answer}")
    answer = probe_http(node.port("web"))
    tap.check(answer.ok, f"web: {answer}")
    banner = ask(node.port("banner"), b"", 64, 2)
    tap.check(banner.startswith(b"SSH-2.0-lab"), f"banner: {banner!r}")


@tap.case("32 forwards of one node answer, each with its own service")
def _(lab):
    names = [f"service-{number}" for number in range(32)]
    node = lab.add_node("node-a", {name: lab.nonce_service(name) for name in names})
    status = lab.up(node, 30)
    verdicts = {each["name"]: each["verdict"] for each in status["forwards"]}
    tap.check(verdicts == {name: "healthy" for name in names}, f"verdicts {verdicts}")
    for name in names:
        answer = probe(node.port(name), name)
        tap.check(answer.ok, f"{name}: {answer}")


@tap.case("two nodes side by side, and neither key opens the other's port")
def _(lab):
    first = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    second = lab.add_node("node-b", {"ssh": lab.nonce_service("node-b")})
    lab.up(first)
    lab.up(second)
    tap.check(probe(first.port(), "node-a").ok and probe(second.port(), "node-b").ok, "an answer is missing")
    second.stop()
    thief = lab.plain_ssh(
        first.key_file,
        ("-N", "-o", "ExitOnForwardFailure=yes", "-R", f"localhost:{second.port()}:127.0.0.1:{first.service().port}"),
        lab.directory / "thief.log",
    )
    tap.wait_until(lambda: thief.poll() is not None, 10, "the refused ssh ends")
    tap.check(not probe(second.port(), "node-a").ok, "the first node's key took the second node's port")


lab.main()
