#!/usr/bin/env python3
"""The administrator disables a node that is up, and enables it again."""

import lab
import tap
from probes import probe


@tap.case("disabled while up: gone within 5 s, the client says why, back within 70 s of enable")
def _(lab):
    other = lab.add_node("node-b", {"ssh": lab.nonce_service("node-b")})
    undisturbed = lab.up(other)["session"]["id"]
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    lab.up(node)
    lab.server("node", "disable", node)
    _, took = tap.wait_until(lambda: not probe(node.port(), "node-a", 0.5).ok, 5, "the port is gone")
    tap.note(f"gone after {took:.1f} s")
    tap.check(lab.wait_state(node, "disabled", 5)[0]["node"] == "node-a", "the status names another node")
    status, _ = node.wait_status(lambda seen: "disabled" in seen["reason"], 30, "the client's reason says disabled")
    tap.note(f"the client says: {status['reason']}")
    lab.server("node", "enable", node)
    tap.note(f"an answer {lab.wait_answer(node, 70):.1f} s after enable")
    lab.wait_state(node, "up", 10)
    tap.check(lab.session_id(other) == undisturbed, "the other node's session was touched")


@tap.case("a session that no file names, as after a full disk, is gone within 5 s too, and evict finds it")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    record = lab.state_dir / "nodes" / "node-a" / "session.json"
    lab.up(node)
    for verb in (("evict",), ("node", "disable")):
        lab.wait_state(node, "up", 20)
        agent = lab.agent(node)
        record.unlink()
        lab.server(*verb, node)
        tap.wait_until(lambda: not agent.is_alive, 5, f"the agent ended by {' '.join(verb)}")
    tap.wait_until(lambda: not probe(node.port(), "node-a", 0.5).ok, 5, "the port is gone")
    node.wait_status(lambda seen: "disabled" in seen["reason"], 30, "the client's reason says disabled")


@tap.case("a session with the node's key but no agent is gone within 5 s of disable, and one of another key stays")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    service = node.service().target
    log = lab.directory / "plain.log"
    session = lab.plain_ssh(node.key_file, ("-N", "-R", f"localhost:{node.port()}:{service}"), log)
    lab.wait_answer(node)
    port = lab.ports.take()
    other = lab.foreign_session("other", arguments=("-N", "-R", f"localhost:{port}:{service}"))
    tap.wait_until(lambda: probe(port, "node-a").ok, 10, "the other session's port answers")
    lab.server("node", "disable", node)
    _, took = tap.wait_until(lambda: session.poll() is not None, 5, "the session is gone")
    tap.note(f"gone after {took:.1f} s")
    tap.check(other.poll() is None and probe(port, "node-a").ok, "another key's session was ended")


lab.main()
