#!/usr/bin/env python3
"""The agent below a real sshd, against a node whose every line the test says: eviction, path proof, the end."""

import json
import shutil
import signal
import time

import lab
import tap
from agent_client import AgentClient, add_node
from probes import probe

QUICK = {"heartbeat_ms": 1000, "probe_limit_ms": 300}


def prepare(lab, name="node-a", policy=None, **more):
    """(key, forwards to ask for): one node with one forward to a nonce service."""
    if policy:
        (lab.state_dir / "server.json").write_text(json.dumps(policy), encoding="utf-8")
        (lab.state_dir / "server.json").chmod(0o600)
    service = lab.nonce_service(name)
    port = lab.ports.take()
    key = add_node(lab, name, {"ssh": port}, **more)
    return key, {"ssh": {"target": service.target, "expect": service.expect}}, port, service


def up(lab, key, forwards, **more):
    client = AgentClient(lab, "node-a", key, **more)
    client.up(forwards)
    client.expect("verdict", forward="ssh", verdict="healthy")
    return client


def stored(lab, file, name="node-a"):
    return json.loads((lab.state_dir / "nodes" / name / file).read_text(encoding="utf-8"))


def kinds(lab, name="node-a"):
    return [each["event"] for each in lab.events(name)]


@tap.case("hello, welcome, forward, ready: the probe proves the path and the node is up")
def _(lab):
    key, forwards, port, _ = prepare(lab)
    client = up(lab, key, forwards)
    tap.check(probe(port, "node-a").ok, "no answer through the port")
    client.send("heartbeat", seq=7)
    client.expect("heartbeat_ack", seq=7)
    tap.wait_until(lambda: stored(lab, "status.json")["state"] == "up", 5, "status.json says up")
    session = stored(lab, "session.json")
    tap.check(session["session"] == client.welcome["session"], "session.json names another session")
    agent = lab.agent("node-a")
    tap.check(agent.pid == session["agent"]["pid"], "session.json names another agent")
    tap.note(f"agent: {agent.rss_kib} KiB resident, {agent.private_dirty_kib} KiB of it its own")
    client.close()
    tap.wait_until(lambda: not agent.is_alive, 5, "the agent ends with its session")
    tap.check(kinds(lab) == ["up", "down"], f"events {kinds(lab)}")
    tap.check(stored(lab, "status.json")["state"] == "down", "status.json does not say down")
    tap.check(stored(lab, "session.json")["ended_at"], "the record is not closed")


@tap.case("the same supervisor is back: its old session goes at once")
def _(lab):
    key, forwards, port, _ = prepare(lab)
    old = up(lab, key, forwards)
    began = time.monotonic()
    new = up(lab, key, forwards)
    tap.note(f"back after {time.monotonic() - began:.2f} s")
    tap.check(new.welcome["session"] != old.welcome["session"], "the same session id")
    tap.check(old.ended(5) < 5, "the old session goes on")
    tap.check(probe(port, "node-a").ok, "no answer through the port")
    tap.check("evicted" in kinds(lab), f"events {kinds(lab)}")


@tap.case("another machine with the same key is refused while the first one answers")
def _(lab):
    key, forwards, port, _ = prepare(lab)
    first = up(lab, key, forwards)
    for retry_s in (60, 120):
        clone = AgentClient(lab, "node-a", key, run="run-2", machine="machine-2")
        clone.hello(forwards)
        refused = clone.expect("refused", 20, reason="duplicate")
        tap.check(refused["retry_after_ms"] == retry_s * 1000, f"retry after {refused['retry_after_ms']} ms")
        clone.close()
    first.send("heartbeat", seq=1)
    first.expect("heartbeat_ack", seq=1)
    tap.check(probe(port, "node-a").ok, "the first machine was disturbed")
    shown = lambda: stored(lab, "status.json")["conflict"] or {}  # noqa: E731
    tap.wait_until(lambda: shown().get("count") == 2, 5, lambda: f"a conflict of two, {shown()}")
    tap.check(shown()["machine"] == "machine-2", f"conflict {shown()}")
    tap.wait_until(lambda: kinds(lab).count("conflict") == 1, 5, lambda: f"one conflict: {kinds(lab)}")


@tap.case("another machine evicts a session that answers no challenge within 3 s")
def _(lab):
    key, forwards, _, _ = prepare(lab)
    silent = up(lab, key, forwards)
    silent.answers_pings = False
    began = time.monotonic()
    up(lab, key, forwards, run="run-2", machine="machine-2")
    took = time.monotonic() - began
    tap.check(3 <= took <= 8 * tap.SLOWNESS, f"took {took:.1f} s")
    silent.ended(5)


@tap.case("a stopped agent is evicted with its session, and none is left over")
def _(lab):
    key, forwards, _, _ = prepare(lab)
    up(lab, key, forwards)
    agent = lab.agent("node-a")
    agent.stop()
    began = time.monotonic()
    up(lab, key, forwards, run="run-2")
    tap.note(f"back after {time.monotonic() - began:.1f} s")
    tap.check(not agent.is_alive, "the stopped agent is left")


@tap.case("a stopped sshd is evicted")
def _(lab):
    key, forwards, _, _ = prepare(lab)
    up(lab, key, forwards)
    sshd = lab.session_sshd("node-a")
    sshd.stop()
    began = time.monotonic()
    up(lab, key, forwards)
    tap.note(f"back after {time.monotonic() - began:.2f} s")
    tap.check(not sshd.is_alive, "the stopped sshd is left")


@tap.case("an agent that was killed: its session is evicted, and its down is written by the next one")
def _(lab):
    key, forwards, _, _ = prepare(lab)
    up(lab, key, forwards)
    # The verdict is sent before the event is written: an agent killed between the two owes no `down`.
    tap.wait_until(lambda: kinds(lab) == ["up"], 5, lambda: f"up: {kinds(lab)}")
    lab.agent("node-a").kill()
    up(lab, key, forwards, run="run-2")
    tap.wait_until(lambda: "down" in kinds(lab) and kinds(lab)[-1] == "up", 5, lambda: f"down and up: {kinds(lab)}")


@tap.case("a probe that does not arrive at the node, twice: restart, and the session is ended")
def _(lab):
    key, forwards, _, _ = prepare(lab, policy=QUICK)
    client = AgentClient(lab, "node-a", key)
    client.answers_probes = False
    client.up(forwards)
    first = client.expect("expect_probe")
    second = client.expect("expect_probe")
    tap.check(first["originator_port"] != second["originator_port"], "both families from one port")
    restart = client.expect("restart")
    tap.check("hung" in restart["reason"], f"restart for {restart['reason']}")
    tap.check(client.ended(6) > 1, "no time to go by itself")
    tap.check(stored(lab, "status.json")["forwards"][0]["verdict"] == "hung", "not called hung")


@tap.case("not one byte reaches the service before the path is proven")
def _(lab):
    key, forwards, _, service = prepare(lab, policy={"probe_limit_ms": 2000})
    received = []
    handle = service.handle

    def watch(connection):
        connection.settimeout(0.5)
        try:
            received.append(connection.recv(1))
        except TimeoutError:
            received.append(None)
        connection.settimeout(None)
        handle(connection)

    service.handle = watch
    client = AgentClient(lab, "node-a", key)
    client.answers_probes = False
    client.up(forwards)
    client.expect("expect_probe")
    tap.wait_until(lambda: received, 5, "the service was looked at")
    tap.check(all(byte is None for byte in received), f"the service received {received}")


@tap.case("both address families are proven once: while the same sockets listen, a check asks one")
def _(lab):
    key, forwards, _, _ = prepare(lab)
    client = up(lab, key, forwards)

    def announced_by(checks):
        tap.wait_until(lambda: stored(lab, "status.json")["counters"]["checks"] == checks, 10, f"{checks} checks")
        return sum(message["type"] == "expect_probe" for message in client.seen)

    tap.check(announced_by(1) == 2, "the first check did not ask both")
    client.send("check", forward="ssh")
    tap.check(announced_by(2) == 3, "the second check did not ask one")


@tap.case("a target that refuses is service_down and costs no session")
def _(lab):
    key, forwards, _, _ = prepare(lab)
    client = AgentClient(lab, "node-a", key)
    client.target_outcome = "refused"
    client.up(forwards)
    client.expect("verdict", verdict="service_down")
    client.target_outcome = "ok"
    client.send("check", forward="ssh")
    client.expect("verdict", verdict="healthy")
    tap.check(stored(lab, "session.json")["session"] == client.welcome["session"], "another session")


@tap.case("the dead-man switch ends the sshd of a silent node")
def _(lab):
    key, forwards, _, _ = prepare(lab, policy=QUICK)
    client = up(lab, key, forwards)
    sshd = lab.session_sshd("node-a")
    began = time.monotonic()
    client.ssh.send_signal(signal.SIGSTOP)  # a path that is dead looks the same from here
    tap.wait_until(lambda: not sshd.is_alive, 8, "the sshd is ended")
    took = time.monotonic() - began
    tap.check(took >= 2.5, f"ended after {took:.1f} s already")
    tap.wait_until(lambda: kinds(lab) == ["up", "down"], 5, lambda: f"up and down, not {kinds(lab)}")
    tap.wait_until(lambda: "silent" in stored(lab, "status.json")["reason"], 5, "the status gives that reason")


@tap.case("a disabled node and a node without a grant are refused with their reason")
def _(lab):
    key, forwards, _, _ = prepare(lab, enabled=False)
    client = AgentClient(lab, "node-a", key)
    client.hello(forwards)
    client.expect("refused", reason="disabled")
    client.ended(6)
    key = add_node(lab, "node-b", {"ssh": lab.ports.take()})
    client = AgentClient(lab, "node-b", key)
    client.hello({"web": "127.0.0.1:80"})
    client.expect("refused", reason="no_grant")


@tap.case("what no correct client sends ends that session with one event, and touches no other")
def _(lab):
    key, forwards, port, _ = prepare(lab)
    neighbour = up(lab, key, forwards)
    bad_key = add_node(lab, "node-bad", {"ssh": lab.ports.take()})
    offences = [
        b"GET / HTTP/1.0\r\n",
        b'{"type":"heartbeat","seq":1}\n',
        b"\0" * 100 + b"\n",
        b"x" * 70000,
        b"[" * 60000 + b"\n",
        b'{"type":"hello","protocol":1,"node":"../node-a","instance":"i","run":"r","machine":"m"}\n',
        b'{"type":"hello","protocol":1,"node":"node-a","instance":"i","run":"r","machine":"m"}\n',
        b'{"type":"hello","protocol":"one"}\n',
    ]
    for number, offence in enumerate(offences, 1):
        client = AgentClient(lab, "node-bad", bad_key)
        client.send_bytes(offence)
        client.ended(10)
        tap.check(kinds(lab, "node-bad") == ["protocol_error"] * number, f"{offence[:40]}: {lab.events('node-bad')}")
    client = AgentClient(lab, "node-bad", bad_key)
    client.welcomed({"ssh": "127.0.0.1:1"})
    client.send("forwarded", forward="nobody", listens=True)
    client.ended(10)
    tap.check(len(kinds(lab, "node-bad")) == len(offences) + 1, f"{lab.events('node-bad')}")
    tap.check(probe(port, "node-a").ok, "the neighbour was disturbed")
    tap.check(stored(lab, "session.json")["session"] == neighbour.welcome["session"], "the neighbour's session changed")


@tap.case("a flood of lines is read at 20 a second after the first burst, and the session lives")
def _(lab):
    key, forwards, _, _ = prepare(lab)
    client = up(lab, key, forwards)
    already = len(client.seen)
    lines = 150
    began = time.monotonic()
    client.send_bytes(b"".join(b'{"type":"heartbeat","seq":%d}\n' % seq for seq in range(lines)))
    client.expect("heartbeat_ack", 20, seq=lines - 1)
    took = time.monotonic() - began
    tap.check(len(client.seen) - already >= lines, "acks are missing")
    tap.check(3 <= took <= 6 * tap.SLOWNESS, f"{lines} lines took {took:.1f} s")


@tap.case("the admin's requests reach the live agent: probe, disable, evict")
def _(lab):
    key, forwards, _, _ = prepare(lab)
    up(lab, key, forwards)
    lab.server("probe", "node-a", code=0)
    lab.server("evict", "node-a", code=0)
    tap.wait_until(lambda: lab.agent("node-a") is None, 5, "the session is evicted")
    client = up(lab, key, forwards)
    lab.server("node", "disable", "node-a", "--authorized-keys", lab.authorized_keys, code=0)
    client.expect("refused", 5, reason="disabled")
    client.ended(6)


@tap.case("the state directory is deleted under a live session: the tunnel stays")
def _(lab):
    key, forwards, port, _ = prepare(lab)
    client = up(lab, key, forwards)
    shutil.rmtree(lab.state_dir / "nodes")
    for seq in range(3):
        client.send("check")
        client.send("heartbeat", seq=seq)
        client.expect("heartbeat_ack", seq=seq)
    tap.check(probe(port, "node-a").ok, "no answer through the port")


lab.main()
