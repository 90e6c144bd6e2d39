"""What the project promises of itself against `ssh -N -R` on the same machine with the same cipher."""

from figures import at_least, at_most, ratio_at_least, ratio_at_most

DEFAULT_CIPHER = "chacha20-poly1305@openssh.com"
AES_GCM = "aes128-gcm@openssh.com"
STREAMS = (1, 8, 64)
CELLS = [(direction, streams) for direction in ("push", "pull") for streams in STREAMS]

# A build of this name is linked to a libssh of our own making, and held to more.
TUNED = "tuned"

GOALS = {
    "rtt.push": ratio_at_least(2.0),
    "rtt.pull": ratio_at_least(1.0),
    "latency.p50": ratio_at_most(1.0),
    "latency.p99": ratio_at_most(1.0),
    "beside.push.p50": ratio_at_most(1.0),
    "beside.pull.p50": ratio_at_most(1.0),
    "connections.session": ratio_at_least(1.0),
    "connections.plain": at_least(4000),
    "memory.ssh": at_most(1.75, "MiB"),
    "memory.autossh": ratio_at_most(1.0),
    "memory.agent": at_most(500, "KiB"),
    "wakeups": at_most(40),
    "start": at_most(0.3, "s"),
    "channels.beyond": at_most(8, "KiB"),
    "channels.share": at_most(2),
}

# (tuned, cipher): the rate of a cell by its direction, its processor time, and the medians of both.
THROUGHPUT = {
    (False, DEFAULT_CIPHER): ({"push": 1.0, "pull": 1.0}, 1.0, 1.2, 0.8),
    (False, AES_GCM): ({"push": 0.85, "pull": 1.0}, None, None, None),
    (True, DEFAULT_CIPHER): ({"push": 1.0, "pull": 1.0}, 0.95, 1.15, 0.8),
    (True, AES_GCM): ({"push": 1.0, "pull": 1.0}, 0.95, 1.15, 0.8),
}


def rate_key(direction, streams):
    return f"rate.{direction}.{streams}"


def cpu_key(direction, streams):
    return f"cpu.{direction}.{streams}"


MEDIANS = [
    ("rate", "MB/s, median cell", [rate_key(*cell) for cell in CELLS]),
    ("cpu", "client's CPU s/GB, median cell", [cpu_key(*cell) for cell in CELLS]),
]


def goal_of(key, build, cipher):
    kind, *cell = key.split(".")
    if kind not in ("rate", "cpu"):
        return GOALS.get(key)
    rate, cpu, rate_median, cpu_median = THROUGHPUT.get((build.name == TUNED, cipher), ({}, None, None, None))
    if kind == "rate":
        limit = rate.get(cell[0]) if cell else rate_median
        return ratio_at_least(limit) if limit else None
    limit = cpu if cell else cpu_median
    return ratio_at_most(limit) if limit else None
