#!/usr/bin/env python3
"""Two machines with one identity, and one machine that comes back before its old session is known to be dead."""

import fcntl
import shutil

import lab
import tap
from probes import probe


def twin_of(lab, node, **options):
    """Key and state directory as a disk image has them."""
    twin = lab.add_node_like(node, **options)
    shutil.copytree(node.settings["state_dir"], twin.settings["state_dir"], dirs_exist_ok=True)
    return twin


@tap.case("a clone is refused with a reason, the first machine is undisturbed, and the conflict is shown")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    session = lab.up(node)["session"]["id"]
    clone = twin_of(lab, node)
    clone.start()
    status, took = clone.wait_status(lambda seen: "duplicate" in seen["reason"], 40, "the clone's reason: duplicate")
    tap.note(f"after {took:.1f} s the clone says: {status['reason']}")
    tap.check(status["state"] != "up", f"the clone's state {status['state']}")

    def undisturbed():
        return probe(node.port(), "node-a").ok and lab.session_id(node) == session

    tap.hold(undisturbed, 10, "the first machine keeps its session")
    seen = lab.status(node)
    tap.check(seen.get("conflict") and seen["conflict"]["count"] >= 1, f"conflict {seen.get('conflict')}")
    tap.check(seen["state"] == "degraded", f"state {seen['state']} beside a conflict")
    tap.check(clone.supervisor.is_alive, "the clone's supervisor gave up")


@tap.case("the same machine is back with a new supervisor while its old session is fresh: back within 10 s")
def _(lab):
    relay = lab.relay()
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")}, server_port=relay.port)
    session = lab.up(node)["session"]["id"]
    held = lab.session_sshd(node)
    relay.stall()  # nothing of the power cut reaches the server: no FIN, no RST
    node.kill()
    tap.check(held.is_alive, "the server knows already")
    again = twin_of(lab, node, server_port=lab.sshd.port)
    again.start()
    tap.note(f"an answer after {lab.wait_answer(again, 10):.1f} s")
    status = lab.wait_state(again, "up", 10)[0]
    tap.check(status["session"]["id"] != session, "the old session's id")
    tap.check(not status.get("conflict"), f"conflict {status.get('conflict')}")
    tap.wait_until(lambda: not held.is_alive, 5, "the old session's sshd is gone")


@tap.case("a restarted supervisor on the same directories is back within 5 s")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    lab.up(node)
    for _ in range(3):
        node.kill()
        node.start()
        tap.note(f"an answer after {lab.wait_answer(node, 5):.1f} s")
    lab.wait_state(node, "up", 10)


@tap.case("too many log in at once: the next is told busy and when to come again, and comes in then")
def _(lab):
    (lab.state_dir / "server.json").write_text('{"logins_at_once": 2}', encoding="utf-8")
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    places = lab.state_dir / "admission"
    places.mkdir(mode=0o700)
    held = [open(places / name, "w", encoding="utf-8") for name in ("0", "1")]
    for place in held:
        fcntl.flock(place, fcntl.LOCK_EX)
    node.start()
    status, _ = node.wait_status(lambda seen: "busy" in seen["reason"], 10, "the client is told busy")
    tap.note(f"the client says: {status['reason']}")
    tap.check("2 nodes are logging in" in status["reason"], status["reason"])
    for place in held:
        place.close()
    tap.note(f"an answer {lab.wait_answer(node, 8):.1f} s after there was a place again")


lab.main()
