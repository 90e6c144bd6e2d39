"""Starts agents one after another, each below a shell that stands for its sshd, and holds the other end of its pipes.

A program of its own, and a small one (`python3 -S -E`): a child's peak memory counts what its parent held when it
forked. Reads names of files with the input of one session each from standard input; writes for each "EXIT-STATUS
PEAK-RSS-KIB SECONDS", or "stuck" after the limit. An agent that ended its sshd shows as -9.

usage: agent_driver.py LIMIT-SECONDS AGENT-COMMAND...
"""

import os
import select
import sys
import time

SSHD = ["/bin/sh", "-c", '"$0" "$@"; exit $?']  # 128 + n: the agent died of signal n


def play(command, text, limit_s):
    """One session: all of `text`, then the end of input. (wait status or None, peak RSS in KiB)."""
    in_read, in_write = os.pipe()
    out_read, out_write = os.pipe()
    actions = [
        (os.POSIX_SPAWN_DUP2, in_read, 0),
        (os.POSIX_SPAWN_DUP2, out_write, 1),
        *[(os.POSIX_SPAWN_CLOSE, fd) for fd in (in_write, out_read)],
    ]
    environment = {"SSH_CONNECTION": "127.0.0.1 9 127.0.0.1 9"}
    pid = os.posix_spawn(SSHD[0], SSHD + command, environment, file_actions=actions)
    os.close(in_read)
    os.close(out_write)
    os.set_blocking(in_write, False)
    deadline = time.monotonic() + limit_s
    is_open = True
    while is_open or in_write >= 0:
        left = deadline - time.monotonic()
        if left <= 0:
            break
        readable, writable, _ = select.select(
            [out_read] if is_open else [], [in_write] if in_write >= 0 else [], [], left
        )
        if writable:
            try:
                text = text[os.write(in_write, text[:65536]) :]
            except OSError:  # the agent is gone, or reads no more
                text = b""
            if not text:
                os.close(in_write)
                in_write = -1
        if readable and not os.read(out_read, 65536):
            is_open = False
    if in_write >= 0:
        os.close(in_write)
    os.close(out_read)
    while time.monotonic() < deadline:
        done, status, usage = os.wait4(pid, os.WNOHANG)
        if done:
            return status, usage.ru_maxrss
        time.sleep(0.001)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    return None, 0


def main():
    limit_s = float(sys.argv[1])
    for name in sys.stdin:
        with open(name.strip(), "rb") as file:
            text = file.read()
        began = time.monotonic()
        status, rss_kib = play(sys.argv[2:], text, limit_s)
        if status is None:
            print("stuck", flush=True)
        else:
            print(os.waitstatus_to_exitcode(status), rss_kib, f"{time.monotonic() - began:.3f}", flush=True)


main()
