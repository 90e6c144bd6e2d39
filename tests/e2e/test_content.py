#!/usr/bin/env python3
"""Every byte arrives, in order, whatever the direction, the number of channels, and who closes first."""

import hashlib
import os
import socket
import threading

import lab
import tap
from probes import probe
from services import Service

AMOUNT = 100 << 20
BLOCK = 1 << 20
CHANNELS = 200


class ExchangeService(Service):
    """Sends AMOUNT random bytes while it reads to the end of the other side's; keeps both hashes of each connection."""

    def __init__(self, name, port):
        super().__init__(name, port)
        self.results = []

    def handle(self, connection):
        self.results.append(exchange(connection, AMOUNT))


class AfterEndService(Service):
    """Reads to the end, then answers with the hash: needs a half-close to get through both ways."""

    def handle(self, connection):
        seen = hashlib.sha256()
        while True:
            part = connection.recv(65536)
            if not part:
                break
            seen.update(part)
        connection.sendall(seen.hexdigest().encode())


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


@tap.case("100 MB of random bytes each way at once arrive as they were sent")
def _(lab):
    service = ExchangeService("exchange", lab.ports.take())
    lab.on_close(service.close)
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a"), "bulk": service})
    session = lab.up(node)["session"]["id"]
    with node.connect("bulk", limit_s=120) as user:
        ours = exchange(user, AMOUNT)
    # The server's own check of this forward connects too, and sends nothing.
    tap.wait_until(lambda: tuple(reversed(ours)) in service.results, 10, "the service saw the same bytes")
    tap.check(lab.status(node)["session"]["id"] == session, "another session id")


@tap.case("half-close: the answer to the end of a stream comes back")
def _(lab):
    service = AfterEndService("after-end", lab.ports.take())
    lab.on_close(service.close)
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a"), "end": service})
    lab.up(node)
    for size in (0, 1, 32_758, 3_000_000):
        block = os.urandom(size)
        with node.connect("end", limit_s=30) as user:
            user.sendall(block)
            user.shutdown(socket.SHUT_WR)
            answer = b""
            while len(answer) < 65:
                part = user.recv(65)
                if not part:
                    break
                answer += part
        tap.check(answer.decode() == hashlib.sha256(block).hexdigest(), f"{size} bytes: {answer!r}")


@tap.case("200 channels at once, each with its own bytes")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    session = lab.up(node)["session"]["id"]
    users = [node.connect(limit_s=30) for _ in range(CHANNELS)]
    questions = [os.urandom(24).hex() for _ in users]
    for user, question in zip(users, questions):
        user.sendall(question.encode() + b"\n")
    for user, question in zip(reversed(users), reversed(questions)):
        with user, user.makefile("rb") as lines:
            answer = lines.readline()
        tap.check(answer == f"node-a {question}\n".encode(), f"asked {question}, got {answer!r}")
    tap.check(probe(node.port(), "node-a").ok, "no answer afterwards")
    tap.check(lab.status(node)["session"]["id"] == session, "another session id")


lab.main()
