"""A machine of the lab: a network and a mount namespace of its own, and a cable to the server.

The server is where the test itself runs: its loopback has the exposed ports. Every machine reaches it at one address
that lies behind the machine's default route, as on the Internet. What drops packets is always the receiving end, so
that the sender's kernel learns nothing of it.
"""

import contextlib
import ctypes
import os
import subprocess
import sys
import uuid

import processes
import tap

SERVER_ADDRESS = "10.98.0.1"
BOOT_ID = "/proc/sys/kernel/random/boot_id"
CLONE_NEWNET = 0x40000000
COMMAND_LIMIT_S = 20


def command(*words, text=None, code=0):
    """Runs a program of the system and returns its standard output. `code` None: any."""
    done = subprocess.run(
        [str(word) for word in words],
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        timeout=COMMAND_LIMIT_S,
        check=False,
    )
    if code is not None and done.returncode != code:
        raise tap.Failed(f"{' '.join(map(str, words))}: exit {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def prepare_server():
    """The network of the calling process, which has nothing but a loopback that is down."""
    command("ip", "link", "set", "lo", "up")
    command("ip", "address", "add", f"{SERVER_ADDRESS}/32", "dev", "lo")


def new_boot_id(scratch, enter=()):
    """What reads the boot id from now on finds another one, as after a reboot."""
    file = scratch / f"boot-id-{uuid.uuid4()}"
    file.write_text(f"{uuid.uuid4()}\n", encoding="ascii")
    command(*enter, "mount", "--bind", file, BOOT_ID)


class Machine:
    def __init__(self, scratch, number):
        self.scratch = scratch
        self.number = number
        self.server_end, self.own_end = f"server{number}", f"machine{number}"
        self.gateway, self.address = f"10.99.{number}.1", f"10.99.{number}.2"
        self._holder = subprocess.Popen(
            ["unshare", "--net", "--mount", "--propagation", "private", "sleep", "infinity"],
            stdin=subprocess.DEVNULL,
            preexec_fn=processes.die_with_parent,
        )
        self.pid = self._holder.pid
        tap.wait_until(self._is_there, 10, "a machine's namespaces")
        self.enter = ("nsenter", "--target", str(self.pid), "--net", "--mount", "--")
        self._connect()
        # Addresses of network cards are facts that tell one machine from another; /sys shows those of its namespace.
        self.run("mount", "-t", "sysfs", "sysfs", "/sys")
        self.reboot()

    def _is_there(self):
        with open(f"/proc/{self.pid}/comm", encoding="utf-8") as stream:
            return stream.read() == "sleep\n"

    def _connect(self):
        command("ip", "link", "add", self.server_end, "type", "veth", "peer", "name", self.own_end, "netns", self.pid)
        # No IPv6 address that comes up seconds later, at which the client would look closer at its session.
        command("ip", "link", "set", self.server_end, "addrgenmode", "none")
        self.run("ip", "link", "set", self.own_end, "addrgenmode", "none")
        command("ip", "address", "add", f"{self.gateway}/24", "dev", self.server_end)
        command("ip", "link", "set", self.server_end, "up")
        self.run("ip", "link", "set", "lo", "up")
        self.run("ip", "address", "add", f"{self.address}/24", "dev", self.own_end)
        self.run("ip", "link", "set", self.own_end, "up")
        self.add_route()

    def close(self):
        self._holder.kill()
        self._holder.wait(10)

    def run(self, *words, **options):
        return command(*self.enter, *words, **options)

    def reboot(self):
        """Another boot id; whatever ran before has to be ended by the caller."""
        new_boot_id(self.scratch, self.enter)

    def add_route(self):
        self.run("ip", "route", "add", "default", "via", self.gateway)

    def remove_route(self):
        self.run("ip", "route", "del", "default")

    def change_address(self):
        """As a lease that ran out: the old address is gone, another one is there, and so is the route again."""
        was, self.address = self.address, f"10.99.{self.number}.77"
        self.run("ip", "address", "del", f"{was}/24", "dev", self.own_end)
        self.run("ip", "address", "add", f"{self.address}/24", "dev", self.own_end)
        self.add_route()

    @contextlib.contextmanager
    def network(self):
        """Sockets that this thread opens meanwhile are the machine's."""
        with open("/proc/thread-self/ns/net", "rb") as home, open(f"/proc/{self.pid}/ns/net", "rb") as there:
            _set_network(there)
            try:
                yield
            finally:
                _set_network(home)

    def connections_to(self, port):
        """The local ports of its TCP connections to this port that got beyond the SYN."""
        found = []
        with open(f"/proc/{self.pid}/net/tcp", encoding="ascii") as stream:
            for line in list(stream)[1:]:
                _, local, remote, state = line.split()[:4]
                if int(remote.rpartition(":")[2], 16) == port and state != "02":
                    found.append(int(local.rpartition(":")[2], 16))
        return sorted(set(found) - {0})


def _set_network(file):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(file.fileno(), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def in_machine(machine, kind, *arguments, **options):
    """A service of services.py (`kind`) that listens on this machine."""

    class Inside(kind):
        def _open(self):
            with machine.network():
                return super()._open()

    return Inside(*arguments, **options)


if __name__ == "__main__":
    sys.exit("machine.py is a module; run matrix.py")
