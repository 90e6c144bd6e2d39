#!/usr/bin/env python3
"""Somebody stops reading while 1 GB is on offer: the worker holds back instead of growing."""

import threading
import time

import lab
import tap
from probes import probe
from services import EchoService, SinkService, SourceService, StallingService

OFFERED = 1 << 30
BOUND_MIB = 4
# One that stalls holds what was left of its window just then: libssh lets that be 0.64 to 1.28 MB, so that seven are beyond
# the bound at the latest. They come one by one: those that end at once have no more than the bound themselves.
STALLED = 12
ENOUGH = 3
GROWTH_KIB = 4096
AFTERWARDS = 100 << 20
# libssh makes new keys after 1 GB; a sanitized worker is not judged by its memory.
DOWNLOADS, DOWNLOAD = 24, (60 if tap.SLOWNESS == 1 else 5) << 20
DOWNLOADS_GROWTH_KIB = 8192  # 24 channels, and what they read from their sockets in one turn


def stands_still(count, limit_s=30, still_s=2):
    """Waits until `count()` no longer grows for so long; returns it."""
    last = [count(), time.monotonic()]

    def still():
        now = count()
        if now != last[0]:
            last[:] = [now, time.monotonic()]
        return time.monotonic() - last[1] > still_s

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


class Crowd:
    """Users who send all that they can, read nothing and never hang up; and the worker's memory meanwhile."""

    def __init__(self, node, before_kib):
        self.node = node
        self.before_kib = before_kib
        self.users = []
        self.sent = 0
        self.peak_kib = 0
        self._block = bytes(1 << 20)

    def join(self, count):
        """So many more, each of whom sends until nothing moves any more."""
        for _ in range(count):
            user, _ = tap.wait_until(self._connect, 60, "a user gets in")
            user.setblocking(False)
            self.users.append(user)
        stands_still(self._offer, limit_s=60, still_s=0.5)

    def _connect(self):
        try:
            return self.node.connect("stream")
        except OSError:
            return None  # the session starts anew

    def _offer(self):
        for user in self.users:
            try:
                self.sent += user.send(self._block)
            except OSError:  # no room, or ended
                pass
        worker = self.node.worker()  # another one, once the session started anew
        self.peak_kib = max(self.peak_kib, worker.rss_kib if worker else 0)
        return self.sent

    def ended(self):
        return sum(is_gone(user) for user in self.users)

    def check_memory(self, most_mib):
        grown = self.peak_kib - self.before_kib
        tap.note(f"{len(self.users)} users, worker grown by {grown} KiB at most")
        is_bounded = grown <= most_mib * 1024 + GROWTH_KIB
        tap.check(is_bounded or tap.SLOWNESS != 1, f"the worker grew by {grown} KiB")

    def close(self):
        for user in self.users:
            user.close()


def is_gone(user):
    try:
        user.send(b"?")
    except BlockingIOError:
        return False
    except OSError:
        return True
    return False


def crowd_on(lab, service):
    lab.on_close(service.close)
    node, session, before_kib = start(lab, service, settings={"max_buffered_mib": BOUND_MIB})
    crowd = Crowd(node, before_kib)
    lab.on_close(crowd.close)
    return node, session, crowd


def check_answers(lab, node):
    lab.wait_state(node, "up", 60)
    tap.wait_until(lambda: probe(node.port("ssh"), "node-a").ok, 30, "another forward answers afterwards")


# Open connections keep the bound at most, those that were ended as much again; libssh's buffers double when they grow.
WITH_ENDED = 2 * 2 * BOUND_MIB


@tap.case("many stalled readers: those for which most is waiting are ended, and nobody else")
def _(lab):
    service = SinkService("sink", lab.ports.take())
    service.mode = "hang"
    node, session, crowd = crowd_on(lab, service)
    with node.connect("ssh") as shell:
        while len(crowd.users) < STALLED and crowd.ended() < ENOUGH:
            crowd.join(1)
        ended = crowd.ended()
        tap.note(f"{ended} of {len(crowd.users)} ended")
        tap.check(ENOUGH <= ended < len(crowd.users), f"{ended} of {len(crowd.users)} were ended")
        crowd.check_memory(2 * BOUND_MIB)
        shell.sendall(b"still there\n")
        tap.check(b"still there" in shell.recv(100), "a connection that never fell behind was ended")
    answer = probe(node.port("ssh"), "node-a")
    tap.check(answer.ok, f"another forward beside them: {answer}")
    tap.check(lab.session_id(node) == session, "another session id")
    tap.check("max_buffered_mib" in node.log_text(), "the log does not say why")


@tap.case("users of an echo service who write, never read and never hang up: memory stays bounded")
def _(lab):
    node, _, crowd = crowd_on(lab, EchoService("echo", lab.ports.take()))
    for _ in range(12):
        crowd.join(5)
    crowd.check_memory(WITH_ENDED)
    check_answers(lab, node)
    tap.check("the session starts anew" in node.log_text(), "the log does not say why the session ended")


@tap.case("a service that resets while it is behind, under users who do not read: memory stays bounded")
def _(lab):
    service = StallingService("stalling", lab.ports.take(), talks=True)
    node, _, crowd = crowd_on(lab, service)
    for _ in range(14):
        crowd.join(3)
        service.reset()
    crowd.check_memory(WITH_ENDED)
    check_answers(lab, node)


@tap.case("many connections that were slow once, caught up and stay: those that keep most memory are ended")
def _(lab):
    service = StallingService("stalling", lab.ports.take())
    node, session, crowd = crowd_on(lab, service)
    with node.connect("ssh") as shell:
        for _ in range(15):
            crowd.join(2)
            service.reads.set()
            stands_still(lambda: service.received, still_s=0.5)
            service.reads.clear()
        crowd.check_memory(WITH_ENDED)
        shell.sendall(b"still there\n")
        tap.check(b"still there" in shell.recv(100), "a connection that never fell behind was ended")
    check_answers(lab, node)
    tap.check(lab.session_id(node) == session, "another session id")


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
