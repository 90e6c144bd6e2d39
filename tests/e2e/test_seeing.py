#!/usr/bin/env python3
"""`reversi-server status` as people look at it: on a terminal, in a pipe, filtered, again and again."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import lab
import processes
import tap

ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?25h\x1b[?1049l"


class OnTerminal:
    """A verb of reversi-server on a terminal of its own."""

    def __init__(self, lab_, *arguments, columns=80, rows=24, environment=None):
        self.seen = b""
        self._master, slave = pty.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(slave)
        self.child = subprocess.Popen(
            [lab.program("REVERSI_SERVER"), *arguments],
            env={**lab_.environment, "TERM": "xterm", **(environment or {})},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            preexec_fn=processes.die_with_parent,
        )
        self._slave = slave
        lab_.on_close(self.close)

    def resize(self, columns, rows):
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read(self, wait_s):
        if select.select([self._master], [], [], wait_s)[0]:
            self.seen += os.read(self._master, 65536)
            return True
        return False

    def wait(self, condition, limit_s, what):
        def holds():
            self._read(0.05)
            return condition(self.seen)

        tap.wait_until(holds, limit_s, lambda: f"{what}, seen: {self.seen[-2000:]!r}", every_s=0)

    def end(self):
        self.child.wait(10)
        while self._read(0.05):
            pass
        return self.child.returncode

    def close(self):
        self.child.kill()
        self.child.wait(10)
        os.close(self._master)
        os.close(self._slave)


def three_nodes(lab_):
    for number, name in enumerate(("cam-07", "cam-08", "a-router-with-a-name-that-is-longer-than-its-column")):
        lab_.add_node(name, {"ssh": "127.0.0.1:22", f"web-interface-{number}": "127.0.0.1:80"})


def is_wide(text):
    """Whether both forwards of a node have room in its row."""
    return re.search(r"^cam-07 .* ssh \d+ unknown, web-interface-0 \d+ unknown", text, re.MULTILINE)


@tap.case("a table of 80 columns in a pipe, as wide as COLUMNS or the terminal say, with colours on a terminal only")
def _(lab_):
    tap.check("node add" in lab_.server("status"), "no nodes: what to do?")
    three_nodes(lab_)
    plain = lab_.server("status")
    tap.check(max(map(len, plain.splitlines())) <= 80 and "\x1b" not in plain, plain)
    tap.check(plain.splitlines()[-1] == "3 nodes: 3 never_seen", plain)
    tap.check(not is_wide(plain), plain)
    lab_.environment["COLUMNS"] = "120"
    tap.check(is_wide(lab_.server("status")), "COLUMNS is not heeded")
    del lab_.environment["COLUMNS"]
    for environment, colour in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
        terminal = OnTerminal(lab_, "status", columns=120, environment=environment)
        tap.check(terminal.end() == 0, "exit code")
        tap.check((b"\x1b[" in terminal.seen) == colour, f"{environment}: {terminal.seen!r}")
        tap.check(is_wide(re.sub(r"\x1b\[\d*m", "", terminal.seen.decode())), f"{terminal.seen!r}")


@tap.case("--state and --match filter table and JSON, --sort orders both")
def _(lab_):
    three_nodes(lab_)
    lab_.server("node", "disable", "cam-08")

    def names(*options):
        return [each["node"] for each in json.loads(lab_.server("status", "--json", *options))]

    tap.check(names("--match", "cam-*") == ["cam-07", "cam-08"], "--match")
    tap.check(names("--state", "disabled", "--state", "down") == ["cam-08"], "--state")
    tap.check(names("--state", "disabled", "--match", "*7") == [], "both")
    tap.check(names("--sort", "state")[-1] == "cam-08", "--sort state")
    text = lab_.server("status", "--match", "cam-0?")
    tap.check(text.splitlines()[-1] == "2 of 3 nodes: 1 never_seen, 1 disabled", text)
    one = json.loads(lab_.server("status", "cam-07", "--json"))
    tap.check(isinstance(one, dict) and one["node"] == "cam-07", "one object")
    lab_.server("status", "--state", "dwon", code=2)
    lab_.server("status", "cam-07", "--match", "*", code=2)


@tap.case("--watch redraws, follows the terminal's size, and gives the terminal back at Ctrl-C")
def _(lab_):
    three_nodes(lab_)
    terminal = OnTerminal(lab_, "status", "--watch", rows=40)
    terminal.wait(lambda seen: b"3 nodes: 3 never_seen" in seen, 10, "the first table")
    tap.check(terminal.seen.startswith(ENTER), f"{terminal.seen[:40]!r}")
    lab_.server("node", "disable", "cam-07")
    terminal.wait(lambda seen: b"2 never_seen, 1 disabled" in seen, 10, "the change")
    terminal.resize(80, 6)
    terminal.child.send_signal(signal.SIGWINCH)
    terminal.wait(lambda seen: re.search(rb"\xe2\x80\xa6 \d+ lines more", seen), 1.5, "fewer lines, at once")
    terminal.child.send_signal(signal.SIGINT)
    tap.check(terminal.end() == 0, f"exit {terminal.child.returncode}")
    tap.check(terminal.seen.endswith(LEAVE), f"the terminal is not restored: {terminal.seen[-60:]!r}")
    tap.check(termios.tcgetattr(terminal._slave) == terminal.before, "other terminal settings")


@tap.case("--watch in a pipe prints again, and ends when nobody reads any more")
def _(lab_):
    three_nodes(lab_)
    child = subprocess.Popen(
        [lab.program("REVERSI_SERVER"), "status", "--watch"],
        env=lab_.environment,
        stdout=subprocess.PIPE,
        preexec_fn=processes.die_with_parent,
    )
    lab_.on_close(lambda: (child.kill(), child.wait(10)))
    tables = 0
    began = time.monotonic()
    while tables < 2:
        line = child.stdout.readline()
        tap.check(line and b"\x1b" not in line, f"{line!r}")
        tables += line == b"3 nodes: 3 never_seen\n"
    tap.check(time.monotonic() - began >= 1.5, "too often")
    child.stdout.close()
    tap.check(child.wait(10) == 0, f"exit {child.returncode}")


lab.main()
