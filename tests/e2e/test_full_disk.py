#!/usr/bin/env python3
"""The server's disk is full for a minute: no tunnel stops, and the status says since when nothing could be written."""

import lab
import namespaces
import tap
from probes import probe

FULL_S = 60


def fill(path):
    with open(path, "wb", buffering=0) as stream:
        try:
            while True:
                stream.write(bytes(4096))
        except OSError:
            pass


@tap.case("state directory on a full 1 MiB tmpfs for 60 s: same session, unwritten_since is shown and goes")
def _(lab):
    namespaces.need()
    namespaces.mount_tmpfs(lab.state_dir, "1m")
    lab.on_close(lambda: namespaces.unmount(lab.state_dir))
    (lab.state_dir / "server.json").write_text('{"check_ms": 5000}', encoding="utf-8")  # there is news to write
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    session = lab.up(node)["session"]["id"]
    agent = lab.agent(node)
    ballast = lab.state_dir / "ballast"
    fill(ballast)
    since = []

    def holds():
        status = lab.status(node)
        if status.get("unwritten_since"):
            since.append(status["unwritten_since"])
        same = lab.session_id(node) == session and agent.is_alive
        return same and status["state"] == "up" and probe(node.port(), "node-a").ok

    tap.hold(holds, FULL_S, lambda: f"up on session {session}, last: {lab.status(node)}", every_s=1)
    tap.check(since, f"unwritten_since was never shown: {lab.status(node)}")
    tap.note(f"unwritten_since {since[0]}")
    ballast.unlink()
    tap.wait_until(lambda: not lab.status(node).get("unwritten_since"), 90, "unwritten_since goes", every_s=0.2)
    tap.check(lab.session_id(node) == session, "another session id")


@tap.case("a node logs in while the disk is full")
def _(lab):
    namespaces.need()
    namespaces.mount_tmpfs(lab.state_dir, "1m")
    lab.on_close(lambda: namespaces.unmount(lab.state_dir))
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    fill(lab.state_dir / "ballast")
    node.start()
    lab.wait_answer(node, 20)


lab.main(private_mounts=True)
