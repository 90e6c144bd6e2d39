#!/usr/bin/env python3
"""Somebody stops reading while 1 GB is on offer: the worker holds back instead of growing."""

import time

import lab
import tap
from probes import probe
from services import SinkService, SourceService

OFFERED = 1 << 30
GROWTH_KIB = 4096
AFTERWARDS = 100 << 20


def stands_still(count, limit_s=30):
    """Waits until `count()` no longer grows for 2 s; returns it."""
    last = [count(), time.monotonic()]

    def still():
        now = count()
        if now != last[0]:
            last[:] = [now, time.monotonic()]
        return time.monotonic() - last[1] > 2

    tap.wait_until(still, limit_s, lambda: f"the stream stands still, moved {last[0]}")
    return last[0]


def start(lab, service):
    node = lab.add_node("node-a", {"stream": service, "ssh": lab.nonce_service("node-a")})
    session = lab.up(node)["session"]["id"]
    for _ in range(20):
        tap.check(probe(node.port("ssh"), "node-a").ok, "no answer before the load")
    return node, session, node.worker().rss_kib


def check_small(lab, node, session, before_kib, moved):
    tap.check(moved < OFFERED, f"{moved} bytes went somewhere")
    grown = node.worker().rss_kib - before_kib
    tap.note(f"stands still after {moved / 1e6:.1f} MB, worker's RSS {before_kib} KiB, grown by {grown} KiB")
    is_plain_build = tap.SLOWNESS == 1  # a sanitizer keeps what was freed: its growth says nothing
    tap.check(grown <= GROWTH_KIB or not is_plain_build, f"the worker grew by {grown} KiB")
    answer = probe(node.port("ssh"), "node-a")
    tap.check(answer.ok, f"another forward beside the stalled one: {answer}")
    tap.check(lab.session_id(node) == session, "another session id")


@tap.case("a user does not read what the node's service offers")
def _(lab):
    service = SourceService("source", lab.ports.take())
    lab.on_close(service.close)
    node, session, before_kib = start(lab, service)
    with node.connect("stream") as user:
        tap.check(user.recv(1), "nothing arrives")
        check_small(lab, node, session, before_kib, stands_still(lambda: service.sent))
        got = 0
        while got < AFTERWARDS:
            part = user.recv(1 << 20)
            tap.check(part, f"the stream ended after {got} bytes")
            got += len(part)
    check_small(lab, node, session, before_kib, got)


@tap.case("the node's service does not read what a user sends")
def _(lab):
    service = SinkService("sink", lab.ports.take())
    service.mode = "hang"
    lab.on_close(service.close)
    node, session, before_kib = start(lab, service)
    with node.connect("stream") as user:
        user.setblocking(False)
        sent = [0]
        block = bytes(1 << 20)

        def offer():
            try:
                while sent[0] < OFFERED:
                    sent[0] += user.send(block)
            except BlockingIOError:
                pass
            return sent[0]

        check_small(lab, node, session, before_kib, stands_still(offer))


lab.main()
