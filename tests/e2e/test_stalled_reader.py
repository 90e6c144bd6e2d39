#!/usr/bin/env python3
"""Somebody stops reading while 1 GB is on offer: the worker holds back instead of growing."""

import threading
import time

import lab
import tap
from probes import probe
from services import SinkService, SourceService

OFFERED = 1 << 30
BOUND_MIB = 4
STALLED = 10  # libssh lets each of them hold 1.28 MB: three times the bound
ENOUGH = 4
GROWTH_KIB = 4096
AFTERWARDS = 100 << 20
# libssh makes new keys after 1 GB; a sanitized worker is not judged by its memory.
DOWNLOADS, DOWNLOAD = 24, (60 if tap.SLOWNESS == 1 else 5) << 20
DOWNLOADS_GROWTH_KIB = 8192  # 24 channels, and what they read from their sockets in one turn


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


def start(lab, service, **options):
    node = lab.add_node("node-a", {"stream": service, "ssh": lab.nonce_service("node-a")}, **options)
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


@tap.case("many stalled readers: those for which most is waiting are ended, and nobody else")
def _(lab):
    service = SinkService("sink", lab.ports.take())
    service.mode = "hang"
    lab.on_close(service.close)
    node, session, before_kib = start(lab, service, settings={"max_buffered_mib": BOUND_MIB})
    users = [node.connect("stream") for _ in range(STALLED)]
    block = bytes(1 << 20)
    for user in users:
        user.setblocking(False)
    peak_kib = [0]

    def offer():
        """Until enough of them have been ended; the others wait for room and stay."""
        ended = 0
        for user in users:
            try:
                user.send(block)
            except BlockingIOError:
                pass
            except OSError:
                ended += 1
        peak_kib[0] = max(peak_kib[0], node.worker().rss_kib)
        return ended if ended >= ENOUGH else None

    ended, _ = tap.wait_until(offer, 60, f"{ENOUGH} of them are ended")
    for user in users:
        user.close()
    tap.note(f"{ended} of {STALLED} ended, worker grown by {peak_kib[0] - before_kib} KiB at most")
    tap.check(ended < STALLED, "all of them were ended")
    # libssh's buffers double when they grow.
    is_bounded = peak_kib[0] - before_kib <= 2 * BOUND_MIB * 1024 + GROWTH_KIB
    tap.check(is_bounded or tap.SLOWNESS != 1, f"the worker grew by {peak_kib[0] - before_kib} KiB")
    answer = probe(node.port("ssh"), "node-a")
    tap.check(answer.ok, f"another forward beside them: {answer}")
    tap.check(lab.session_id(node) == session, "another session id")
    tap.check("max_buffered_mib" in node.log_text(), "the log does not say why")


@tap.case("many downloads through a key re-exchange that takes a while: the worker holds back meanwhile, too")
def _(lab):
    service = SourceService("source", lab.ports.take())
    lab.on_close(service.close)
    relay = lab.relay()
    node, session, before_kib = start(lab, service, server_port=relay.port)
    relay.down.bytes_per_second = 10_000  # the server's half of an exchange takes a while
    peak_kib = [0]
    users = [threading.Thread(target=read, args=(node, DOWNLOAD), daemon=True) for _ in range(DOWNLOADS)]
    for user in users:
        user.start()

    def over():
        peak_kib[0] = max(peak_kib[0], node.worker().rss_kib)
        return not any(user.is_alive() for user in users)

    tap.wait_until(over, 150, "the downloads end")
    grown = peak_kib[0] - before_kib
    tap.note(f"{DOWNLOADS} downloads of {DOWNLOAD >> 20} MiB: grown by {grown} KiB at most")
    tap.check(grown <= DOWNLOADS_GROWTH_KIB or tap.SLOWNESS != 1, f"the worker grew by {grown} KiB")
    tap.check(lab.session_id(node) == session, "another session id")


def read(node, size):
    with node.connect("stream") as user:
        while size > 0:
            part = user.recv(1 << 18)
            if not part:
                return
            size -= len(part)


lab.main()
