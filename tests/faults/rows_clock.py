"""The time of day jumps by a day. Programs are told another time by clock_shim.c; the machine's clock is untouched."""

import os
import struct
from pathlib import Path

from machine import command
from row import SAME, Row, one_node

DAY_S = 86400


def make_shim(lab):
    """Compiles the shim; returns the variables that have a program use it."""
    shim, lab.clock_file = lab.directory / "clock_shim.so", lab.directory / "clock"
    source = Path(__file__).resolve().with_name("clock_shim.c")
    command(os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O1", "-o", shim, source)
    lab.clock_file.write_bytes(struct.pack("q", 0))
    lab.clock_file.chmod(0o644)
    variables = {"LD_PRELOAD": str(shim), "REVERSI_FAULT_CLOCK": str(lab.clock_file)}
    if "ASAN_OPTIONS" in os.environ:  # which wants to be the first library of all
        variables["ASAN_OPTIONS"] = os.environ["ASAN_OPTIONS"] + ":verify_asan_link_order=0"
    return variables


def on_node(lab):
    variables = make_shim(lab)
    node = one_node(lab)
    node.environment.update(variables)
    return node


def on_server(lab):
    """The agents below sshd, and the verbs that the test calls."""
    variables = make_shim(lab)
    lines = lab.sshd.config.read_text(encoding="utf-8").splitlines()
    words = [f"{name}={value}" for name, value in variables.items()]
    for line in lines:  # sshd takes the first such line only, and there the first value of a name
        words += line.split()[1:] if line.startswith("SetEnv ") else []
    lines = [line for line in lines if not line.startswith("SetEnv ")]
    lab.sshd.config.write_text("\n".join([*lines, f"SetEnv {' '.join(words)}"]) + "\n", encoding="utf-8")
    lab.sshd.restart()
    node = one_node(lab)
    node.environment["LD_PRELOAD"] = ""
    lab.environment.update(variables)
    return node


def step(seconds):
    def fault(lab):
        # In place: a mapped file that is cut to nothing, if only for a moment, ends whoever looks at it.
        with open(lab.clock_file, "r+b") as stream:
            stream.write(struct.pack("q", seconds))
        yield

    return fault


def row(name, what, make, seconds, limit_s):
    # Half a minute: two heartbeats with the new time.
    return Row(name, what, step(seconds), limit_s, 0, lasts_s=32, session=SAME, make=make, is_unbroken=True)


ROWS = [
    # The session runs on monotonic time; a jump only makes the client ask at once whether the path still stands.
    row("clock-node-ahead", "the node's clock jumps a day ahead", on_node, DAY_S, 1),
    row("clock-node-back", "the node's clock jumps a day back", on_node, -DAY_S, 1),
    # The last heartbeat is a day off until the next one comes, after 15 s at most; the tunnel is not touched.
    row("clock-server-ahead", "the server's clock jumps a day ahead", on_server, DAY_S, 16),
    row("clock-server-back", "the server's clock jumps a day back", on_server, -DAY_S, 16),
]
