#!/usr/bin/env python3
"""What the programs print, and what the example configurations say, is what docs/schemas promises."""

import copy
import json
import re
import sys
from pathlib import Path

import lab
import tap

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from json_schema import Schemas  # noqa: E402

SCHEMAS = Schemas(ROOT / "docs" / "schemas")


def valid(name, document):
    mistakes = SCHEMAS.validate(name, document, closed=True)
    tap.check(not mistakes, f"{name}: {mistakes[:5]}: {json.dumps(document)[:2000]}")


def without_comments(text):
    return json.loads(re.sub(r'("(?:\\.|[^"\\])*")|//[^\n]*', lambda found: found[1] or "", text))


def all_outputs(lab_, node):
    statuses = json.loads(lab_.server("status", "--json"))
    valid("server-status-list.json", statuses)
    for status in statuses:
        valid("server-status.json", json.loads(lab_.server("status", status["node"], "--json")))
        valid("node-show.json", json.loads(lab_.server("node", "show", status["node"], "--json")))
    valid("node-list.json", json.loads(lab_.server("node", "list", "--json")))
    for line in lab_.server("events", "--json").splitlines():
        valid("events.json", json.loads(line))
    valid("client-status.json", json.loads(node.client("status", "--json", code=None)))


@tap.case("every document of a fleet that is up, degraded, never seen, disabled, broken and down")
def _(lab_):
    service, other = lab_.nonce_service("node-a"), lab_.nonce_service("node-b")
    canary = {"canary": {"listen": f"127.0.0.1:{lab_.ports.take()}", "forward": "ssh"}}
    node = lab_.add_node("node-a", {"ssh": service, "web": other}, settings=canary)
    lab_.add_node("node-new", {"ssh": "127.0.0.1:22"}, admin_forwards=["ssh:banner=SSH-2.0-", "web:http=/,200", "x:connect"])
    lab_.add_node("node-off", {"ssh": "127.0.0.1:22"})
    lab_.server("node", "disable", "node-off")
    lab_.add_node("node-broken", {"ssh": "127.0.0.1:22"})
    (lab_.state_dir / "nodes" / "node-broken" / "node.json").write_text("{", encoding="utf-8")
    valid("node-list.json", json.loads(lab_.server("node", "list", "--json")))
    lab_.server("node", "remove", "node-broken")
    lab_.up(node)
    clone = lab_.add_node_like(node)
    clone.start()
    tap.wait_until(lambda: lab_.status(node)["conflict"], 20, "a conflict")
    all_outputs(lab_, node)
    shown = json.loads(lab_.server("node", "show", node, "--json"))
    tap.check(shown["last_refused"] and shown["last_refused"]["reason"].startswith("duplicate"), f"{shown}")
    day = shown["availability"][0]["windows"][0]
    tap.check(0 < day["available_ms"] <= day["known_ms"] < 600_000 and day["percent"] > 50, f"{shown['availability']}")
    text = lab_.server("node", "show", node)
    tap.check(re.search(r"available: 24 h \d+\.\d\d %, 30 d .* \(since \d+\.\d s\)", text), text)
    tap.check(re.search(r"^refused:  127\.0\.0\.1 at \d\d:\d\d UTC, duplicate: ", text, re.MULTILINE), text)
    clone.kill()
    other.mode = "down"
    lab_.wait_state(node, "degraded", 15)
    all_outputs(lab_, node)
    node.stop()
    lab_.wait_state(node, "down", 10)
    all_outputs(lab_, node)


@tap.case("the configurations: the examples, and those that the programs take")
def _(lab_):
    for name, example in (("client.json", "client.example.json"), ("server.json", "server.example.json")):
        valid(name, without_comments((ROOT / "config" / example).read_text(encoding="utf-8")))
    node = lab_.add_node("node-a", {"ssh": "127.0.0.1:22"})
    for settings in (
        {"log": "syslog", "agent": True, "metered": True, "max_session_age_ms": 0, "max_buffered_mib": 8},
        {"log": {"file": str(lab_.directory / "log"), "max_bytes": 65536}, "log_level": "debug"},
        {"backoff": {"first_ms": 1000, "longest_ms": 60000, "spread_ms": 0}, "run_dir": "/tmp/x"},
    ):
        node.settings.update(settings)
        node.write_config()
        node.client("check", code=0)
        valid("client.json", node.settings)
    valid("server.json", json.loads((lab_.state_dir / "server.json").read_text(encoding="utf-8")))


@tap.case("the validator finds what is wrong, and knows no keyword by halves")
def _(lab_):
    lab_.add_node("node-a", {"ssh": "127.0.0.1:22"})
    good = json.loads(lab_.server("status", "node-a", "--json"))
    changes = [
        ("schema", 2), ("node", "Node"), ("state", "sleeping"), ("since", "yesterday"), ("metered", 0), ("forwards", {}),
        ("dead_after_ms", 0), ("dead_after_ms", 1.5), ("session", {}), ("counters", None), ("weather", "fine"),
    ]  # fmt: skip
    for key, value in changes:
        bad = copy.deepcopy(good)
        bad[key] = value
        tap.check(SCHEMAS.validate("server-status.json", bad, closed=True), f"{key} = {value!r} passes")
    for key in good:
        bad = {each: value for each, value in good.items() if each != key}
        tap.check(SCHEMAS.validate("server-status.json", bad), f"without {key} it passes")
    tap.check(not SCHEMAS.validate("server-status.json", {**good, "weather": "fine"}), "a later key is a mistake")
    SCHEMAS.files["odd.json"] = {"type": "object", "propertyNames": {}}
    try:
        SCHEMAS.validate("odd.json", {})
    except ValueError as error:
        tap.check("propertyNames" in str(error), str(error))
    else:
        raise tap.Failed("an unknown keyword passes")


lab.main(policy={"check_ms": 1000, "probe_limit_ms": 2000, "challenge_silence_ms": 500})
