#!/usr/bin/env python3
"""The node's port is held by a session that is dead, and other sessions of the same account are not."""

import json
import shutil
import signal

import lab
import tap
from probes import probe


def foreigners(lab, count=5):
    """Plain ssh sessions of the same uid without an agent: (their processes on the server, name → port)."""
    ports = {}
    for number in range(count):
        name = f"foreign-{number}"
        service = lab.nonce_service(name)
        ports[name] = lab.ports.take()
        lab.foreign_session(name, arguments=("-N", "-R", f"localhost:{ports[name]}:{service.target}"))
    tap.wait_until(lambda: all(probe(port, name).ok for name, port in ports.items()), 20, "five foreign tunnels")
    return lab.sshd.sessions(), ports


def check_foreigners(processes, ports):
    gone = [each for each in processes if not each.is_alive]
    tap.check(not gone, f"foreign processes ended: {gone}")
    for name, port in ports.items():
        answer = probe(port, name)
        tap.check(answer.ok, f"{name}: {answer}")


def moved(lab, node):
    """The same machine once more: same key, same state (as the disk has it), another supervisor."""
    twin = lab.add_node_like(node)
    shutil.copytree(node.settings["state_dir"], twin.settings["state_dir"], dirs_exist_ok=True)
    return twin


@tap.case("a stale session with an agent is evicted, five foreign ones stay")
def _(lab):
    strangers, ports = foreigners(lab)
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    lab.up(node)
    stale = lab.session_sshd(node)
    node.supervisor.stop()
    node.worker().stop()
    tap.check(not probe(node.port(), "node-a", 0.5).ok, "an answer from a stopped worker")
    twin = moved(lab, node)
    twin.start()
    tap.note(f"back after {lab.wait_answer(twin, 20):.1f} s")
    lab.wait_state(twin, "up", 15)
    tap.check(not stale.is_alive, "the stale sshd is left")
    tap.check(lab.status(twin)["counters"]["evictions"] >= 1, "no eviction is counted")
    check_foreigners(strangers, ports)


@tap.case("a stale session without an agent is found and evicted, five foreign ones stay")
def _(lab):
    strangers, ports = foreigners(lab)
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    forward = f"localhost:{node.port()}:{node.service().target}"
    holder = lab.plain_ssh(node.key_file, ("-N", "-R", forward), lab.directory / "stale.log")
    tap.wait_until(lambda: probe(node.port(), "node-a").ok, 10, "the old tunnel")
    with_holder = lab.sshd.sessions()
    held_by = [each for each in with_holder if each not in strangers]
    holder.send_signal(signal.SIGSTOP)
    tap.check(not probe(node.port(), "node-a", 0.5).ok, "an answer from a stopped ssh")
    node.start()
    tap.note(f"back after {lab.wait_answer(node, 40):.1f} s")
    lab.wait_state(node, "up", 15)
    tap.check(not [each for each in held_by if each.is_alive], "the stale sshd is left")
    check_foreigners(strangers, ports)
    evicted = [each for each in lab.events(node) if "evicted" in json.dumps(each)]
    tap.check(evicted, f"no event says that a session was evicted: {lab.events(node)}")


lab.main()
