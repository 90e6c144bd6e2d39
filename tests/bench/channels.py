"""A thousand channels on one connection: what an idle one costs, and whether each gets its share. And 10 GB through rekeys."""

import tap
from measures import Benchmark
from tunnels import Reversi, Ssh
from usage import private_dirty_kib

REKEY_LIMIT_S = 3600
# What sshd says of new keys, of the first ones of a session too, and when it does.
NEW_KEYS = "SSH2_MSG_NEWKEYS received"
NEW_KEYS_LOG_LEVEL = "LogLevel DEBUG1"


class Libssh(Ssh):
    """The channels of a program that is little more than libssh."""

    def __init__(self, lab, targets, program):
        super().__init__(lab, "libssh", targets)
        self.program = program

    def command(self):
        return [str(self.program), str(self.server_port), self.lab.user, str(self.key), str(self.ports["echo"])]


class Channels(Benchmark):
    name = "channels"
    most_rounds = 1

    def __init__(self, bench):
        super().__init__(bench)
        count = self.sizes.channels
        self.figures.row("channels.memory", f"memory of one of {count:,} open, idle channels: KiB", digits=2)
        self.figures.row("channels.beyond", "the same beyond libssh's own (libssh)", digits=2, reference="libssh")
        self.figures.row("channels.share", f"{count:,} busy channels, {self.sizes.share_s:g} s: most / least share", digits=2)

    def make_tunnels(self):
        targets = self.bench.targets(("echo",))
        libssh = Libssh(self.lab, targets, self.bench.tool("libssh-channels"))
        ssh = Ssh(self.lab, "ssh", targets, session=True)  # or a thousand channels take half a minute to open
        return [ssh, *self.ssh_and_builds(("echo",))[1:], libssh]

    def round(self):
        own = None
        # libssh's own first: the others are held against it.
        for tunnel in sorted(self.tunnels, key=lambda each: not isinstance(each, Libssh)):
            kib = self.memory_of_one(tunnel)
            self.figures.add("channels.memory", tunnel.name, kib)
            if isinstance(tunnel, Libssh):
                own = kib
                self.figures.add("channels.beyond", tunnel.name, own)
            elif isinstance(tunnel, Reversi):
                self.figures.add("channels.beyond", tunnel.name, kib - own)

        for tunnel in self.in_order:
            if not isinstance(tunnel, Libssh):
                self.share(tunnel)

    def memory_of_one(self, tunnel):
        before = private_dirty_kib(tunnel.found)
        self.bench.small.ask("hold", tunnel.ports["echo"], self.sizes.channels)
        self.settle()
        kib = (private_dirty_kib(tunnel.found) - before) / self.sizes.channels
        if isinstance(tunnel, Libssh):
            tunnel.stop()  # it closes no channel by itself
            tunnel.found = []
        self.bench.small.ask("hold", tunnel.ports["echo"], 0)
        return kib

    def share(self, tunnel):
        self.settle()
        sizes = self.sizes
        words = (tunnel.ports["echo"], sizes.channels, sizes.share_warm_up_s, sizes.share_s)
        found = self.bench.small.ask("exchange", *words)
        self.bench.small.ask("hold", tunnel.ports["echo"], 0)
        if found["least"]:
            self.figures.add("channels.share", tunnel.name, found["most"] / found["least"])
        else:
            self.figures.note(f"{tunnel.name}: {found['starved']} of {sizes.channels} channels got nothing in {sizes.share_s:g} s.")


class Rekey(Benchmark):
    """Bytes both ways at once past many changes of keys; chacha20-poly1305 changes them every GB."""

    name = "rekey"
    most_rounds = 1

    def __init__(self, bench):
        super().__init__(bench)
        gigabytes = self.sizes.rekey_bytes / 1e9
        self.figures.row("rekey.rate", f"{gigabytes:g} GB both ways at once, compared: MB/s each way")
        self.figures.row("rekey.count", "new keys meanwhile")

    def make_tunnels(self):
        return self.ssh_and_builds(("echo",))

    def round(self):
        for tunnel in self.in_order:
            before = self.new_keys()
            found = self.bench.bulk.ask("intact", tunnel.ports["echo"], self.sizes.rekey_bytes, limit_s=REKEY_LIMIT_S)
            tap.check(found["bytes"] == self.sizes.rekey_bytes, f"{tunnel.name}: {found}")
            self.figures.add("rekey.rate", tunnel.name, found["bytes_per_second"] / 1e6)
            self.figures.add("rekey.count", tunnel.name, self.new_keys() - before)

    def new_keys(self):
        return self.lab.sshd.log.read_text(encoding="utf-8", errors="replace").count(NEW_KEYS)
