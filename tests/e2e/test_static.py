#!/usr/bin/env python3
"""The one-file clients that scripts/build-static made: what they are, and that they work.

Those of another processor run in qemu's user mode; server, sshd and agent are this machine's own. Which of dist/ are
tested: all of this version, or those that REVERSI_STATIC_TARGETS names.
"""

import hashlib
import os
import platform
import re
import resource
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DIST = ROOT / "dist"
VERSION = re.search(r"version: '([^']+)'", (ROOT / "meson.build").read_text("utf-8"))[1]

# An emulated processor is some ten times slower: every limit of a wait is stretched. Read by tap when it is imported.
os.environ.setdefault("REVERSI_E2E_SLOWNESS", "3")

import executable_file  # noqa: E402
import lab as labs  # noqa: E402
import tap  # noqa: E402
from services import Service  # noqa: E402

# kind, processor, byte order, qemu's name, most bytes (nothing is promised for the others)
TARGETS = {
    "x86_64": ("ELF", "x86_64", "little", "qemu-x86_64-static", 1_300_000),
    "aarch64": ("ELF", "aarch64", "little", "qemu-aarch64-static", None),
    "arm": ("ELF", "arm", "little", "qemu-arm-static", None),
    "mips": ("ELF", "mips", "big", "qemu-mips-static", 1_600_000),
    "mipsel": ("ELF", "mips", "little", "qemu-mipsel-static", None),
    "macos-aarch64": ("Mach-O", "aarch64", "little", None, None),
    "macos-x86_64": ("Mach-O", "x86_64", "little", None, None),
}
MOST_RSS_KIB = 6 * 1024  # supervisor and worker, on x86_64
BLOCK = 65536
CARRIED = 4 * 1024 * 1024


class MirrorService(Service):
    """Sends back what it gets."""

    def handle(self, connection):
        while part := connection.recv(BLOCK):
            connection.sendall(part)


def binary(target):
    return DIST / f"reversi-client-{VERSION}-{target}"


def is_native(target):
    return target == platform.machine()


def use(lab, target):
    """Makes the target's client the one that this lab starts. Emulated, a file of its own stands for each program: the
    kernel cannot start the worker from the client's file."""
    if is_native(target):
        os.environ["REVERSI_CLIENT"] = str(binary(target))
        os.environ.pop("REVERSI_WORKER", None)
    else:
        emulator = shutil.which(TARGETS[target][3])
        if not emulator:
            raise tap.Skip(f"needs {TARGETS[target][3]}: run scripts/deps --static")
        for variable, words in (("REVERSI_CLIENT", ""), ("REVERSI_WORKER", "worker ")):
            script = lab.directory / variable.lower()
            script.write_text(f'#!/bin/sh\nexec {emulator} {binary(target)} {words}"$@"\n', encoding="utf-8")
            script.chmod(0o755)
            os.environ[variable] = str(script)
    for variable in ("REVERSI_CLIENT", "REVERSI_WORKER"):
        lab.environment.pop(variable, None)
        if variable in os.environ:
            lab.environment[variable] = os.environ[variable]


def canary_node(lab, service):
    canary = {"listen": f"127.0.0.1:{lab.ports.take()}", "forward": "ssh"}
    return lab.add_node("node-a", {"ssh": service}, settings={"canary": canary})


def mirrored(port, size):
    """Random bytes there and back, as hashes: (sent, received)."""
    data = os.urandom(size)
    received, got = hashlib.sha256(), 0
    with socket.create_connection(("127.0.0.1", port), timeout=30) as user:
        sender = threading.Thread(target=user.sendall, args=(data,), daemon=True)
        sender.start()
        while got < size and (part := user.recv(BLOCK)):
            received.update(part)
            got += len(part)
    return hashlib.sha256(data).hexdigest(), received.hexdigest()


def is_what_it_should_be(_, target):
    kind, machine, order, _, most = TARGETS[target]
    data = binary(target).read_bytes()
    found = executable_file.read(data)
    tap.note(f"{len(data)} bytes, {found}")
    tap.check((found.kind, found.machine, found.order) == (kind, machine, order), f"{found}")
    foreign = [name for name in found.libraries if kind == "ELF" or not name.startswith(("/usr/lib/", "/System/Library/"))]
    tap.check(not foreign, f"it needs {foreign}")
    tap.check(kind != "ELF" or not found.symbols, "it is not stripped")
    tap.check(most is None or len(data) <= most, f"{len(data)} bytes, {most} are promised")


def says_its_version(lab, target):
    use(lab, target)
    said = labs.run_program([labs.program("REVERSI_CLIENT"), "version"], lab.environment)
    tap.note(said.strip())
    tap.check(said.startswith(f"reversi-client {VERSION}\n") and "mbedtls" in said, said)
    tap.check(("WARNING" in said) == ("CVE-" in said), said)


def comes_up(lab, target):
    use(lab, target)
    node = canary_node(lab, lab.nonce_service("node-a"))
    tap.check("node-a" in node.client("check"), "check does not name the node")
    node.start()
    tap.note(f"an answer after {lab.wait_answer(node):.2f} s")
    lab.wait_state(node, "up")
    status, _ = node.wait_status(lambda seen: seen["state"] == "up", 10, "up")
    tap.check(status["canary"]["ok"] is True, f"canary {status['canary']}")
    tap.check(lab.server("probe", "node-a"), "the server's probe says nothing")
    tap.check(node.stop() == 0, "SIGTERM does not end it with 0")


def carries_content(lab, target):
    use(lab, target)
    mirror = MirrorService("mirror", lab.ports.take())
    lab.on_close(mirror.close)
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a"), "mirror": mirror})
    lab.up(node)
    sent, received = mirrored(node.port("mirror"), CARRIED)
    tap.check(sent == received, "other bytes came back")


def gets_its_worker_back(lab, target):
    use(lab, target)
    node = canary_node(lab, lab.nonce_service("node-a"))
    session = lab.up(node)["session"]["id"]
    supervisor, worker = node.supervisor, node.worker()
    worker.kill()
    node.wait_worker(other_than=worker)
    tap.wait_until(lambda: lab.session_id(node) not in ("", session), 10, "another session")
    tap.note(f"an answer {lab.wait_answer(node):.2f} s after that")
    lab.wait_state(node, "up")
    tap.check(node.supervisor == supervisor and supervisor.is_alive, "the supervisor did not survive")


def ends_in_good_order(lab, target):
    """What would throw elsewhere: a mistake in a file is told with its place, and no descriptor left is one line, not a core."""
    use(lab, target)
    node = canary_node(lab, lab.nonce_service("node-a"))
    config = lab.directory / "broken.json"
    config.write_text('{\n  "node": "a"\n  "servers": []\n}\n', encoding="utf-8")
    ended = run(lab, "check", "--config", config)
    tap.check(ended.returncode == 3 and "line 3, column 11" in ended.stderr, f"{ended}")
    if is_native(target):  # an emulator needs descriptors of its own
        ended = run(lab, "run", "--config", node.config_file, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (4, 4)))
        tap.check(ended.returncode == 1 and len(ended.stderr.splitlines()) == 1, f"{ended}")


def run(lab, *words, **options):
    words = [labs.program("REVERSI_CLIENT"), *words]
    return subprocess.run(words, env=lab.environment, text=True, capture_output=True, timeout=60, check=False, **options)


def needs_little_memory(lab, target):
    if not is_native(target):
        raise tap.Skip("needs its own processor: an emulator's memory says nothing")
    use(lab, target)
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    lab.up(node)
    own = {"supervisor": node.supervisor, "worker": node.worker()}
    tap.hold(lambda: lab.session_id(node), 3, "the idle session", every_s=1)
    rss = {name: process.rss_kib for name, process in own.items()}
    dirty = {name: process.private_dirty_kib for name, process in own.items()}
    tap.note(f"resident, KiB: {rss}; of that private and dirty: {dirty}")
    tap.check(sum(rss.values()) <= MOST_RSS_KIB, f"{rss}: more than {MOST_RSS_KIB} KiB")


def add_cases(target):
    cases = [("one stripped file of its machine, no larger than promised", is_what_it_should_be)]
    if TARGETS[target][0] == "ELF":
        cases += [
            ("says its version, libssh's and its holes", says_its_version),
            ("up, with the canary there and back, and down again", comes_up),
            ("4 MiB of random bytes come back as they were sent", carries_content),
            ("the worker is killed and back, the supervisor stays", gets_its_worker_back),
            ("a file that is no JSON, and no descriptor left, are one line and an exit code", ends_in_good_order),
            ("supervisor and worker need 6 MiB at most", needs_little_memory),
        ]
    for name, function in cases:
        if function is needs_little_memory and target != "x86_64":
            continue
        tap.case(f"{target}: {name}")(lambda lab, function=function: function(lab, target))


wanted = os.environ.get("REVERSI_STATIC_TARGETS", "").split() or [each for each in TARGETS if binary(each).exists()]
if not wanted:
    print("1..0 # SKIP needs static binaries: run scripts/build-static")
    sys.exit(0)
for each in wanted:
    add_cases(each)
labs.main(policy={"check_ms": 1000})
