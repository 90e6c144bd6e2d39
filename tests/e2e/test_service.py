#!/usr/bin/env python3
"""The service behind a good tunnel breaks: the verdict says so, the tunnel stays, and all is well when it is back."""

import lab
import tap
from probes import probe
from services import HttpService


def verdict(lab, node, wanted, limit_s=20):
    """Waits for a verdict of the node's only forward; returns the status."""
    seen = [{}]

    def reached():
        seen[0] = lab.status(node)
        forwards = seen[0].get("forwards") or [{}]
        return seen[0] if forwards[0].get("verdict") == wanted else None

    return tap.wait_until(reached, limit_s, lambda: f"verdict {wanted}, last: {seen[0]}", every_s=0.05)


def breaks_and_heals(lab, service, mode, wanted):
    node = lab.add_node("node-a", {"ssh": service})
    before = lab.up(node)["session"]["id"]
    worker = node.worker()
    service.mode = mode
    status, took = verdict(lab, node, wanted)
    tap.note(f"{wanted} after {took:.1f} s: {status['forwards'][0]['reason']}")
    tap.check(status["state"] == "degraded", f"state {status['state']}")
    tap.check(status["forwards"][0]["reason"], "a bad verdict without a reason")
    tap.hold(lambda: lab.session_id(node) == before, 5, "the session stays while the service is bad")
    service.mode = "ok"
    status, took = verdict(lab, node, "healthy")
    tap.note(f"healthy after {took:.1f} s")
    tap.check(lab.wait_state(node, "up", 5)[0]["session"]["id"] == before, "another session id")
    tap.check(node.worker() == worker, "another worker")
    return node


@tap.case("service down: service_down, same session before and after")
def _(lab):
    service = lab.nonce_service("node-a")
    node = breaks_and_heals(lab, service, "down", "service_down")
    tap.check(probe(node.port(), "node-a").ok, "no answer afterwards")


@tap.case("a target that drops packets: service_down, same session before and after")
def _(lab):
    breaks_and_heals(lab, lab.nonce_service("node-a"), "full", "service_down")


@tap.case("service hung: service_hung, same session before and after")
def _(lab):
    breaks_and_heals(lab, lab.nonce_service("node-a"), "hang", "service_hung")


@tap.case("wrong banner: wrong_answer, same session before and after")
def _(lab):
    breaks_and_heals(lab, lab.nonce_service("node-a"), "wrong", "wrong_answer")


@tap.case("wrong HTTP status: wrong_answer, same session before and after")
def _(lab):
    service = HttpService("node-a", lab.ports.take())
    lab.on_close(service.close)
    breaks_and_heals(lab, service, "wrong", "wrong_answer")


@tap.case("one service of two is down: the other forward stays healthy")
def _(lab):
    services = {"good": lab.nonce_service("good"), "bad": lab.nonce_service("bad")}
    node = lab.add_node("node-a", services)
    before = lab.up(node)["session"]["id"]
    services["bad"].mode = "down"
    status, _ = lab.wait_state(node, "degraded", 20)
    verdicts = {each["name"]: each["verdict"] for each in status["forwards"]}
    tap.check(verdicts == {"good": "healthy", "bad": "service_down"}, f"verdicts {verdicts}")
    tap.check(probe(node.port("good"), "good").ok, "the good forward does not answer")
    tap.check(status["session"]["id"] == before, "another session id")


@tap.case("`reversi-server probe` judges at once and by its exit code")
def _(lab):
    service = lab.nonce_service("node-a")
    node = lab.add_node("node-a", {"ssh": service})
    lab.server("probe", node, code=3)
    lab.up(node)
    lab.server("probe", node, code=0)
    service.mode = "down"
    lab.server("probe", node, code=1)


lab.main(policy={"check_ms": 2000, "probe_limit_ms": 3000})
