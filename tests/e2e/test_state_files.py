#!/usr/bin/env python3
"""Broken files in the server's state directory are reported by name, and the node carries on."""

import json

import lab
import tap
from probes import probe

RUBBISH = '{"schema": 1, "no'


@tap.case("node.json broken: served by the grants of its authorized_keys line, and reported")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a"), "other": lab.nonce_service("other")})
    before = lab.up(node)["session"]["id"]
    file = lab.state_dir / "nodes" / "node-a" / "node.json"
    file.write_text(RUBBISH, encoding="utf-8")
    tap.hold(lambda: probe(node.port(), "node-a").ok, 3, "the tunnel stays")
    node.client("restart-tunnel")
    tap.wait_until(lambda: lab.session_id(node) not in ("", before), 15, "another session")
    lab.wait_answer(node, 10)
    lab.wait_answer(node, 10, "other")
    tap.wait_until(lambda: "node.json" in json.dumps(lab.status(node)) + json.dumps(lab.events(node)), 10, "a report")
    tap.check(file.read_text(encoding="utf-8") == RUBBISH, "node.json was changed or moved aside")


@tap.case("session.json, status.json, server.json and events.jsonl broken: the node comes up")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    lab.up(node)
    node.stop()
    lab.wait_state(node, "down", 5)
    directory = lab.state_dir / "nodes" / "node-a"
    for name in ("session.json", "status.json", "events.jsonl", "alive"):
        (directory / name).write_text(RUBBISH, encoding="utf-8")
    (lab.state_dir / "server.json").write_text(RUBBISH, encoding="utf-8")
    lab.server("status", code=None)
    node.start()
    lab.wait_answer(node, 15)
    lab.wait_state(node, "up", 10)
    tap.check((lab.state_dir / "server.json").read_text(encoding="utf-8") == RUBBISH, "server.json was changed")


@tap.case("one node's broken files do not touch another node")
def _(lab):
    first = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    second = lab.add_node("node-b", {"ssh": lab.nonce_service("node-b")})
    session = lab.up(second)["session"]["id"]
    for name in ("node.json", "session.json", "status.json"):
        (lab.state_dir / "nodes" / "node-a" / name).write_text(RUBBISH, encoding="utf-8")
    first.start()
    lab.wait_answer(first, 15)
    shown = json.loads(lab.server("status", "--json"))
    tap.check({each["node"] for each in shown} == {"node-a", "node-b"}, f"listed: {shown}")
    tap.check(lab.session_id(second) == session, "the other node's session was touched")


@tap.case("a port that no node may have, in node.json: reported, and the line serves; in the line itself: one forward less")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    file = lab.state_dir / "nodes" / "node-a" / "node.json"
    good = file.read_text(encoding="utf-8")
    record = json.loads(good)
    record["forwards"][0]["port"] = 80
    file.write_text(json.dumps(record), encoding="utf-8")
    lab.server("setup", "--user")
    node.start()
    lab.wait_answer(node, 15)
    tap.wait_until(lambda: "node.json: forwards" in json.dumps(lab.events(node)), 10, "a report")
    file.write_text(good, encoding="utf-8")
    line = lab.authorized_keys.read_text(encoding="utf-8")
    lab.authorized_keys.write_text(line.replace(" --grant ssh", " --grant web=80 --grant ssh"), encoding="utf-8")
    node.client("restart-tunnel")
    tap.wait_until(lambda: "web=80" in json.dumps(lab.events(node)), 15, "a report")
    lab.wait_answer(node, 15)


lab.main()
