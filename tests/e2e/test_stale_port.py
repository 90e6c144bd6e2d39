#!/usr/bin/env python3
"""The node's port is held by a session that is dead, and other sessions of the same account are not."""

import json
import shutil
import signal
import threading

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


def busy(lab, port, name):
    """Somebody works over a session of his own all the time; (ask it to stop, how many answers were wrong)."""
    done = threading.Event()
    wrong = []

    def work():
        while not done.is_set():
            answer = probe(port, name)
            if not answer.ok:
                wrong.append(answer)

    worker = threading.Thread(target=work)
    worker.start()
    lab.on_close(lambda: (done.set(), worker.join()))
    return done, wrong


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


@tap.case("two dead sessions that hid from the claim lose their ports within two minutes, beside one that is busy")
def _(lab):
    strangers, ports = foreigners(lab, 2)
    node = lab.add_node("node-a", {name: lab.nonce_service(name) for name in ("ssh", "web", "cam")})
    for name in ("web", "cam"):
        forward = f"localhost:{node.port(name)}:{node.service(name).target}"
        old = lab.plain_ssh(node.key_file, ("-N", "-R", forward), lab.directory / f"stale-{name}.log")
        tap.wait_until(lambda: probe(node.port(name), name).ok, 10, f"the old tunnel of {name}")
        old.send_signal(signal.SIGSTOP)
    held_by = [each for each in lab.sshd.sessions() if each not in strangers]
    for each in held_by:  # one that is stopped wakes for nobody, so nobody can tell it from the others
        each.stop()
    done, wrong = busy(lab, ports["foreign-0"], "foreign-0")
    node.start()
    lab.wait_answer(node, 20, "ssh")
    wanted = {"ssh": "healthy", "web": "port_taken", "cam": "port_taken"}
    tap.wait_until(lambda: {each["name"]: each["verdict"] for each in lab.status(node)["forwards"]} == wanted, 40, wanted)
    for each in held_by:
        each.resume()
    for name in ("web", "cam"):
        tap.note(f"{name} is back after {lab.wait_answer(node, 120, name):.1f} s more")
    lab.wait_state(node, "up", 30)
    done.set()
    tap.check(not wrong, f"the busy session: {wrong[:3]}")
    check_foreigners(strangers, ports)
    tap.check(not [each for each in held_by if each.is_alive], "a stale sshd is left")
    tap.check(lab.status(node)["counters"]["evictions"] == 2, f"counted: {lab.status(node)['counters']}")


lab.main()
