#!/usr/bin/env python3
"""A mistake in client.json: one line with file, key and what was expected, exit code 3, nothing started."""

import json
import os
import subprocess

import lab
import tap
from probes import probe

# what is done to a good configuration, and what the one line has to name
MISTAKES = [
    ("unknown key", lambda c: c.update(nodee=c.pop("node")), ["nodee", '"node"']),
    ("unknown key in a forward", lambda c: c["forwards"][0].update(targt="x"), ["forwards[0]", "targt", '"target"']),
    ("unknown key in a server", lambda c: c["servers"][0].update(hots="x"), ["servers[0]", "hots", '"host"']),
    ("missing node", lambda c: c.pop("node"), ["node"]),
    ("missing servers", lambda c: c.pop("servers"), ["servers"]),
    ("no forwards", lambda c: c.update(forwards=[]), ["forwards"]),
    ("wrong type of node", lambda c: c.update(node=7), ["node"]),
    ("wrong type of forwards", lambda c: c.update(forwards={}), ["forwards"]),
    ("wrong type of metered", lambda c: c.update(metered="yes"), ["metered"]),
    ("wrong type of a forward", lambda c: c.update(forwards=["ssh"]), ["forwards[0]"]),
    ("node name with capitals", lambda c: c.update(node="Node"), ["node"]),
    ("node name with a path", lambda c: c.update(node="../node"), ["node"]),
    ("port 0", lambda c: c["servers"][0].update(port=0), ["servers[0].port"]),
    ("port too large", lambda c: c["servers"][0].update(port=65558), ["servers[0].port"]),
    ("port as text", lambda c: c["servers"][0].update(port="22"), ["servers[0].port"]),
    ("target's port too large", lambda c: c["forwards"][0].update(target="localhost:70000"), ["forwards[0].target"]),
    ("target without port", lambda c: c["forwards"][0].update(target="localhost"), ["forwards[0].target"]),
    ("unix target that is relative", lambda c: c["forwards"][0].update(target="unix:x"), ["forwards[0].target"]),
    ("duplicate forward", lambda c: c["forwards"].append(dict(c["forwards"][0])), ["forwards[1].name"]),
    ("unknown kind of expect", lambda c: c["forwards"][0].update(expect={"kind": "regex"}), ["forwards[0].expect"]),
    ("canary of no forward", lambda c: c.update(canary={"listen": "127.0.0.1:1999", "forward": "shh"}), ["canary"]),
    ("unknown log level", lambda c: c.update(log_level="loud"), ["log_level"]),
    ("33 forwards", lambda c: c.update(forwards=[{"name": f"f{i}", "target": "h:1"} for i in range(33)]), ["forwards"]),
    ("missing identity file", lambda c: c.update(identity_file="/none/key"), ["identity_file", "/none/key"]),
    ("missing known_hosts", lambda c: c.update(known_hosts_file="/none/kh"), ["known_hosts_file", "/none/kh"]),
]
SYNTAX = [
    ("a comma is missing", '{\n  "node": "node-a"\n  "servers": []\n}\n', ["line 3", "column"]),
    ("not closed", '{\n  "node": "node-a",\n', ["line", "column"]),
    ("no object", "[]\n", []),
    ("empty", "", []),
]


def refuses(node, what, words):
    """`check` and `run` say the same one line, exit with 3 and leave nothing running."""
    for verb in ("check", "run"):
        done = subprocess.run(
            node.command(verb),
            env=node.lab.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            timeout=10 * tap.SLOWNESS,
            check=False,
        )
        lines = done.stderr.splitlines()
        shown = f"{what}: {verb}: exit {done.returncode}: {done.stderr!r}"
        tap.check(done.returncode == 3, shown)
        tap.check(len(lines) == 1, f"not one line: {shown}")
        missing = [word for word in [str(node.config_file), *words] if word not in lines[0]]
        tap.check(not missing, f"{missing} not named: {shown}")
    tap.check(not node.lab.sshd.sessions(), f"{what}: a session was started")
    tap.note(lines[0].replace(str(node.directory), "…"))


def good_node(lab):
    return lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})


@tap.case("every mistake in a key is one line that names file and key")
def _(lab):
    node = good_node(lab)
    node.client("check")
    good = json.dumps(node.settings)
    for what, spoil, words in MISTAKES:
        node.settings = json.loads(good)
        spoil(node.settings)
        node.write_config()
        refuses(node, what, words)


@tap.case("a syntax error is one line with line and column")
def _(lab):
    node = good_node(lab)
    for what, text, words in SYNTAX:
        node.config_file.write_text(text, encoding="utf-8")
        refuses(node, what, words)


@tap.case("a missing configuration file is one line that names it")
def _(lab):
    node = good_node(lab)
    node.config_file.unlink()
    refuses(node, "missing file", [])


@tap.case("a key file that others may read is refused by name")
def _(lab):
    node = good_node(lab)
    for mode in (0o644, 0o660, 0o604):
        node.key_file.chmod(mode)
        refuses(node, f"mode {mode:o}", ["identity_file", str(node.key_file)])
    node.key_file.chmod(0o640)
    node.client("check")


@tap.case("a node that was up starts although others may read its key, says so, and is up once that is mended")
def _(lab):
    node = good_node(lab)
    lab.up(node)
    node.wait_status(lambda seen: seen["state"] == "up", 10, "up")
    node.stop()
    node.key_file.chmod(0o644)
    node.start()
    key = str(node.key_file)
    node.wait_status(lambda seen: key in seen["config"]["error"] and key in seen["reason"], 15, "the status names the key file")
    node.client("check", code=3)
    node.key_file.chmod(0o640)
    node.client("restart-tunnel")
    node.wait_status(lambda seen: seen["state"] == "up" and not seen["config"]["error"], 15, "up, and nothing to complain of")


@tap.case("a key file and a known_hosts that we may not read are refused by name")
def _(lab):
    if os.geteuid() == 0:
        raise tap.Skip("root may read everything: needs an ordinary user")
    node = good_node(lab)
    node.key_file.chmod(0)
    refuses(node, "unreadable key", ["identity_file", str(node.key_file)])
    node.key_file.chmod(0o600)
    node.known_hosts_file.chmod(0)
    refuses(node, "unreadable known_hosts", ["known_hosts_file", str(node.known_hosts_file)])


@tap.case("a file that is no key is refused by name")
def _(lab):
    node = good_node(lab)
    node.key_file.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nrubbish\n", encoding="utf-8")
    node.start()
    node.wait_status(lambda seen: str(node.key_file) in seen["reason"], 15, "the reason names the key file")


@tap.case("comments are allowed")
def _(lab):
    node = good_node(lab)
    text = node.config_file.read_text(encoding="utf-8")
    node.config_file.write_text("// for people\n" + text.replace('"node"', '/* name */ "node"', 1), encoding="utf-8")
    node.client("check")


@tap.case("invalid at start: the last good configuration is used, every status says so, check still fails")
def _(lab):
    node = good_node(lab)
    lab.up(node)
    node.wait_status(lambda seen: seen["state"] == "up" and not seen["config"].get("error"), 5, "up, no error")
    node.stop()
    good = node.config_file.read_text(encoding="utf-8")
    node.config_file.write_text(good.replace('"target"', '"targte"'), encoding="utf-8")
    node.start()
    lab.wait_answer(node, 10)
    status, _ = node.wait_status(lambda seen: seen["state"] == "up", 10, "up")
    tap.check("targte" in (status["config"].get("error") or ""), f"config {status['config']}")
    tap.check("last-good" in status["config"]["source"], f"config {status['config']}")
    shown = node.client("status", code=None)
    tap.check("targte" in shown, f"the status for people does not say so: {shown}")
    node.client("check", code=3)
    node.config_file.write_text(good, encoding="utf-8")
    node.client("reload")
    node.wait_status(lambda seen: not seen["config"].get("error"), 10, "no error once the file is good again")
    tap.check(probe(node.port(), "node-a").ok, "no answer after the reload")


@tap.case("a reload: the same run_dir spelled otherwise is the same; what waits for the next session is said")
def _(lab):
    node = good_node(lab)
    lab.up(node)
    session = lab.session_id(node)
    node.settings["run_dir"] += "/"
    node.settings["metered"] = True
    node.write_config()
    said = node.client("reload")
    tap.check(said.startswith("metered: in effect with the next session"), f"reload said {said!r}")
    tap.check(not node.status()["config"]["error"], f"config {node.status()['config']}")
    tap.check(lab.session_id(node) == session, "it cost the session")
    tap.check(node.client("reload") == "", "it is said twice")


lab.main()
