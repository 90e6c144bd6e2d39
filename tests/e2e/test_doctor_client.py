#!/usr/bin/env python3
"""reversi-client doctor: each thing that stops a tunnel is found where it is, with its cure; a tunnel that is up stays."""

import json
import os
import socket
import time

import lab
import tap
from services import HttpService

LIMIT_S = 30
SERVER_STEPS = ["known_hosts", "resolve", "route", "connect", "banner", "host_key", "login", "agent"]


def doctor(node, code=None):
    """The checks by (step, about), or by step where there is only one of it."""
    began = time.monotonic()
    said = json.loads(node.client("doctor", "--json", code=code))
    took = time.monotonic() - began
    tap.check(took <= LIMIT_S, f"it took {took:.1f} s")
    checks = {}
    for check in said["checks"]:
        needs_cure = check["outcome"] in ("failed", "warning")
        tap.check(needs_cure == bool(check["cure"]), f"a cure for what is wrong, and only that: {check}")
        checks.setdefault(check["step"], check)
        checks[check["step"], check["about"]] = check
    return checks


def outcomes(checks, steps=SERVER_STEPS):
    return {step: checks[step]["outcome"] for step in steps}


def fails_at(checks, step, words=(), also=()):
    """`step` failed and names `words`; `also` failed too; of the server's steps after it none was tried."""
    failed = {each["step"] for each in checks.values() if each["outcome"] == "failed"}
    tap.check(failed == {step, *also}, f"{step}: failed are {failed}: {checks.get(step)}")
    text = checks[step]["text"] + checks[step]["cure"]
    missing = [word for word in words if str(word) not in text]
    tap.check(not missing, f"{step}: {missing} not in {text!r}")
    tap.note(f"{step}: {checks[step]['text']} -> {checks[step]['cure']}")


def good_node(lab, **options):
    return lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")}, **options)


@tap.case("all is well: every step is tried, the agent starts and claims nothing, exit 0")
def _(lab):
    node = good_node(lab)
    checks = doctor(node, code=0)
    tap.check(set(outcomes(checks).values()) == {"ok"}, f"{outcomes(checks)}")
    everything = {each["outcome"] for each in checks.values()}
    # A tuned build may have been made of a libssh with known holes.
    everything -= {"warning"} if checks["libssh"]["outcome"] == "warning" else set()
    tap.check(everything == {"ok"}, f"{[each for each in checks.values() if each['outcome'] != 'ok']}")
    tap.check(checks["agent"]["text"] == "starts", checks["agent"]["text"])
    tap.check([event for event in lab.events(node) if event.get("event") != "changed"] == [], f"{lab.events(node)}")
    tap.check(lab.status(node)["state"] == "never_seen", "the doctor counts as a session")
    text = node.client("doctor", code=0)
    tap.check("FAILED" not in text and "login" in text, text)


@tap.case("a tunnel that is up is left alone, and its state is told")
def _(lab):
    node = good_node(lab)
    session = lab.up(node)["session"]["id"]
    node.wait_status(lambda seen: seen["state"] == "up", 5, "up")
    before = lab.events(node)
    checks = doctor(node, code=0)
    tap.check(checks["supervisor"]["text"] == "up", f"{checks['supervisor']}")
    tap.check(checks["login"]["outcome"] == "ok" and checks["agent"]["outcome"] == "not_tried", f"{outcomes(checks)}")
    tap.hold(lambda: lab.session_id(node) == session, 2, "the session stays")
    tap.check(lab.events(node) == before, "it left events")


@tap.case("a configuration that cannot be used: exit 3, one check")
def _(lab):
    node = good_node(lab)
    node.settings["nodee"] = node.settings.pop("node")
    node.write_config()
    checks = doctor(node, code=3)
    fails_at(checks, "configuration", ["nodee"])
    node.settings["node"] = node.settings.pop("nodee")
    node.write_config()
    node.key_file.chmod(0o644)
    fails_at(doctor(node, code=3), "configuration", ["chmod 600", node.key_file])


@tap.case("the key is no key, or has a passphrase: the server is looked at all the same")
def _(lab):
    node = good_node(lab)
    node.key_file.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nrubbish\n", encoding="utf-8")
    checks = doctor(node, code=1)
    fails_at(checks, "key", [node.key_file])
    wanted = ["ok"] * 5 + ["not_tried"] * 3
    tap.check(list(outcomes(checks).values()) == wanted, f"{outcomes(checks)}")
    tap.check(checks["host_key"]["text"] == "needs key", checks["host_key"]["text"])
    tap.check(checks["banner"]["text"].startswith("SSH-2.0-"), checks["banner"]["text"])


@tap.case("host key: not known, or another one")
def _(lab):
    node = good_node(lab)
    line = node.known_hosts_file.read_text(encoding="utf-8")
    node.known_hosts_file.write_text(line.replace("127.0.0.1", "127.0.0.9"), encoding="utf-8")
    fails_at(doctor(node, code=1), "known_hosts", [node.known_hosts_file, "ssh-keygen -lf"])
    node.trust(node.public_key.rsplit(" ", 1)[0])
    checks = doctor(node, code=1)
    fails_at(checks, "host_key", ["changed", "SHA256:", node.known_hosts_file])
    tap.check(checks["login"]["outcome"] == "not_tried", f"{outcomes(checks)}")


@tap.case("a key that the server does not know")
def _(lab):
    node = good_node(lab, register=False)
    checks = doctor(node, code=1)
    fails_at(checks, "login", ["--key", node.key_file, "node set node-a"])
    tap.check(checks["host_key"]["outcome"] == "ok" and checks["agent"]["outcome"] == "not_tried", f"{checks}")


@tap.case("the forced command is not the agent")
def _(lab):
    node = good_node(lab)
    good = lab.authorized_keys.read_text(encoding="utf-8")
    program = good.split('command="exec ')[1].split(" ")[0]
    lab.authorized_keys.write_text(good.replace(program, "/nonexistent/reversi-server"), encoding="utf-8")
    fails_at(doctor(node, code=1), "agent", ["/nonexistent/reversi-server", "setup --user"])
    lab.authorized_keys.write_text(good.replace(f"exec {program} agent", "exec sleep 60;"), encoding="utf-8")
    fails_at(doctor(node, code=1), "agent", ["does not end"])


@tap.case("nobody listens, something else listens, or it says nothing")
def _(lab):
    refused = good_node(lab, server_port=lab.ports.take())
    fails_at(doctor(refused, code=1), "connect", ["refused", "sshd"])
    web = HttpService("node-a", lab.ports.take())
    lab.on_close(web.close)
    mute = socket.create_server(("127.0.0.1", 0))
    lab.on_close(mute.close)
    for port in (web.port, mute.getsockname()[1]):
        refused.settings["servers"][0]["port"] = port
        refused.write_config()
        refused.known_hosts_file.write_text(f"[127.0.0.1]:{port} {lab.sshd.host_key}\n", encoding="utf-8")
        checks = doctor(refused, code=1)
        fails_at(checks, "banner", ["says nothing"])
        tap.check(checks["connect"]["outcome"] == "ok", f"{outcomes(checks)}")


@tap.case("a name that does not resolve; several servers are each looked at")
def _(lab):
    node = good_node(lab)
    good = dict(node.settings["servers"][0])
    node.settings["servers"].insert(0, {**good, "host": "no-such-host.invalid"})
    node.write_config()
    text = node.known_hosts_file.read_text(encoding="utf-8")
    node.known_hosts_file.write_text(text + text.replace("127.0.0.1", "no-such-host.invalid"), encoding="utf-8")
    checks = doctor(node, code=1)
    fails_at(checks, "resolve", ["servers[].host"])
    tap.check(checks["connect"]["outcome"] == "not_tried", f"{outcomes(checks)}")
    second = f"127.0.0.1:{lab.sshd.port}"
    tap.check(checks["login", second]["outcome"] == "ok", f"{checks['login', second]}")


@tap.case("targets: refused, wrong, silent, a unix socket, and one that is well")
def _(lab):
    silent = socket.create_server(("127.0.0.1", 0))
    lab.on_close(silent.close)
    path = lab.directory / "a.sock"
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(str(path))
    unix.listen()
    lab.on_close(unix.close)
    node = good_node(lab)
    service = lab.nonce_service("other")
    banner = {"kind": "banner", "match": "SSH-2.0-"}
    node.settings["forwards"] += [
        {"name": "refused", "target": f"127.0.0.1:{lab.ports.take()}"},
        {"name": "wrong", "target": service.target, "expect": {"kind": "http"}},
        {"name": "silent", "target": f"127.0.0.1:{silent.getsockname()[1]}", "expect": banner},
        {"name": "unix", "target": f"unix:{path}"},
        {"name": "gone", "target": f"unix:{path}x"},
    ]
    node.write_config()
    checks = doctor(node, code=1)
    failed = {about for step, about in [key for key in checks if isinstance(key, tuple)]
              if step == "target" and checks[step, about]["outcome"] == "failed"}
    tap.check(failed == {"refused", "wrong", "silent", "gone"}, f"{failed}")
    tap.check("efused" in checks["target", "refused"]["text"], checks["target", "refused"]["text"])
    tap.check("no answer" in checks["target", "silent"]["text"], checks["target", "silent"]["text"])


@tap.case("directories that cannot be written, a supervisor that hangs, a worker that is not there")
def _(lab):
    node = good_node(lab)
    if os.geteuid() != 0:
        closed = lab.directory / "closed"
        closed.mkdir(mode=0o500)
        node.settings.update(run_dir=str(closed / "run"), state_dir=str(closed / "state"))
        node.write_config()
        fails_at(doctor(node, code=1), "state_dir", [str(closed)], also=["run_dir"])
        node.settings.update(run_dir=str(node.directory / "run"), state_dir=str(node.directory / "state"))
        node.write_config()
    node.settings["run_dir"] = str(node.config_file)
    node.write_config()
    fails_at(doctor(node, code=1), "run_dir", ["not a directory"])
    node.settings["run_dir"] = str(node.directory / "run")
    node.write_config()
    lab.up(node)
    node.supervisor.stop()
    fails_at(doctor(node, code=1), "supervisor", ["does not answer", "ensure"])


@tap.case("without an agent none is asked for; a server that is not there takes no longer than the limit")
def _(lab):
    node = good_node(lab)
    port = node.port()
    node.settings.update(agent=False, canary={"listen": f"127.0.0.1:{lab.ports.take()}", "forward": "ssh"})
    node.settings["forwards"][0]["listen"] = f"localhost:{port}"
    node.write_config()
    checks = doctor(node, code=0)
    tap.check("agent" not in checks, f"{checks.get('agent')}")
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    waiting = []
    for _ in range(8):  # the backlog is full: whoever comes gets no answer
        each = socket.socket()
        each.setblocking(False)
        each.connect_ex(full.getsockname())
        waiting.append(each)
    for each in [full, *waiting]:
        lab.on_close(each.close)
    node.settings["servers"][0]["port"] = full.getsockname()[1]
    node.write_config()
    node.known_hosts_file.write_text(
        f"[127.0.0.1]:{full.getsockname()[1]} {lab.sshd.host_key}\n", encoding="utf-8"
    )
    fails_at(doctor(node, code=1), "connect", ["no answer"])


lab.main()
