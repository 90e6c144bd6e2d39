#!/usr/bin/env python3
"""What a healthy tunnel that nobody uses costs its machine: wake-ups, and memory that is nobody else's."""

import os

import lab
import tap
from lab import program

SETTLE_S = 3
WATCHED_S = 45  # three heartbeats, wherever it begins
MOST_A_MINUTE = 40  # supervisor and worker together
MOST_OF_THE_AGENT = 12
CLIENT_KIB = 1792
AGENT_KIB = 500


def write_back(path):
    """The kernel counts pages of a program that was linked a moment ago, and is not yet on the disk, as dirty."""
    file = os.open(path, os.O_RDONLY)
    os.fsync(file)
    os.close(file)


@tap.case("idle, supervisor and worker wake up 40 times a minute at most, the agent 12 times, and they own little memory")
def _(lab):
    for name in ("REVERSI_CLIENT", "REVERSI_WORKER", "REVERSI_SERVER"):
        write_back(program(name))
    # Of meson: fills what is allocated, and so touches what nobody uses.
    lab.environment.pop("MALLOC_PERTURB_", None)
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    session = lab.up(node)["session"]["id"]
    own = {"supervisor": node.supervisor, "worker": node.worker(), "agent": lab.agent(node)}

    def is_idle():
        return lab.session_id(node) == session

    tap.hold(is_idle, SETTLE_S, "the session that settles", every_s=1)
    dirty = {name: process.private_dirty_kib for name, process in own.items()}
    before = {name: process.wake_ups for name, process in own.items()}
    tap.hold(is_idle, WATCHED_S, "the idle session", every_s=5)
    woken = {name: (process.wake_ups - before[name]) * 60 / WATCHED_S for name, process in own.items()}
    tap.note(f"wake-ups a minute: {woken}, private memory, KiB: {dirty}")
    tap.check(all(before.values()) and all(dirty.values()), "nothing was counted")
    both = woken["supervisor"] + woken["worker"]
    tap.check(both <= MOST_A_MINUTE, f"supervisor and worker wake up {both:g} times a minute")
    tap.check(woken["agent"] <= MOST_OF_THE_AGENT, f"the agent wakes up {woken['agent']:g} times a minute")
    if tap.SLOWNESS != 1:  # a sanitizer's own memory is many times that
        return
    both = dirty["supervisor"] + dirty["worker"]
    tap.check(both <= CLIENT_KIB, f"supervisor and worker own {both} KiB")
    tap.check(dirty["agent"] <= AGENT_KIB, f"the agent owns {dirty['agent']} KiB")


# As after ten healthy minutes: no check falls into the time.
lab.main(policy={"check_ms": 300_000})
