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


lab.main()
