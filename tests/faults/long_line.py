"""A line with a delay, a speed and a queue between a machine and the server, packet by packet.

What tc's netem does where the kernel has it; a pair of tun devices does it everywhere. The kernels at both ends see a
real round trip, and the queue of a cheap router: full, it drops.
"""

import collections
import fcntl
import os
import select
import struct
import threading
import time

import tap
from machine import SERVER_ADDRESS, command

DEVICE = "line0"
SERVER_END, MACHINE_END = "10.97.0.1", "10.97.0.2"
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 1, 0x1000
MOST_PACKET_BYTES = 2048
QUEUE_BYTES = 64 * 1024
# What the line makes up for after this process was kept from running: without it a busy machine makes it slower than it is.
BURST_S = 0.2


def open_tun():
    """A tun device in the network namespace of this thread; it is gone when the descriptor is closed."""
    try:
        device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise tap.Skip(f"needs root with /dev/net/tun: {error}") from None
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), IFF_TUN | IFF_NO_PI))
    return device


class Direction:
    """Packets from one device to the other."""

    def __init__(self, source, drain, delay_s, bytes_per_second):
        self.passed = 0  # bytes
        self._source, self._drain = source, drain
        self._delay_s, self._bytes_per_second = delay_s, bytes_per_second
        self._free_at = 0.0  # when the line has sent what waits for it
        self._flying = collections.deque()  # (when it arrives, packet)

    def turn(self, limit_s):
        """Takes and delivers what is there to be taken and delivered; waits for it at most so long."""
        if self._flying:
            limit_s = min(limit_s, max(0.0, self._flying[0][0] - time.monotonic()))
        if select.select([self._source], [], [], limit_s)[0]:
            self._take(os.read(self._source, MOST_PACKET_BYTES))
        while self._flying and self._flying[0][0] <= time.monotonic():
            packet = self._flying.popleft()[1]
            self.passed += len(packet)
            os.write(self._drain, packet)

    def _take(self, packet):
        now = time.monotonic()
        if self._bytes_per_second:
            waiting = max(0.0, self._free_at - now) * self._bytes_per_second
            if waiting + len(packet) > QUEUE_BYTES:
                return
            self._free_at = max(self._free_at, now - BURST_S) + len(packet) / self._bytes_per_second
        arrives_at = max(self._free_at, now) + self._delay_s
        self._flying.append((arrives_at, packet))


class LongLine:
    """The machine's way to the server from now on. `up` is from the machine to the server."""

    def __init__(self, machine, rtt_s=0.0, bytes_per_second=None):
        server_device = open_tun()
        with machine.network():
            machine_device = open_tun()
        self._devices = server_device, machine_device
        command("ip", "address", "add", SERVER_END, "peer", MACHINE_END, "dev", DEVICE)
        command("ip", "link", "set", DEVICE, "up")
        machine.run("ip", "address", "add", MACHINE_END, "peer", SERVER_END, "dev", DEVICE)
        machine.run("ip", "link", "set", DEVICE, "up")
        machine.run("ip", "route", "add", SERVER_ADDRESS, "dev", DEVICE, "src", MACHINE_END)
        self.up = Direction(machine_device, server_device, rtt_s / 2, bytes_per_second)
        self.down = Direction(server_device, machine_device, rtt_s / 2, bytes_per_second)
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(each,), daemon=True) for each in (self.up, self.down)]
        for thread in self._threads:
            thread.start()

    def close(self):
        self._ended.set()
        for thread in self._threads:
            thread.join(10)
        for device in self._devices:
            os.close(device)

    def _run(self, direction):
        while not self._ended.is_set():
            try:
                direction.turn(0.2)
            except OSError:  # the device is down, or its queue full: the packet is lost
                pass
