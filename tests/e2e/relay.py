"""A TCP relay that behaves like a thin link: so many bytes a second, shared by all connections, and short queues.

`up` is from the client that connected to the server, `down` the other way. stall() stops one or both ways without a
word, as a dead path looks from above TCP; cut() resets every connection.
"""

import asyncio
import socket
import struct
import threading
import time

CHUNK = 1448  # what one segment carries
BURST_S = 0.05


class Direction:
    """A token bucket. One chunk and the two sockets' buffers are all that is queued."""

    def __init__(self, bytes_per_second):
        self.bytes_per_second = bytes_per_second
        self.passed = 0
        self.is_stalled = False
        self._free_at = 0.0

    async def take(self, size):
        """Waits until so many bytes may pass; an end of stream (0 bytes) waits for the end of a stall."""
        while self.is_stalled:
            await asyncio.sleep(0.02)
        if self.bytes_per_second:
            now = time.monotonic()
            self._free_at = max(self._free_at, now - BURST_S) + size / self.bytes_per_second
            if self._free_at > now:
                await asyncio.sleep(self._free_at - now)
        self.passed += size


class Relay:
    def __init__(self, port, server_port, bytes_per_second=None, buffer_bytes=16384):
        self.port = port
        self.server_port = server_port
        self.buffer_bytes = buffer_bytes
        self.up = Direction(bytes_per_second)
        self.down = Direction(bytes_per_second)
        self.accepted = 0
        self._sockets = set()
        self._loop = asyncio.new_event_loop()
        self._listener = self._buffered(socket.socket())
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", port))
        self._listener.listen(64)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stall(self, up=True, down=True):
        self.up.is_stalled, self.down.is_stalled = up, down

    def resume(self):
        self.stall(False, False)

    def cut(self):
        """Resets every connection; new ones are taken."""
        asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result(10)

    def close(self):
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._listener.close()

    def _buffered(self, tcp):
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.buffer_bytes)
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.buffer_bytes)
        tcp.setblocking(False)
        return tcp

    def _run(self):
        asyncio.set_event_loop(self._loop)
        accepting = self._loop.create_task(self._accept())
        self._loop.run_forever()
        tasks = [accepting, *asyncio.all_tasks(self._loop)]
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _accept(self):
        while True:
            client, _ = await self._loop.sock_accept(self._listener)
            self.accepted += 1
            self._loop.create_task(self._join(self._buffered(client)))

    async def _join(self, client):
        server = self._buffered(socket.socket())
        self._sockets |= {client, server}
        try:
            await self._loop.sock_connect(server, ("127.0.0.1", self.server_port))
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await asyncio.gather(self._pump(client, server, self.up), self._pump(server, client, self.down))
        except OSError:
            pass
        finally:
            self._sockets -= {client, server}
            client.close()
            server.close()

    async def _pump(self, source, drain, direction):
        while True:
            block = await self._loop.sock_recv(source, CHUNK)
            await direction.take(len(block))
            if not block:
                drain.shutdown(socket.SHUT_WR)
                return
            await self._loop.sock_sendall(drain, block)

    async def _cut(self):
        for end in list(self._sockets):
            # Lingering for no time makes close() send RST; shutdown() wakes the pumps, which close.
            try:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
