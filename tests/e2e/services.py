"""Services on the node's side, independent of the programs under test, that can misbehave at will.

Modes: ok, hang (takes the connection, says nothing), wrong (another answer), slow (answers after `delay_s`), down
(nothing listens), full (its queue of connections is full: the kernel drops the packets of further ones).
"""

import socket
import struct
import threading

import probes

MODES = ("ok", "hang", "wrong", "slow", "down", "full")


class Service:
    """Takes connections and serves each in a thread of its own. `handle` is what a subclass says."""

    expect = {"kind": "connect"}
    can_answer = False  # whether probe() can tell a right answer

    def __init__(self, name, port, address="127.0.0.1"):
        self.name = name
        self.port = port
        self.address = address
        self.delay_s = 1.0
        self._mode = "ok"
        self._lock = threading.Lock()
        self._gone = threading.Condition(self._lock)
        self._connections = set()
        self._listener = None
        self._fillers = []
        self._listen()

    @property
    def target(self):
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"

    @property
    def mode(self):
        return self._mode

    @mode.setter
    def mode(self, mode):
        """Ends the connections of the old mode, so that none of its answers comes late."""
        assert mode in MODES
        was, self._mode = self._mode, mode
        if was in ("down", "full") or mode in ("down", "full"):
            self._unlisten()
            if mode == "full":
                self._listen_and_fill()
            elif mode != "down":
                self._listen()
        self._drop_connections()

    def close(self):
        self._mode = "down"
        self._unlisten()
        self._drop_connections()

    def _open(self):
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self.address, self.port))
        return listener

    def _listen(self):
        self._listener = self._open()
        self._listener.listen(256)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _listen_and_fill(self):
        """Nobody accepts, and the queue holds one: Linux drops the SYN of every later connection."""
        self._listener = self._open()
        self._listener.listen(0)
        for _ in range(3):
            filler = socket.socket(self._listener.family, socket.SOCK_STREAM)
            filler.setblocking(False)
            filler.connect_ex((self.address, self.port))
            self._fillers.append(filler)

    def _unlisten(self):
        for filler in self._fillers:
            filler.close()
        self._fillers = []
        listener, self._listener = self._listener, None
        if listener:
            try:
                listener.shutdown(socket.SHUT_RDWR)  # wakes accept(); close() alone does not
            except OSError:
                pass
            listener.close()

    def _drop_connections(self):
        with self._lock:
            for connection in self._connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                self._connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            if self._mode == "hang":
                self.wait_for_end(connection)
            else:
                if self._mode == "slow":
                    threading.Event().wait(self.delay_s)
                self.handle(connection)
        except OSError:
            pass
        finally:
            connection.close()
            with self._gone:
                self._connections.discard(connection)
                self._gone.notify_all()

    def handle(self, connection):
        raise NotImplementedError

    @staticmethod
    def wait_for_end(connection):
        while connection.recv(4096):
            pass


class NonceService(Service):
    """Answers every line LINE with "NAME LINE"."""

    can_answer = True

    def __init__(self, name, port, address="127.0.0.1"):
        super().__init__(name, port, address)
        self.expect = {"kind": "banner", "match": f"{name} hello", "send": "hello\n"}

    def probe(self, port, limit_s=2.0):
        return probes.probe(port, self.name, limit_s)

    def handle(self, connection):
        with connection.makefile("rb") as lines:
            for line in lines:
                if self._mode == "wrong":
                    line = b"something else\n"
                connection.sendall(self.name.encode() + b" " + line)


class BannerService(Service):
    """Speaks first, like an SSH or SMTP server."""

    def __init__(self, name, port, banner=b"SSH-2.0-lab\r\n"):
        super().__init__(name, port)
        self.banner = banner
        self.expect = {"kind": "banner", "match": "SSH-2.0-"}

    def handle(self, connection):
        connection.sendall(b"220 no such banner\r\n" if self._mode == "wrong" else self.banner)
        self.wait_for_end(connection)


class HttpService(Service):
    """GET /nonce/NONCE answers 200 with NONCE; everything else 200 with a page; mode wrong 503."""

    can_answer = True

    def __init__(self, name, port):
        super().__init__(name, port)
        self.expect = {"kind": "http", "path": "/", "status": 200}

    def probe(self, port, limit_s=2.0):
        return probes.probe_http(port, limit_s)

    def handle(self, connection):
        with connection.makefile("rb") as lines:
            words = lines.readline(4096).split()
            while lines.readline(4096).strip():
                pass
        path = words[1].decode(errors="replace") if len(words) > 1 else "/"
        nonce = path[len("/nonce/") :] if path.startswith("/nonce/") else f"hello from {self.name}"
        body = f"{nonce}\n".encode()
        status = "503 Service Unavailable" if self._mode == "wrong" else "200 OK"
        head = f"HTTP/1.0 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)


class UnixNonceService(NonceService):
    """The nonce service on a unix-domain socket."""

    def __init__(self, name, path):
        self.path = path
        super().__init__(name, 0)

    @property
    def target(self):
        return f"unix:{self.path}"

    def _open(self):
        try:
            self.path.unlink()
        except FileNotFoundError:
            pass
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self.path))
        return listener


class SourceService(Service):
    """Sends zero bytes for as long as somebody reads."""

    def __init__(self, name, port):
        super().__init__(name, port)
        self.sent = 0  # to the one connection that took most: the server's checks connect too

    def handle(self, connection):
        block, sent = bytes(65536), 0
        while True:
            sent += connection.send(block)
            self.sent = max(self.sent, sent)


class DownloadService(SourceService):
    """The same, once it was asked with a byte: the server's own checks do not ask, so they load no link."""

    def handle(self, connection):
        if connection.recv(1):
            super().handle(connection)


class EchoService(Service):
    """Sends back what it gets, and reads no more while nobody takes that."""

    def handle(self, connection):
        while True:
            part = connection.recv(65536)
            if not part:
                return
            connection.sendall(part)


class StallingService(Service):
    """Reads while `reads` is set; `talks`: sends for as long as somebody takes it. reset() ends every connection by RST."""

    def __init__(self, name, port, talks=False):
        super().__init__(name, port)
        self.reads = threading.Event()
        self.talks = talks
        self.received = 0
        self._resets = False

    def handle(self, connection):
        if self.talks:
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()
        while True:
            self.reads.wait()
            part = b"" if self._resets else connection.recv(65536)
            if not part:
                return
            self.received += len(part)

    @staticmethod
    def _talk(connection):
        try:
            while True:
                connection.sendall(bytes(65536))
        except OSError:
            pass

    def reset(self, limit_s=10):
        self._resets = True
        with self._lock:
            for connection in self._connections:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._drop_connections()  # wakes whoever talks
        self.reads.set()
        with self._lock:
            all_gone = self._gone.wait_for(lambda: not self._connections, limit_s)
        self.reads.clear()
        self._resets = False
        if not all_gone:
            raise TimeoutError(f"{self.name}: connections are not gone within {limit_s} s")


class SinkService(Service):
    """Reads for as long as somebody sends; mode hang reads nothing at all."""

    def __init__(self, name, port):
        super().__init__(name, port)
        self.received = 0

    def wait_for_end(self, connection):
        while self._mode == "hang":
            threading.Event().wait(0.2)

    def handle(self, connection):
        while True:
            part = connection.recv(65536)
            if not part:
                return
            self.received += len(part)
