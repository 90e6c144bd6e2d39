#!/usr/bin/env python3
"""What a person, init and cron do to a running client: status, reload, restart-tunnel, stop, the canary."""

import signal
import subprocess

import lab
import tap
from probes import probe

STATUS_KEYS = set(
    """schema node state reason since supervisor_pid worker_pid server session forwards canary heartbeat backoff agent
    config""".split()
)


def other_session(lab, node, before, limit_s=10):
    def another():
        session = lab.session_id(node)
        return session if session != before else None

    return tap.wait_until(another, limit_s, f"another session than {before}")[0]


@tap.case("status: exit code and document say whether it runs and is up")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    node.client("status", "--json", code=3)
    lab.up(node)
    status, _ = node.wait_status(lambda seen: seen["state"] == "up", 5, "up")
    tap.check(STATUS_KEYS <= set(status), f"missing keys: {STATUS_KEYS - set(status)}")
    tap.check(status["supervisor_pid"] == node.supervisor.pid, f"supervisor_pid {status['supervisor_pid']}")
    tap.check(status["worker_pid"] == node.worker().pid, f"worker_pid {status['worker_pid']}")
    node.client("status", "--json", code=0)
    node.client("status", code=0)
    lab.sshd.stop()
    node.wait_status(lambda seen: seen["state"] != "up", 10, "no longer up")
    node.client("status", code=1)
    node.kill()
    node.client("status", "--json", code=3)


@tap.case("reload: a changed target needs no new session, a changed listen does")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("first")})
    session = lab.up(node)["session"]["id"]
    second = lab.nonce_service("second")
    node.settings["forwards"][0].update(target=second.target, expect=second.expect)
    node.write_config()
    node.client("reload")
    tap.wait_until(lambda: probe(node.port(), "second").ok, 5, "an answer from the new target")
    tap.check(lab.session_id(node) == session, "a changed target cost a session")
    node.settings["forwards"][0]["listen"] = f"localhost:{node.port()}"
    node.write_config()
    node.supervisor.signal(signal.SIGHUP)
    other_session(lab, node, session)
    tap.wait_until(lambda: probe(node.port(), "second").ok, 5, "an answer afterwards")


@tap.case("reload of a broken configuration changes nothing and says so")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    session = lab.up(node)["session"]["id"]
    text = node.config_file.read_text(encoding="utf-8")
    node.config_file.write_text(text.replace('"target"', '"targte"'), encoding="utf-8")
    node.client("reload", code=None)
    node.wait_status(lambda seen: "targte" in seen["config"]["error"], 5, "the status names the error")
    tap.check(probe(node.port(), "node-a").ok, "no answer")
    tap.check(lab.session_id(node) == session, "a broken configuration cost a session")


@tap.case("restart-tunnel, SIGUSR1, stop: as said")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    session = lab.up(node)["session"]["id"]
    node.client("restart-tunnel")
    session = other_session(lab, node, session)
    lab.wait_answer(node)
    lab.wait_state(node, "up")
    node.supervisor.signal(signal.SIGUSR1)
    other_session(lab, node, session)
    lab.wait_answer(node)
    worker = node.worker()
    node.client("stop")
    tap.wait_until(lambda: node.exit_code is not None, 10, "the client ends after stop")
    tap.check(node.exit_code == 0, f"exit code {node.exit_code}")
    tap.check(not worker.is_alive, "the worker is left")
    node.client("stop", code=3)


@tap.case("a second `run` on the same directories ends at once and names the first")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    lab.up(node)
    second = subprocess.run(
        node.command("run"), env=lab.environment, stderr=subprocess.PIPE, timeout=10, check=False, encoding="utf-8"
    )
    tap.check(second.returncode != 0, "two supervisors on one lock")
    tap.check(str(node.supervisor.pid) in second.stderr, f"it says {second.stderr!r}")
    tap.check(len(second.stderr.splitlines()) == 1, f"not one line: {second.stderr!r}")


@tap.case("the canary listener leads through the server to the node's own service")
def _(lab):
    canary = lab.ports.take()
    settings = {"canary": {"listen": f"127.0.0.1:{canary}", "forward": "ssh"}}
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")}, settings=settings)
    lab.up(node)
    answer = probe(canary, "node-a")
    tap.check(answer.ok, f"through the canary: {answer}")
    status, _ = node.wait_status(lambda seen: (seen["canary"] or {}).get("ok"), 10, "the canary is ok in the status")
    tap.check(status["canary"]["rtt_ms"] is not None, f"canary {status['canary']}")


@tap.case("a dead supervisor takes its worker and its port with it")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    lab.up(node)
    worker = node.worker()
    node.supervisor.kill()
    tap.wait_until(lambda: not worker.is_alive, 5, "the worker ends with its parent")
    tap.wait_until(lambda: not probe(node.port(), "node-a", 0.5).ok, 5, "the port is gone")
    lab.wait_state(node, "down", 5)


@tap.case("a supervisor that hangs is ended by its worker within 45 s, so that init can start it again")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    lab.up(node)
    worker = node.worker()
    node.supervisor.stop()
    _, took = tap.wait_until(lambda: node.exit_code is not None, 45, "the hung supervisor is ended")
    tap.note(f"ended after {took:.1f} s")
    tap.wait_until(lambda: not worker.is_alive, 5, "the worker ends too")


lab.main()
