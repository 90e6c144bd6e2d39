"""An independent judge of a tunnel: a fresh nonce in through the exposed port, the same nonce out."""

import secrets
import socket
import time
from typing import NamedTuple


class Answer(NamedTuple):
    ok: bool
    detail: str
    seconds: float


def probe(port, name, limit_s=2.0, address="127.0.0.1"):
    """Asks the nonce service `name` behind `port`."""
    began = time.monotonic()
    nonce = secrets.token_hex(8)
    wanted = f"{name} {nonce}\n".encode()
    try:
        got = ask(port, f"{nonce}\n".encode(), len(wanted), limit_s, address)
    except OSError as error:
        return Answer(False, f"{type(error).__name__}: {error}", time.monotonic() - began)
    return Answer(got == wanted, repr(got), time.monotonic() - began)


def ask(port, question, most, limit_s, address="127.0.0.1"):
    """Sends `question` and reads a line, at most `most` bytes of it."""
    deadline = time.monotonic() + limit_s
    with socket.create_connection((address, port), timeout=limit_s) as connection:
        connection.sendall(question)
        answer = b""
        while len(answer) < most and not answer.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0:
                raise socket.timeout(f"after {answer!r}")
            connection.settimeout(left)
            part = connection.recv(most - len(answer))
            if not part:
                break
            answer += part
    return answer


def probe_http(port, limit_s=2.0):
    """Asks the HTTP service of services.py for /nonce/NONCE."""
    began = time.monotonic()
    nonce = secrets.token_hex(8)
    request = f"GET /nonce/{nonce} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode()
    answer = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=limit_s) as connection:
            connection.sendall(request)
            while len(answer) < 65536:
                left = limit_s - (time.monotonic() - began)
                if left <= 0:
                    raise socket.timeout(f"after {answer[:80]!r}")
                connection.settimeout(left)
                part = connection.recv(4096)
                if not part:
                    break
                answer += part
    except OSError as error:
        return Answer(False, f"{type(error).__name__}: {error}", time.monotonic() - began)
    ok = answer.startswith((b"HTTP/1.0 200", b"HTTP/1.1 200")) and answer.endswith(f"\n{nonce}\n".encode())
    return Answer(ok, repr(answer[:80]), time.monotonic() - began)
