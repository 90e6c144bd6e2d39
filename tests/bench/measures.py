"""The benchmarks. Each starts its tunnels anew in every round, and measures them one after the other, in an order that turns
round with every round. All are idle but the one that is measured."""

import contextlib
import time
from dataclasses import dataclass

import tap
from goals import CELLS, cpu_key, rate_key
from tunnels import Autossh, Reversi, Ssh
from usage import cpu_seconds, private_dirty_kib, settle, wake_ups

ROUND_TRIP_MS = 100


@dataclass(frozen=True)
class Sizes:
    """How much of everything: `FULL` measures, `SMOKE` shows that all works."""

    warm_up_s: float = 0.3
    bulk_s: float = 0.6
    latency_s: float = 0.5
    beside_s: float = 1.0
    connections_s: float = 0.5
    far_warm_up_s: float = 2.0  # a window that grows by need has grown
    far_s: float = 1.5
    idle_s: float = 60
    settle_s: float = 2.0
    channels: int = 1000
    share_warm_up_s: float = 2.0
    share_s: float = 10.0
    rekey_bytes: int = 10_000_000_000


FULL = Sizes()
SMOKE = Sizes(0.02, 0.05, 0.02, 0.1, 0.02, 0.2, 0.1, 1, 0.1, 20, 0.1, 0.3, 3_000_000)


class Benchmark:
    name = ""
    most_rounds = None  # None: as many as asked for

    def __init__(self, bench):
        self.bench = bench
        self.lab = bench.lab
        self.figures = bench.figures
        self.sizes = bench.sizes
        self.tunnels = self.make_tunnels()

    def make_tunnels(self):
        return self.ssh_and_builds(("sink", "source", "echo", "greeter"))

    def ssh_and_builds(self, roles, **options):
        targets = self.bench.targets(roles)
        builds = [Reversi(self.lab, build, targets, **options) for build in self.bench.builds]
        return [Ssh(self.lab, "ssh", targets, **options), *builds]

    def run(self, rounds):
        for number in range(min(rounds, self.most_rounds or rounds)):
            self.in_order = self.tunnels if number % 2 == 0 else self.tunnels[::-1]
            with self.started():
                self.round()

    @contextlib.contextmanager
    def started(self):
        try:
            for tunnel in self.in_order:
                tunnel.start()
            for tunnel in self.in_order:
                if isinstance(tunnel, Reversi):
                    tunnel.wait_up()
                tunnel.found = tunnel.processes()
            self.settle()
            yield
            for tunnel in self.in_order:
                tap.check(all(each.is_alive for each in tunnel.found), f"{tunnel.name}: a process ended: {tunnel.found}")
        finally:
            for tunnel in self.in_order:
                tunnel.stop()

    def settle(self):
        settle([process for tunnel in self.in_order for process in tunnel.found])

    def round(self):
        raise NotImplementedError


class Throughput(Benchmark):
    name = "throughput"

    def __init__(self, bench):
        super().__init__(bench)
        for cell in CELLS:
            words = f"{cell[0]}, {cell[1]} stream{'s' if cell[1] > 1 else ''}"
            self.figures.row(rate_key(*cell), f"{words}: MB/s")
        for cell in CELLS:
            words = f"{cell[0]}, {cell[1]} stream{'s' if cell[1] > 1 else ''}"
            self.figures.row(cpu_key(*cell), f"{words}: client's CPU s/GB", digits=3)

    def round(self):
        for direction, streams in CELLS:
            for tunnel in self.in_order:
                self.settle()
                before = cpu_seconds(tunnel.found)
                moved = self.bulk(tunnel, direction, streams)
                self.settle()  # the end of the streams counts, too
                used = cpu_seconds(tunnel.found) - before
                self.figures.add(rate_key(direction, streams), tunnel.name, moved["bytes_per_second"] / 1e6)
                self.figures.add(cpu_key(direction, streams), tunnel.name, used / (moved["bytes"] / 1e9))

    def bulk(self, tunnel, direction, streams):
        port = tunnel.ports["sink" if direction == "push" else "source"]
        return self.bench.bulk.ask(direction, port, streams, self.sizes.warm_up_s, self.sizes.bulk_s)


class Latency(Benchmark):
    name = "latency"

    def __init__(self, bench):
        super().__init__(bench)
        for percentile in ("p50", "p99"):
            self.figures.row(f"latency.{percentile}", f"64-byte round trip, {percentile}: µs")

    def round(self):
        for tunnel in self.in_order:
            self.settle()
            found = self.bench.small.ask("latency", tunnel.ports["echo"], self.sizes.latency_s)
            for percentile in ("p50", "p99"):
                self.figures.add(f"latency.{percentile}", tunnel.name, found[percentile])


class Beside(Benchmark):
    """Head-of-line: what a small exchange waits for while another stream moves bulk data."""

    name = "beside-bulk"

    def __init__(self, bench):
        super().__init__(bench)
        for direction in ("push", "pull"):
            self.figures.row(f"beside.{direction}.p50", f"64-byte round trip beside a bulk {direction}, p50: µs")

    def round(self):
        for direction, role in (("push", "sink"), ("pull", "source")):
            for tunnel in self.in_order:
                self.settle()
                sizes = self.sizes
                # Goes on while the last round trips are waited for.
                self.bench.bulk.start(direction, tunnel.ports[role], 1, sizes.warm_up_s, 1.5 * sizes.beside_s)
                time.sleep(sizes.warm_up_s)
                found = self.bench.small.ask("latency", tunnel.ports["echo"], sizes.beside_s)
                self.bench.bulk.finish()
                self.figures.add(f"beside.{direction}.p50", tunnel.name, found["p50"])


class Connections(Benchmark):
    name = "connections"

    def __init__(self, bench):
        super().__init__(bench)
        self.figures.row("connections.session", "short connections a second (ssh with a session channel)", reference="ssh session")
        self.figures.row("connections.plain", "short connections a second (ssh -N -R)")

    def make_tunnels(self):
        roles = ("greeter",)
        return [*self.ssh_and_builds(roles), Ssh(self.lab, "ssh session", self.bench.targets(roles), session=True)]

    def round(self):
        for tunnel in self.in_order:
            self.settle()
            found = self.bench.small.ask("connections", tunnel.ports["greeter"], self.sizes.connections_s)
            for key in ("connections.session", "connections.plain"):
                self.figures.add(key, tunnel.name, found["per_second"])


class RoundTrip(Benchmark):
    """Through a line with a fixed delay: what SSH keeps in flight bounds the rate."""

    name = "rtt"

    def __init__(self, bench):
        super().__init__(bench)
        for direction in ("push", "pull"):
            self.figures.row(f"rtt.{direction}", f"{direction}, 1 stream, {ROUND_TRIP_MS} ms RTT: MB/s", digits=1)

    def make_tunnels(self):
        return self.ssh_and_builds(("sink", "source"), server_port=self.bench.delayed_port(ROUND_TRIP_MS))

    def round(self):
        for direction, role in (("push", "sink"), ("pull", "source")):
            for tunnel in self.in_order:
                self.settle()
                sizes = self.sizes
                found = self.bench.bulk.ask(direction, tunnel.ports[role], 1, sizes.far_warm_up_s, sizes.far_s)
                self.figures.add(f"rtt.{direction}", tunnel.name, found["bytes_per_second"] / 1e6)


class Idle(Benchmark):
    """One forward and nothing to do, as a node is most of the time."""

    def make_tunnels(self):
        tunnels = self.ssh_and_builds(("greeter",))
        if Autossh.missing:
            self.figures.note(f"Skipped, autossh + ssh: {Autossh.missing}.")
            return tunnels
        return [*tunnels, Autossh(self.lab, "autossh", self.bench.targets(("greeter",)))]


class Memory(Idle):
    name = "memory"

    def __init__(self, bench):
        super().__init__(bench)
        self.figures.row("memory.ssh", "Private_Dirty idle, supervisor + worker (ssh): MiB", digits=2)
        if not Autossh.missing:
            label = "Private_Dirty idle, supervisor + worker (autossh + ssh): MiB"
            self.figures.row("memory.autossh", label, digits=2, reference="autossh")
        self.figures.row("memory.agent", "Private_Dirty of one agent: KiB")

    def round(self):
        time.sleep(self.sizes.settle_s)  # the first checks are over
        for tunnel in self.in_order:
            mib = private_dirty_kib(tunnel.found) / 1024
            for key in ("memory.ssh", "memory.autossh"):
                self.figures.add(key, tunnel.name, mib)
            if isinstance(tunnel, Reversi):
                self.figures.add("memory.agent", tunnel.name, private_dirty_kib([tunnel.agent()]))


class WakeUps(Idle):
    name = "wake-ups"
    most_rounds = 1

    def __init__(self, bench):
        super().__init__(bench)
        self.figures.row("wakeups", "wake-ups a minute, idle, supervisor + worker")

    def round(self):
        """All at once: none of them does anything."""
        time.sleep(self.sizes.settle_s)
        began = time.monotonic()
        before = [wake_ups(tunnel.found) for tunnel in self.tunnels]
        time.sleep(self.sizes.idle_s)
        minutes = (time.monotonic() - began) / 60
        for tunnel, count in zip(self.tunnels, before):
            self.figures.add("wakeups", tunnel.name, (wake_ups(tunnel.found) - count) / minutes)


class Start(Benchmark):
    name = "start"

    def __init__(self, bench):
        super().__init__(bench)
        self.figures.row("start", "start to the first byte through the tunnel: s", digits=3)

    def make_tunnels(self):
        return self.ssh_and_builds(("greeter",))

    def run(self, rounds):
        for number in range(rounds):
            for tunnel in self.tunnels if number % 2 == 0 else self.tunnels[::-1]:
                try:
                    self.figures.add("start", tunnel.name, tunnel.start())
                finally:
                    tunnel.stop()
