#!/usr/bin/env python3
"""What keeps the supervisor alive: cron by `ensure`, a service manager by sd_notify."""

import os
import signal
import socket
import statistics
import subprocess
import time

import lab
import processes
import tap

HUNG_LIMIT_S = 20  # `ensure` gives a supervisor 10 s to answer
ENSURE_LIMIT_MS = 20
ROUNDS = 15


def ensure(node, environment=None):
    """Runs the verb as cron does and returns (exit code, milliseconds, what it said)."""
    began = time.monotonic()
    done = subprocess.run(
        node.command("ensure"),
        env=environment or node.lab.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    return done.returncode, (time.monotonic() - began) * 1000, done.stdout


def supervisor_of(node):
    """The process that `status` names, or None."""
    try:
        return processes.Process(node.status().get("supervisor_pid") or 0)
    except ProcessLookupError:
        return None


def adopt(node):
    """Makes a supervisor that `ensure` started end with the lab."""
    found = tap.wait_until(lambda: supervisor_of(node), 10, "a supervisor")[0]
    node.lab.on_close(lambda: processes.end([found, *found.descendants()]))
    return found


def running(node):
    name = f"run --config {node.config_file}"
    return [each for each in processes.all_processes() if each.command_line.endswith(name) and each.is_alive]


@tap.case("ensure starts a supervisor that outlives it, and then has nothing to do")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    code, _, said = ensure(node)
    tap.check(code == 0 and not said, f"exit {code}: {said}")
    supervisor = adopt(node)
    lab.wait_answer(node)
    tap.check(os.getsid(supervisor.pid) == supervisor.pid, "it is in our session")
    took = []
    for _ in range(ROUNDS):
        code, took_ms, said = ensure(node)
        took.append(took_ms)
        tap.check(code == 0 and not said, f"exit {code}: {said}")
    tap.note(f"ensure with nothing to do: median {statistics.median(took):.1f} ms, worst {max(took):.1f} ms")
    tap.check(min(took) <= ENSURE_LIMIT_MS * tap.SLOWNESS**2, f"{min(took):.1f} ms at best")
    tap.check(running(node) == [supervisor], f"{running(node)}")


@tap.case("ensure needs no network when all is well: the server is stopped, and it says so in milliseconds")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    lab.up(node)
    lab.sshd.process.stop()
    try:
        code, took_ms, said = ensure(node)
    finally:
        lab.sshd.process.resume()
    tap.check(code == 0 and not said and took_ms < 1000 * tap.SLOWNESS, f"exit {code} after {took_ms:.0f} ms: {said}")


@tap.case("ensure replaces a supervisor that holds the lock and hangs")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    lab.up(node)
    hung, worker = node.supervisor, node.worker()
    hung.stop()
    code, took_ms, said = ensure(node)
    tap.check(code == 0 and f"process id {hung.pid}" in said, f"exit {code}: {said}")
    tap.check(took_ms < HUNG_LIMIT_S * 1000 * tap.SLOWNESS, f"{took_ms:.0f} ms")
    supervisor = adopt(node)
    tap.check(supervisor != hung and not hung.is_alive, "the old one is still there")
    tap.wait_until(lambda: not worker.is_alive, 5, "its worker ended too")
    lab.wait_answer(node, 15)
    tap.note(f"replaced after {took_ms / 1000:.1f} s")


@tap.case("cron and a login shell may disagree about run_dir: still one supervisor, and each finds it")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    lab.up(node)
    node.settings["run_dir"] = str(node.directory / "another")
    node.write_config()
    code, _, said = ensure(node)
    tap.check(code == 0 and not said, f"exit {code}: {said}")
    tap.check(running(node) == [node.supervisor], f"{running(node)}")
    tap.check(node.status()["supervisor_pid"] == node.supervisor.pid, f"{node.status()}")
    second = subprocess.run(
        node.command("run"), env=lab.environment, capture_output=True, encoding="utf-8", timeout=30, check=False
    )
    tap.check(second.returncode == 1 and "another supervisor" in second.stderr, f"{second}")


@tap.case("many ensures at once start one supervisor")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    started = [
        subprocess.Popen(node.command("ensure"), env=lab.environment, stdin=subprocess.DEVNULL) for _ in range(8)
    ]
    codes = [each.wait(60) for each in started]
    supervisor = adopt(node)
    tap.check(codes == [0] * len(codes), f"exit codes {codes}")
    tap.wait_until(lambda: running(node) == [supervisor], 10, lambda: f"one supervisor: {running(node)}")
    lab.wait_answer(node)


@tap.case("a configuration that is no good: ensure says so, exit 3, and starts nothing")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    node.settings["nodee"] = "x"
    node.write_config()
    code, _, said = ensure(node)
    tap.check(code == 3 and "nodee" in said and len(said.splitlines()) == 1, f"exit {code}: {said}")
    tap.check(not running(node), f"{running(node)}")


class Manager:
    """The notify socket of a service manager."""

    def __init__(self, lab):
        self.path = lab.directory / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.socket.setblocking(False)
        lab.on_close(self.socket.close)
        self.heard = []

    def hears(self, text):
        while True:
            try:
                self.heard.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return text in self.heard

    def wait(self, text, limit_s):
        return tap.wait_until(lambda: self.hears(text), limit_s, lambda: f"{text}, heard: {self.heard}")[1]


@tap.case("a service manager hears READY, the status, the watchdog in time, and STOPPING")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    manager = Manager(lab)
    lab.environment.update(NOTIFY_SOCKET=str(manager.path), WATCHDOG_USEC="2000000")
    node.start()
    manager.wait("READY=1", 10)
    manager.wait("STATUS=up", 15)
    environment = open(f"/proc/{node.worker().pid}/environ", encoding="utf-8").read()
    tap.check("NOTIFY_SOCKET" not in environment, "the worker could speak for the service")
    for _ in range(3):
        manager.heard.clear()
        took = manager.wait("WATCHDOG=1", 2)
        tap.note(f"watchdog after {took:.2f} s")
    node.supervisor.signal(signal.SIGTERM)
    manager.wait("STOPPING=1", 10)


lab.main()
