"""The head of the document: the machine, the versions and the conditions that the figures hold for."""

import datetime
import os
import platform
import re
import subprocess
from pathlib import Path


def conditions(lab, builds, options):
    now = datetime.datetime.now(datetime.timezone.utc)
    load = os.getloadavg()[0]
    lines = [
        "# reversi against ssh -N -R",
        "",
        f"{now:%Y-%m-%d %H:%M} UTC; {processor()}, {len(os.sched_getaffinity(0))} processors, {memory_gib():.0f} GiB; "
        f"{platform.system()} {platform.release()}; load average before: {load:.2f}.  ",
        f"sshd: {lab.sshd.version()}; ssh: {output('ssh', '-V')}.  ",
        *(f"{build.name}: {output(build.client, 'version')}, {libssh_of(build.worker)}.  " for build in builds),
        f"{options.cipher}; {options.rounds} rounds, contenders interleaved; values are medians of the rounds, ratios medians of "
        "each round's ratio. push: server to node; pull: node to server. CPU: all processes of the node.",
    ]
    if options.smoke:
        lines += ["", "A smoke run: it shows that all works, and its figures mean nothing."]
    return "\n".join(lines) + "\n"


def processor():
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else platform.machine()


def memory_gib():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def output(*command):
    """The first line of what a program says of itself."""
    done = subprocess.run(
        list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        encoding="utf-8", errors="replace", timeout=30, check=False,
    )
    return done.stdout.strip().partition("\n")[0]


def libssh_of(worker):
    done = subprocess.run(["ldd", str(worker)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8", timeout=30)
    found = re.search(r"libssh\.so\S* => (\S+)", done.stdout)
    return f"libssh {os.path.basename(os.path.realpath(found[1]))}" if found else "libssh linked statically"
