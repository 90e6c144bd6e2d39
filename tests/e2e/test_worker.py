#!/usr/bin/env python3
"""The worker's session: login, exec channel, forwards, path proof, canary, and how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import lab
import tap
from ports import is_free
from probes import probe
from services import UnixNonceService
from worker_lab import Worker, connect, sleeper_of_sshd


@tap.case("a worker connects, tells address and host key, and passes the agent's lines both ways")
def _(lab):
    worker = Worker(lab, "node-a")
    connected = worker.start()
    tap.check(connected["address"] == f"127.0.0.1:{lab.sshd.port}", f"{connected}")
    shown = subprocess.run(
        ["ssh-keygen", "-lf", f"{lab.sshd.host_key_file}.pub"], capture_output=True, text=True, check=True
    )
    tap.check(connected["host_key"] in shown.stdout, f"{connected['host_key']} is not in {shown.stdout}")
    tap.check(worker.ask_agent({"a": "ü"}) == {"echo": {"a": "ü"}}, "no echo")


@tap.case("a forward leads to its target: IPv4, a name, a unix socket")
def _(lab):
    worker = Worker(lab, "node-a")
    worker.start()
    service = lab.nonce_service("tcp")
    unix = UnixNonceService("unix", lab.directory / "service.sock")
    lab.on_close(unix.close)
    for name, target, answers in (
        ("ipv4", service.target, "tcp"),
        ("name", f"localhost:{service.port}", "tcp"),
        ("unix", f"unix:{lab.directory}/service.sock", "unix"),
    ):
        port = worker.forward(name, target)
        tap.check(probe(port, answers).ok, f"no answer through {name}")
    worker.send("retarget", forward="unix", target=service.target)
    tap.wait_until(lambda: probe(port, "tcp").ok, 5, "the new target answers")


@tap.case("32 forwards each get an answer and lead to their own target; a refused one harms no other")
def _(lab):
    worker = Worker(lab, "node-a")
    worker.start()
    held = lab.nonce_service("somebody-else")
    ports = {}
    for number in range(32):
        name = f"f{number}"
        port = held.port if number == 7 else lab.ports.take()
        service = lab.nonce_service(name)
        ports[name] = port
        worker.send("forward", forward=name, listen=f"127.0.0.1:{port}", target=service.target)
    for name in ports:
        reply = worker.wait("forward_reply", forward=name)
        tap.check(reply["listens"] == (name != "f7"), f"{reply}")
        tap.check(reply["listens"] or str(ports[name]) in reply["error"], f"{reply}")
    for name, port in ports.items():
        if name != "f7":
            tap.check(probe(port, name).ok, f"no answer through {name}")
    worker.send("forward", forward="f32", listen="localhost:1", target="127.0.0.1:1")
    tap.check("too many" in worker.wait("forward_reply", forward="f32")["error"], "33 forwards")


@tap.case("a forward that is asked for again listens again")
def _(lab):
    worker = Worker(lab, "node-a")
    worker.start()
    service = lab.nonce_service("node-a")
    blocker = socket.socket()
    port = lab.ports.take()
    blocker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    blocker.bind(("127.0.0.1", port))
    blocker.listen(1)
    # sshd binds the other family alone and says yes: a false green that the agent sees.
    worker.send("forward", forward="ssh", listen=f"localhost:{port}", target=service.target)
    worker.wait("forward_reply", forward="ssh")
    blocker.close()
    worker.forward("ssh", service.target, port)
    tap.check(probe(port, "node-a").ok, "no answer after asking again")


@tap.case("path proof: a probe is seen whichever comes first, with the target's outcome")
def _(lab):
    worker = Worker(lab, "node-a")
    worker.start()
    service = lab.nonce_service("node-a")
    port = worker.forward("ssh", service.target)
    early, late, down, gone = (lab.ports.take() for _ in range(4))
    worker.send("watch_probe", probe=1, forward="ssh", originator_port=early)
    with connect(port, source_port=early):
        seen = worker.wait("probe_seen", probe=1)
        tap.check(seen["target"] == "ok", f"{seen}")
    with connect(port, source_port=late) as user:
        user.sendall(b"x\n")
        user.recv(1)
        worker.send("watch_probe", probe=2, forward="ssh", originator_port=late)
        tap.check(worker.wait("probe_seen", probe=2)["target"] == "ok", "late")
    service.mode = "down"
    worker.send("watch_probe", probe=3, forward="ssh", originator_port=down)
    with connect(port, source_port=down):
        tap.check(worker.wait("probe_seen", probe=3)["target"] == "refused", "down")
    worker.send("retarget", forward="ssh", target=f"unix:{lab.directory}/nothing.sock")
    worker.sample()  # its answer says that what was sent before has been read
    worker.send("watch_probe", probe=4, forward="ssh", originator_port=gone)
    with connect(port, source_port=gone):
        tap.check(worker.wait("probe_seen", probe=4)["target"] == "unreachable", "no socket")


@tap.case("the canary makes the whole loop; where its port is taken it says so and listens on another")
def _(lab):
    worker = Worker(lab, "node-a")
    worker.start()
    service = lab.nonce_service("node-a")
    port = worker.forward("ssh", service.target)
    canary = worker.canary(port)
    tap.check(probe(canary, "node-a").ok, "no answer through the canary")
    worker.send("open_canary", listen=f"127.0.0.1:{service.port}", destination=f"localhost:{port}")
    reply = worker.wait("canary_reply")
    tap.check(reply["listens"] and str(service.port) in reply["error"], f"{reply}")
    elsewhere = int(reply["listen"].rpartition(":")[2])
    tap.check(elsewhere != service.port and probe(elsewhere, "node-a").ok, f"no answer through {reply['listen']}")
    worker.send("open_canary", listen=f"127.0.0.1:{canary}", destination="localhost:1")
    tap.check(worker.wait("canary_reply")["listens"], "the canary again")
    with connect(canary) as user:
        tap.check(user.recv(1) == b"", "an answer from nowhere")
    tap.check(worker.ask_agent({"still": 1})["echo"] == {"still": 1}, "the session is gone")


@tap.case("a sample counts bytes and channels")
def _(lab):
    worker = Worker(lab, "node-a")
    worker.start()
    service = lab.nonce_service("node-a")
    port = worker.forward("ssh", service.target)
    before = worker.sample()
    tap.check(before["bytes_received"] > 0 and before["bytes_acked"] > 0, f"{before}")
    with connect(port):
        tap.wait_until(lambda: worker.sample()["open_channels"] == 1, 5, "one channel")
    tap.wait_until(lambda: worker.sample()["open_channels"] == 0, 5, "no channel")
    tap.check(worker.sample()["bytes_received"] > before["bytes_received"], "nothing received")


@tap.case("the end of the agent is the end of the session, with its last words")
def _(lab):
    worker = Worker(lab, "node-a")
    worker.start()
    worker.send("agent_line", line=json.dumps({"do": "exit"}))
    tap.check(json.loads(worker.wait("agent_line")["line"]) == {"last": True}, "the last line")
    failure, text, code = worker.failed()
    tap.check((failure, code) == ("closed", 10) and "no more today" in text, f"{failure} {text} {code}")


@tap.case("an agent's line of 64 KiB passes, a longer one ends the session")
def _(lab):
    worker = Worker(lab, "node-a")
    worker.start()
    answer = worker.ask_agent({"do": "long", "size": 65_000})
    tap.check(len(answer["text"]) == 65_000, "cut")
    worker.send("agent_line", line=json.dumps({"do": "long", "size": 65_600}))
    failure, text, code = worker.failed()
    tap.check((failure, code) == ("closed", 10) and "64 KiB" in text, f"{failure} {text} {code}")


@tap.case("a flood of the agent's lines arrives whole")
def _(lab):
    worker = Worker(lab, "node-a")
    worker.start()
    worker.send("agent_line", line=json.dumps({"do": "flood", "lines": 4000, "size": 1000}))
    for number in range(4000):
        line = json.loads(worker.wait("agent_line", 20)["line"])
        tap.check(line["number"] == number, f"{line['number']} instead of {number}")


@tap.case("without an agent there is no exec channel, and forwards work")
def _(lab):
    worker = Worker(lab, "node-a")
    worker.start(agent=False)
    port = worker.forward("ssh", lab.nonce_service("node-a").target)
    tap.check(probe(port, "node-a").ok, "no answer")
    commands = [each for each in lab.sshd.sessions() if "stub_agent" in each.command_line]
    tap.check(not commands, f"{commands}")


@tap.case("sshd's child killed: closed; the socket gone: the port is free at once")
def _(lab):
    worker = Worker(lab, "node-a")
    worker.start()
    port = worker.forward("ssh", lab.nonce_service("node-a").target)
    for each in sleeper_of_sshd(lab):
        each.kill()
    failure, text, code = worker.failed()
    tap.check((failure, code) == ("closed", 10), f"{failure} {text} {code}")
    tap.wait_until(lambda: is_free(port), 5, "the port is free")


@tap.case("SIGTERM and the end of the commands disconnect cleanly within a second")
def _(lab):
    for end in (Worker.terminate, Worker.close_commands):
        worker = Worker(lab, f"node-{end.__name__[0]}")
        worker.start()
        port = worker.forward("ssh", lab.nonce_service("node-a").target)
        users = [connect(port) for _ in range(20)]
        began = time.monotonic()
        end(worker)
        tap.check(worker.wait_exit() == 0, "exit code")
        tap.check(time.monotonic() - began < tap.SLOWNESS, "more than a second")
        for user in users:
            user.close()
        tap.wait_until(lambda: not sleeper_of_sshd(lab), 5, "sshd has let go of the session")
    farewells = lab.sshd.log.read_text(encoding="utf-8").count("Received disconnect from")
    tap.check(farewells == 2, f"sshd received {farewells} DISCONNECTs")


@tap.case("a command that is not one ends the worker with its mistake")
def _(lab):
    worker = Worker(lab, "node-a")
    worker.start()
    worker.send("forward", forward="ssh", listen="localhost:0", target="127.0.0.1:22")
    failure, text, code = worker.failed()
    tap.check((failure, code) == ("setup", 11) and "listen" in text, f"{failure} {text} {code}")


SILENT_PARENT = """
import os, subprocess, sys
worker = subprocess.Popen(sys.argv[1:], stdin=0, stdout=1)
sys.stderr.write(f"parent {os.getpid()} worker {worker.pid}\\n")
sys.stderr.flush()
worker.wait()
os.kill(os.getpid(), 19)
"""


@tap.case("a supervisor that says nothing for 30 s is killed, and the worker goes too")
def _(lab):
    worker = Worker(lab, "node-a")
    worker.start(command=[sys.executable, "-c", SILENT_PARENT, lab_program()])
    worker.be_quiet()
    failure, text, _ = worker.failed(limit_s=45)
    tap.check(failure == "parent_gone" and "30 s" in text, f"{failure} {text}")
    tap.check(worker.wait_exit() == -signal.SIGKILL, "the parent was not killed")


@tap.case("an orphan ends by itself")
def _(lab):
    worker = Worker(lab, "node-a")
    worker.start(command=[sys.executable, "-c", SILENT_PARENT, lab_program()])
    children = worker.process.children()
    tap.check(len(children) == 1, f"{children}")
    worker.process.kill()
    tap.wait_until(lambda: not children[0].is_alive, 5, "the worker ended")


def lab_program():
    return os.environ["REVERSI_WORKER"]


lab.main()
