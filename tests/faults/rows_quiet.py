"""Nothing is broken, and only slow or busy: the session must stay, and never be called hung."""

import os
import socket
import subprocess
import sys
import threading
import time

import processes
import tap
from long_line import LongLine
from row import END, FULL, LONG, QUICK, SAME, Row, one_node
from services import DownloadService, SinkService

RTT_S = 0.3
FULL_SHARE = 0.6  # of its speed; the machine that plays the line may be busy itself
BYTES_PER_SECOND = 125_000  # 1 Mbit/s
LOOPS_PER_CORE = 4
LOOP = "import time\nwhile time.monotonic() < {until}: pass"


def far_away(lab):
    line = LongLine(lab.machine, rtt_s=RTT_S)
    lab.on_close(line.close)
    return one_node(lab)


def thin(kind, bytes_per_second=BYTES_PER_SECOND):
    """A thin line, and beside the forward that is probed one for the stream that fills it."""

    def make(lab):
        lab.line = LongLine(lab.machine, rtt_s=0.04, bytes_per_second=bytes_per_second)
        lab.on_close(lab.line.close)
        return lab.add_node("node-a", {"ssh": lab.service(), "stream": lab.service("stream", kind)})

    return make


def nothing(_):
    yield


def fill(way, move, bytes_per_second=BYTES_PER_SECOND):
    """One user keeps the line full that way until the end."""

    def fault(lab):
        user = socket.create_connection(("127.0.0.1", lab.node.port("stream")), timeout=5)
        ended = threading.Event()
        stream = threading.Thread(target=keep_moving, args=(user, move, ended), daemon=True)
        direction = getattr(lab.line, way)
        passed = direction.passed
        stream.start()
        began = time.monotonic()
        yield
        rate = (direction.passed - passed) / (time.monotonic() - began)
        ended.set()
        stream.join(10)
        user.close()
        lab.notes.append(f"{rate:.0f} bytes a second of {bytes_per_second}")
        tap.check(rate > FULL_SHARE * bytes_per_second, f"the line was not full: {rate:.0f} bytes a second")

    return fault


def keep_moving(user, move, ended):
    while not ended.is_set():
        try:
            move(user)
        except OSError:  # a limit of time, or the end: the judges see it
            ended.wait(0.1)


def download(user):
    user.sendall(b"x")
    user.recv(65536)


def upload(user):
    user.sendall(bytes(65536))


def load(seconds):
    def fault(lab):
        until = time.monotonic() + seconds  # they end by themselves, whatever becomes of this test
        loops = []
        for _ in range(LOOPS_PER_CORE * (os.cpu_count() or 1)):
            command = [sys.executable, "-c", LOOP.format(until=until)]
            loops.append(subprocess.Popen(command, preexec_fn=processes.die_with_parent))
        yield
        for loop in loops:
            loop.kill()
            loop.wait(10)

    return fault


NEVER = ("hung", "not_listening", "service_hung", "wrong_answer")


def quiet(name, what, fault, make, lasts_s, limit_s, tier, **more):
    return Row(name, what, fault, limit_s, 0, END, lasts_s, SAME, make=make, tier=tier, never=NEVER, **more)


def rows(suffix, tier, far_s, thin_s, busy_s):
    def lasting(seconds):
        return f"for {seconds // 60} min"

    return [
        quiet(
            f"rtt-300{suffix}",
            f"300 ms of round trip {lasting(far_s)}",
            nothing,
            far_away,
            far_s,
            1,
            tier,
            is_unbroken=True,
        ),
        # When the stream ends, the node's window of 2 MB is full: 17 s at this speed.
        quiet(
            f"thin-up{suffix}",
            f"1 Mbit/s from the node full {lasting(thin_s)}",
            fill("up", download),
            thin(DownloadService),
            thin_s,
            20,
            tier,
        ),
        # Here both kernels and sshd have taken in some 4 MB.
        quiet(
            f"thin-down{suffix}",
            f"1 Mbit/s to the node full {lasting(thin_s)}",
            fill("down", upload),
            thin(SinkService),
            thin_s,
            45,
            tier,
        ),
        quiet(
            f"busy{suffix}",
            f"{LOOPS_PER_CORE} busy loops a core {lasting(busy_s)}",
            load(busy_s + 10),
            one_node,
            busy_s,
            2,
            tier,
            is_exclusive=True,
        ),
    ]


# Here a reply is later than a dead path is called dead: only bytes that move tell one from the other.
THINNER = BYTES_PER_SECOND // 4
THINNER_ROW = quiet(
    "thinner-down",
    "256 kbit/s to the node full for 45 s",
    fill("down", upload, THINNER),
    thin(SinkService, THINNER),
    45,
    300,
    FULL,
)

ROWS = [*rows("", QUICK, 60, 60, 60), THINNER_ROW, *rows("-long", LONG, 1800, 600, 1800)]
