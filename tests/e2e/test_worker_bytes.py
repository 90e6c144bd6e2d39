#!/usr/bin/env python3
"""The worker's data path: content, ends, many channels, and memory that does not grow with what is offered."""

import hashlib
import os
import socket
import struct
import threading
import time

import lab
import tap
from probes import probe
from services import Service, SinkService, SourceService
from worker_lab import Worker, connect, sleeper_of_sshd

BLOCK = 1 << 20
AMOUNT = 100 * BLOCK
OFFERED = 1 << 30
GROWTH_KIB = 4096
LEAN = {"ASAN_OPTIONS": "quarantine_size_mb=1"}  # a sanitized build otherwise keeps what was freed


def exchange(connection, amount):
    """Sends and receives at once; (hash of what was sent, hash of what came)."""
    sent, received = hashlib.sha256(), hashlib.sha256()

    def send():
        left = amount
        while left:
            block = os.urandom(min(BLOCK, left))
            sent.update(block)
            connection.sendall(block)
            left -= len(block)
        connection.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    while True:
        part = connection.recv(BLOCK)
        if not part:
            break
        received.update(part)
    sender.join(60)
    return sent.hexdigest(), received.hexdigest()


class ExchangeService(Service):
    def __init__(self, name, port, amount):
        super().__init__(name, port)
        self.amount = amount
        self.results = []

    def handle(self, connection):
        self.results.append(exchange(connection, self.amount))


class EchoService(Service):
    """Echoes to the end of the stream, then ends its own."""

    def handle(self, connection):
        while True:
            part = connection.recv(65536)
            if not part:
                return
            connection.sendall(part)


class HashService(Service):
    """Reads to the end of the stream and keeps the hash of it."""

    def __init__(self, name, port):
        super().__init__(name, port)
        self.received = 0
        self.hashes = []

    def handle(self, connection):
        received = hashlib.sha256()
        while part := connection.recv(BLOCK):
            received.update(part)
            self.received += len(part)
        self.hashes.append(received.hexdigest())


class SlowSinkService(Service):
    """Reads a little at a time, for ever slower than what is offered."""

    def __init__(self, name, port):
        super().__init__(name, port)
        self.received = 0

    def _open(self):
        listener = super()._open()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        return listener

    def handle(self, connection):
        pause = threading.Event()
        while True:
            part = connection.recv(16384)
            if not part:
                return
            self.received += len(part)
            pause.wait(0.002)


def serve(lab, service):
    lab.on_close(service.close)
    return service


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


def warm_up(port, rounds=20):
    for _ in range(rounds):
        tap.check(probe(port, "node-a").ok, "no answer")


@tap.case("100 MB of random bytes each way at once arrive as they were sent")
def _(lab):
    service = serve(lab, ExchangeService("bulk", lab.ports.take(), AMOUNT))
    worker = Worker(lab, "node-a")
    worker.start()
    with connect(worker.forward("bulk", service.target), 120) as user:
        ours = exchange(user, AMOUNT)
    tap.wait_until(lambda: service.results, 10, "the service is done")
    tap.check(service.results == [tuple(reversed(ours))], "other bytes")
    tap.wait_until(lambda: worker.sample()["open_channels"] == 0, 5, "the channel is closed")


@tap.case("an upload of any size whose user hangs up after the last byte arrives whole")
def _(lab):
    service = serve(lab, HashService("hash", lab.ports.take()))
    worker = Worker(lab, "node-a")
    worker.start()
    port = worker.forward("hash", service.target)
    packet = 32 * 1024
    for round_number in range(5):
        for size in (0, 1, packet - 1, packet, packet + 1, 3 * packet + 7, 8 * packet, 10 * packet + 1, 4 * BLOCK + 5):
            block = os.urandom(size)
            with connect(port, 30) as user:
                user.sendall(block)
            tap.wait_until(lambda: service.hashes, 10, f"the service has the end of {size} bytes, round {round_number}")
            tap.check(service.hashes.pop() == hashlib.sha256(block).hexdigest(), f"not the {size} bytes that were sent")
    tap.wait_until(lambda: worker.sample()["open_channels"] == 0, 5, "the channels are closed")


def waiting_bytes(remote_port):
    """What waits in the kernel to be read from connections to this port."""
    rows = [line.split() for line in open("/proc/net/tcp", encoding="ascii")][1:]
    return sum(int(row[4].split(":")[1], 16) for row in rows if int(row[2].split(":")[1], 16) == remote_port)


@tap.case("what came just before the session broke reaches the service, all of it")
def _(lab):
    service = serve(lab, HashService("hash", lab.ports.take()))
    worker = Worker(lab, "node-a")
    worker.start()
    block = os.urandom(60_000)  # two packets, and with the end of the session in one turn of the worker
    with connect(worker.forward("hash", service.target), 30) as user:
        user.sendall(block[:1])
        tap.wait_until(lambda: service.received == 1, 10, "the first byte is there")
        worker.process.stop()
        user.sendall(block[1:])
        tap.wait_until(lambda: waiting_bytes(lab.sshd.port) >= len(block), 10, "all of it is at the worker's door")
        for each in sleeper_of_sshd(lab):
            each.kill()
        worker.process.resume()
        tap.wait_until(lambda: service.hashes, 10, "the service has the end")
    tap.check(service.hashes == [hashlib.sha256(block).hexdigest()], f"{service.received} of {len(block)} bytes arrived")


@tap.case("keys are exchanged again every 2 MB under 16 streams each way, and no byte is lost")
def _(lab):
    with open(lab.sshd.config, "a", encoding="utf-8") as config:
        config.write("RekeyLimit 2M\n")
    text = lab.sshd.config.read_text(encoding="utf-8")
    lab.sshd.config.write_text(text.replace("LogLevel VERBOSE", "LogLevel DEBUG1"), encoding="utf-8")
    lab.sshd.restart()
    service = serve(lab, ExchangeService("bulk", lab.ports.take(), 3 * BLOCK))
    worker = Worker(lab, "node-a")
    worker.start()
    port = worker.forward("bulk", service.target)
    ours = []

    def user():
        with connect(port, 120) as connection:
            ours.append(exchange(connection, 3 * BLOCK))

    users = [threading.Thread(target=user, daemon=True) for _ in range(16)]
    for each in users:
        each.start()
    for each in users:
        each.join(120)
    tap.wait_until(lambda: len(service.results) == 16, 10, "the service is done")
    tap.check(sorted(service.results) == sorted(tuple(reversed(each)) for each in ours), "other bytes")
    exchanges = lab.sshd.log.read_text(encoding="utf-8", errors="replace").count("SSH2_MSG_NEWKEYS sent")
    tap.note(f"{exchanges} key exchanges")
    tap.check(exchanges > 10, f"only {exchanges} key exchanges")


@tap.case("the end of one direction leaves the other open, whoever ends first")
def _(lab):
    worker = Worker(lab, "node-a")
    worker.start()
    echo = serve(lab, EchoService("echo", lab.ports.take()))
    port = worker.forward("echo", echo.target)
    for size in (0, 1, 32_758, 65_516, 3_000_000):
        block = os.urandom(size)
        with connect(port) as user:
            sender = threading.Thread(target=lambda: (user.sendall(block), user.shutdown(socket.SHUT_WR)))
            sender.start()
            got = b"".join(iter(lambda: user.recv(65536), b""))
            sender.join(30)
        tap.check(got == block, f"{len(got)} of {size} bytes came back")

    with socket.socket() as listener:  # the service ends first
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        listener.settimeout(10)
        early = worker.forward("early", f"127.0.0.1:{listener.getsockname()[1]}")
        with connect(early) as user:
            service, _ = listener.accept()
            service.sendall(b"bye")
            service.shutdown(socket.SHUT_WR)
            tap.check(b"".join(iter(lambda: user.recv(100), b"")) == b"bye", "the service's last word")
            user.sendall(b"still here")
            user.shutdown(socket.SHUT_WR)
            service.settimeout(10)
            tap.check(b"".join(iter(lambda: service.recv(100), b"")) == b"still here", "the user's last word")
            service.close()
    tap.wait_until(lambda: worker.sample()["open_channels"] == 0, 5, "every channel is closed")


@tap.case("a target that is down or resets closes the user's connection, and nothing else")
def _(lab):
    worker = Worker(lab, "node-a")
    worker.start()
    port = worker.forward("down", f"127.0.0.1:{lab.ports.take()}")
    with connect(port) as user:
        tap.check(user.recv(1) == b"", "bytes from nowhere")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)
        listener.settimeout(10)
        port = worker.forward("reset", f"127.0.0.1:{listener.getsockname()[1]}")
        for hard in (True, False) * 3:
            with connect(port) as user:
                service, _ = listener.accept()
                user.sendall(b"x" * 1000)
                if hard:  # a reset
                    service.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                service.close()
                tap.check(user.recv(1) == b"", "bytes from nowhere")
    tap.wait_until(lambda: worker.sample()["open_channels"] == 0, 5, "every channel is closed")
    warm_up(worker.forward("ssh", lab.nonce_service("node-a").target), 1)


@tap.case("200 channels at once, each with its own bytes; then 1,000 held open")
def _(lab):
    worker = Worker(lab, "node-a")
    worker.start()
    port = worker.forward("ssh", lab.nonce_service("node-a").target)
    for count in (200, 1000):
        users = [connect(port, 60) for _ in range(count)]
        nonces = [os.urandom(8).hex() for _ in users]
        for user, nonce in zip(users, nonces):
            user.sendall(nonce.encode() + b"\n")
        for user, nonce in zip(reversed(users), reversed(nonces)):
            with user.makefile("rb") as lines:
                answer = lines.readline()
            tap.check(answer == f"node-a {nonce}\n".encode(), f"asked {nonce}, got {answer!r}")
        tap.check(count == 200 or worker.sample()["open_channels"] > 0, "no channel")
        for user in users:
            user.close()
        tap.wait_until(lambda: worker.sample()["open_channels"] == 0, 20, "every channel is closed")
    tap.note(f"RSS {worker.process.rss_kib} KiB after 1,200 channels")


@tap.case("a service that hangs fills the worker with channels of users who left: room is made for others")
def _(lab):
    worker = Worker(lab, "node-a")
    worker.start()
    other = worker.forward("ssh", lab.nonce_service("node-a").target)
    with socket.socket() as hung:  # takes connections, says nothing, never reads
        hung.bind(("127.0.0.1", 0))
        hung.listen(4096)
        port = worker.forward("hung", f"127.0.0.1:{hung.getsockname()[1]}")
        for _ in range(1050):
            with connect(port) as user:
                user.sendall(b"hello?")
        tap.wait_until(lambda: worker.sample()["open_channels"] > 1000, 10, "the channels stay")
        tap.check(probe(other, "node-a").ok, "another forward beside the hung one")
        tap.wait_until(lambda: worker.sample()["open_channels"] < 1000, 90, "the oldest are gone", every_s=1)
    tap.wait_until(lambda: worker.sample()["open_channels"] == 0, 10, "the service ended, and so did all")


@tap.case("2,000 short connections leave neither descriptors nor memory behind")
def _(lab):
    worker = Worker(lab, "node-a")
    worker.start(environment=LEAN)
    port = worker.forward("ssh", lab.nonce_service("node-a").target)
    warm_up(port, 200)
    descriptors = len(os.listdir(f"/proc/{worker.process.pid}/fd"))
    before = worker.process.rss_kib
    began = time.monotonic()
    warm_up(port, 2000)
    tap.note(f"{2000 / (time.monotonic() - began):.0f} connections a second")
    grown = worker.process.rss_kib - before
    tap.check(grown <= 512 * tap.SLOWNESS**2, f"grew by {grown} KiB")
    tap.wait_until(
        lambda: len(os.listdir(f"/proc/{worker.process.pid}/fd")) <= descriptors, 5, "every descriptor is closed"
    )


def check_growth(worker, before_kib, moved, port):
    grown = worker.process.rss_kib - before_kib
    tap.note(f"moved {moved / 1e6:.1f} MB, RSS {before_kib} KiB, grown by {grown} KiB")
    tap.check(grown <= GROWTH_KIB * tap.SLOWNESS**2, f"the worker grew by {grown} KiB")
    tap.check(probe(port, "node-a").ok, "another forward beside the stalled one")


@tap.case("1 GB on offer and nobody reads: the worker holds back, both ways")
def _(lab):
    worker = Worker(lab, "node-a")
    worker.start(environment=LEAN)
    other = worker.forward("ssh", lab.nonce_service("node-a").target)
    source = serve(lab, SourceService("source", lab.ports.take()))
    sink = serve(lab, SinkService("sink", lab.ports.take()))
    sink.mode = "hang"
    warm_up(other)
    before = worker.process.rss_kib
    with connect(worker.forward("source", source.target)) as user:
        tap.check(user.recv(1), "nothing arrives")
        check_growth(worker, before, stands_still(lambda: source.sent), other)
        got = 0
        while got < AMOUNT:  # and goes on when somebody reads
            got += len(user.recv(BLOCK))
    with connect(worker.forward("sink", sink.target)) as user:
        user.setblocking(False)
        sent = [0]

        def offer():
            try:
                while sent[0] < OFFERED:
                    sent[0] += user.send(bytes(BLOCK))
            except BlockingIOError:
                pass
            return sent[0]

        check_growth(worker, before, stands_still(offer), other)


@tap.case("a target that reads slowly for ever makes the worker no bigger")
def _(lab):
    worker = Worker(lab, "node-a")
    worker.start(environment=LEAN)
    other = worker.forward("ssh", lab.nonce_service("node-a").target)
    sink = serve(lab, SlowSinkService("slow", lab.ports.take()))
    warm_up(other)
    before = worker.process.rss_kib
    with connect(worker.forward("slow", sink.target)) as user:
        ended = threading.Event()

        def offer():
            try:
                while not ended.is_set():
                    user.send(bytes(65536))
            except OSError:
                pass

        threading.Thread(target=offer, daemon=True).start()
        tap.wait_until(lambda: sink.received > 30 * BLOCK, 60, lambda: f"30 MB arrived, {sink.received} so far")
        check_growth(worker, before, sink.received, other)
        ended.set()


lab.main()
