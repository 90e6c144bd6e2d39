#!/usr/bin/env python3
"""The server's host key changes, or its name: three nodes that were told follow by themselves."""

import json

import lab
import tap
from sshd import make_key

NODES = ("node-a", "node-b", "node-c")


def announce(lab, **words):
    """server.json as the administrator edits it."""
    file = lab.state_dir / "server.json"
    present = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    present.setdefault("heartbeat_ms", 1000)
    file.write_text(json.dumps({**present, **words}) + "\n", encoding="utf-8")


def three(lab):
    announce(lab, host_key_files=[f"{lab.sshd.host_key_file}.pub"])
    nodes = [lab.add_node(name, {"ssh": lab.nonce_service(name)}) for name in NODES]
    for node in nodes:
        lab.up(node)
    return nodes


def learned(node, name="learned_known_hosts"):
    file = node.directory / "state" / name
    return file.read_text(encoding="utf-8") if file.exists() else ""


def all_have(nodes, text, name="learned_known_hosts"):
    have = lambda: all(text in learned(node, name) for node in nodes)  # noqa: E731
    return tap.wait_until(have, 15, lambda: f"{text} in {[learned(node, name) for node in nodes]}")[1]


@tap.case("the next host key is announced to live sessions; sshd restarts with it: three nodes are back by themselves")
def _(lab):
    nodes = three(lab)
    sessions = {node.name: lab.session_id(node) for node in nodes}
    pinned = nodes[0].known_hosts_file.read_text(encoding="utf-8")
    following = lab.directory / "next_host_key"
    public = make_key(following, "host").rsplit(" ", 1)[0]
    announce(lab, next_host_keys=[public])
    tap.note(f"all know it after {all_have(nodes, public):.1f} s")
    tap.check({node.name: lab.session_id(node) for node in nodes} == sessions, "it cost a session")
    tap.check(all(lab.sshd.host_key in learned(node) for node in nodes), "the present key is not kept")
    tap.check(oct((nodes[0].directory / "state/learned_known_hosts").stat().st_mode & 0o777) == "0o600", "mode")
    former = lab.sshd.host_key
    lab.sshd.replace_host_key(following)
    for node in nodes:
        tap.note(f"{node}: an answer after {lab.wait_answer(node, 30):.1f} s")
        lab.wait_state(node, "up", 15)
    # Logged in with the new one, and the server names no other: the old one is worth nothing any more.
    announce(lab, host_key_files=[f"{following}.pub"], next_host_keys=[])
    gone = lambda: all(former not in learned(node) and public in learned(node) for node in nodes)  # noqa: E731
    tap.wait_until(gone, 15, "the old key is forgotten")
    tap.check(nodes[0].known_hosts_file.read_text(encoding="utf-8") == pinned, "the administrator's file was touched")
    # What was learned outlives the client.
    nodes[0].stop()
    lab.up(nodes[0])


@tap.case("a key that nobody announced is refused as before")
def _(lab):
    nodes = three(lab)
    all_have(nodes, lab.sshd.host_key)
    other = lab.directory / "other_host_key"
    make_key(other, "host")
    lab.sshd.replace_host_key(other)
    nodes[0].wait_status(lambda seen: "host key" in seen["reason"], 20, "the reason names the host key")
    tap.check(nodes[0].status()["state"] == "down", "it went up")


@tap.case("the server is announced under a second name; the first goes away: three nodes are on the second")
def _(lab):
    second = lab.ports.take()
    # One sshd, two ports: the machine under its new address.
    text = lab.sshd.config.read_text(encoding="utf-8")
    lab.sshd.config.write_text(text.replace(f"Port {lab.sshd.port}", f"Port {lab.sshd.port}\nPort {second}"))
    lab.sshd.restart()
    nodes = three(lab)
    sessions = {node.name: lab.session_id(node) for node in nodes}
    announce(lab, servers=[f"127.0.0.1:{lab.sshd.port}", f"127.0.0.1:{second}"])
    tap.note(f"all know it after {all_have(nodes, str(second), 'learned_servers.json'):.1f} s")
    tap.check({node.name: lab.session_id(node) for node in nodes} == sessions, "it cost a session")
    lab.sshd.config.write_text(text.replace(f"Port {lab.sshd.port}", f"Port {second}"))
    first, lab.sshd.port = lab.sshd.port, second
    lab.sshd.restart()
    for node in nodes:
        tap.note(f"{node}: an answer after {lab.wait_answer(node, 30):.1f} s")
        lab.wait_state(node, "up", 15)
        status, _ = node.wait_status(lambda seen: seen["state"] == "up", 10, "up")
        tap.check(status["server"].endswith(f":{second}"), f"server {status['server']}, first {first}")
    # And after a restart of the client, which finds the name in its own file.
    nodes[0].stop()
    lab.up(nodes[0])
    # A list without the name in use keeps it until another one has been used.
    announce(lab, servers=["127.0.0.1:9"])
    all_have(nodes, "127.0.0.1:9", "learned_servers.json")
    tap.check(all(str(second) in learned(node, "learned_servers.json") for node in nodes), "the name in use was dropped")


@tap.case("names that could not be kept on disk outlive a reload, which costs no session")
def _(lab):
    second = lab.ports.take()
    text = lab.sshd.config.read_text(encoding="utf-8")
    lab.sshd.config.write_text(text.replace(f"Port {lab.sshd.port}", f"Port {lab.sshd.port}\nPort {second}"))
    lab.sshd.restart()
    announce(lab, host_key_files=[f"{lab.sshd.host_key_file}.pub"])
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    # As good as a full disk: nothing can take this name.
    (node.directory / "state/learned_servers.json").mkdir(parents=True)
    lab.up(node)
    session = lab.session_id(node)
    announce(lab, servers=[f"127.0.0.1:{lab.sshd.port}", f"127.0.0.1:{second}"])
    tap.wait_until(lambda: "told of its names" in node.log_text(), 15, "the names are there")
    tap.check("is not kept" in node.log_text(), "they could be kept")
    other = lab.nonce_service("node-a")
    node.settings["forwards"][0]["target"] = f"127.0.0.1:{other.port}"
    node.write_config()
    node.client("reload")
    targets = lambda seen: seen["forwards"][0]["target"].endswith(f":{other.port}")  # noqa: E731
    node.wait_status(targets, 5, "the other target")
    tap.check(lab.session_id(node) == session, "it cost the session")
    lab.sshd.config.write_text(text.replace(f"Port {lab.sshd.port}", f"Port {second}"))
    lab.sshd.port = second
    lab.sshd.restart()
    tap.note(f"an answer by the other name after {lab.wait_answer(node, 30):.1f} s")


lab.main(policy={"heartbeat_ms": 1000, "retry_first_ms": 200, "retry_longest_ms": 1000})
