#!/usr/bin/env python3
"""The Debian packages of dist/ on a clean machine: installed, used, removed, purged and installed again.

The machine is the root of scripts/debian-root, which has what the packages name as dependencies and nothing beside, seen
through an overlay: what was changed is what lies in the overlay's upper layer. It is its own server and its own node.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

import processes  # noqa: E402
import tap  # noqa: E402
from machine import prepare_server  # noqa: E402
from matrix import NAMESPACES, why_not  # noqa: E402
from roots import SERVER_NAME, BareRoot  # noqa: E402

LIMIT_S = 240
UP_LIMIT_S = 30
INSIDE = "REVERSI_PACKAGES_SCRATCH"  # set in the namespaces
PROGRAMS = ("usr/bin/reversi-client", "usr/libexec/reversi/reversi-worker", "usr/bin/reversi-server")
PAGES = ("man1/reversi-client.1", "man1/reversi-server.1", "man5/reversi-client.json.5", "man5/reversi-server.json.5",
         "man7/reversi-protocol.7")  # fmt: skip
COMPLETIONS = ("bash-completion/completions/reversi-{}", "zsh/vendor-completions/_reversi-{}")
UNIT = "lib/systemd/system/reversi-client.service"
DROP_IN = "etc/ssh/sshd_config.d/50-reversi.conf"
STATE = "var/lib/reversi/nodes/cam-01/node.json"
CLIENT_FILES = ("etc/reversi/client.json", "etc/reversi/id_ed25519", "etc/reversi/known_hosts")
# What dpkg, useradd and the C library keep of any change: their own logs, caches and copies.
KEPT = ("var/lib/dpkg", "var/log", "var/lib/systemd", "etc/passwd", "etc/shadow", "etc/group", "etc/gshadow",
        "etc/subuid", "etc/subgid", "etc/.pwd.lock", "etc/ld.so.cache", "var/cache")  # fmt: skip

# Of systemd as much as the packages' scripts ask: the unit is not enabled, and runs if a file says so.
SYSTEMCTL = """#!/bin/sh
echo "$*" >>/tmp/systemctl.log
case $* in
  *is-enabled*) echo disabled; exit 1 ;;
  *is-active*) [ -e /run/unit-runs ] ;;
esac
"""


def packages():
    directory = Path(os.environ.get("REVERSI_DIST", ROOT / "dist"))
    found = [sorted(directory.glob(f"reversi-{side}_*.deb"), key=os.path.getmtime) for side in ("client", "server")]
    return [newest[-1] for newest in found] if all(found) else []


def is_alive(pid):
    """Nobody in these namespaces collects what has ended."""
    try:
        return Path(f"/proc/{pid.strip()}/stat").read_text("ascii").rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


class Computer:
    """A clean root with the packages beside it. It ends with the test: its mounts are private."""

    count = 0

    def __init__(self):
        Computer.count += 1
        self.scratch = Path(os.environ[INSIDE]) / str(Computer.count)
        self.scratch.mkdir(mode=0o755)
        self.last_report = ""
        self.root = BareRoot(self.scratch, "debian", None)
        self.upper = self.scratch / "layers-debian" / "upper"
        self.debs = packages()
        for deb in self.debs:
            (self.root / "tmp" / deb.name).write_bytes(deb.read_bytes())
        self.before = self.changed()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        logs = [*self.scratch.glob("*.log"), *(self.root / "root").glob("*.log")]
        self.last_report = "\n".join(f"---- {log.name}\n{log.read_text(errors='replace')[-4000:]}" for log in logs)
        self.end_processes()
        self.root.close()

    def end_processes(self):
        """What went into the background would hold the next machine's ports."""
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if Path(os.readlink(process / "root")).is_relative_to(self.root.directory):
                    os.kill(int(process.name), signal.SIGKILL)

    def changed(self):
        """Every path that is not as in the layer below."""
        found = set()
        for directory, _, files in os.walk(self.upper):
            below = os.path.relpath(directory, self.upper)
            found |= {os.path.normpath(os.path.join(below, file)) for file in files}
            found.add(os.path.normpath(below))
        return {path for path in found if not path.startswith(KEPT)}

    def dpkg(self, action, *what):
        return self.says(f"dpkg --force-unsafe-io {action} {' '.join(what)}")

    def install(self):
        return self.dpkg("--install", *[f"/tmp/{deb.name}" for deb in self.debs])

    def purge(self):
        return self.dpkg("--purge", "reversi-client", "reversi-server")

    def unit_is_told(self, change):
        """What systemctl is called for while packages change, as far as it makes the client run or not."""
        self.root.write("tmp/systemctl.log", "")
        change()
        calls = self.says("cat /tmp/systemctl.log").splitlines()
        words = [word for call in calls if "reversi-client.service" in call for word in call.split()]
        return [word for word in words if word in ("start", "restart", "try-restart", "stop", "enable", "disable")]

    def has(self, path):
        return os.path.lexists(self.root / path)

    def says(self, line, code=0, text=None):
        got, out, err = self.root.type(line, text)
        tap.check(got == code, f"{line}: exit {got}, expected {code}: {out}{err}")
        return out + err

    def use(self):
        """Set up as the README has it, until the server calls the node up. The client runs as cron would have it run."""
        self.says("reversi-server setup --system")
        self.root.start_sshd(self.scratch / "sshd.log")
        key = self.says("reversi-client keygen --out /etc/reversi/id_ed25519")
        add = f"reversi-server node add cam-01 --key - --forward ssh:banner=SSH-2.0- --address {SERVER_NAME}"
        code, paste, err = self.root.type(add, key)
        tap.check(code == 0, f"{add}: exit {code}: {err}")
        self.says("sh -s", text=paste)
        self.wait_up()

    def wait_up(self):
        def is_up():
            return self.root.type("reversi-server status cam-01 --check")[0] == 0

        def last():
            return "cam-01 is not up: " + self.says("reversi-server status cam-01; reversi-client status || true")

        tap.wait_until(is_up, UP_LIMIT_S, last, every_s=0.3)

    def check_nothing_left(self):
        self.says("getent passwd reversi", code=2)
        self.says("getent group reversi", code=2)
        new = self.changed() - self.before
        left = {path for path in new if "reversi" in path and self.has(path)}
        left |= {path for path in new if self.has(path) and not (self.root / path).is_dir()}
        tap.check(not left, f"left behind: {sorted(left)}")
        self.says("sshd -t")


@tap.case("installed: programs, pages, completion and the unit are there, and nothing was started or set up")
def _(computer):
    computer.install()
    shared = [f"man/{page}.gz" for page in PAGES]
    shared += [name.format(side) for name in COMPLETIONS for side in ("client", "server")]
    for path in (*PROGRAMS, UNIT, *[f"usr/share/{path}" for path in shared]):
        tap.check(computer.has(path), f"no {path}")
    wanted = list((computer.root / "etc/systemd/system").glob("*.wants/reversi*"))
    tap.check(not wanted, f"the unit is enabled: {wanted}")
    for verb in ("reversi-client version", "reversi-server version"):
        tap.check("reversi" in computer.says(verb), verb)
    mode = computer.says("stat -c %a:%U /etc/reversi")
    tap.check(mode == "755:root\n", f"/etc/reversi: {mode}")
    computer.says("getent passwd reversi", code=2)
    tap.check(not computer.has("var/lib/reversi") and not computer.has(DROP_IN), "setup was not asked for")


@tap.case("in use: an upgrade leaves the tunnel up, removing ends it and keeps keys and nodes, and they are found again")
def _(computer):
    computer.install()
    computer.use()
    pid = computer.says("cat /run/reversi/cam-01/lock")
    computer.install()
    tap.check(computer.says("cat /run/reversi/cam-01/lock") == pid, "the upgrade ended the client")
    computer.wait_up()
    computer.dpkg("--remove", "reversi-client", "reversi-server")
    tap.check(not any(computer.has(path) for path in PROGRAMS), "a program is left")
    tap.check(not is_alive(pid), "the client runs without its package")
    for path in (*CLIENT_FILES, STATE, DROP_IN):
        tap.check(computer.has(path), f"{path} went before the purge")
    computer.says("sshd -t")

    computer.install()
    tap.check("cam-01" in computer.says("reversi-server node list"), "the node is forgotten")
    computer.says("reversi-client ensure")
    computer.wait_up()


@tap.case("purged while in use, nothing is left, and installed again it is as on the first day")
def _(computer):
    computer.install()
    computer.use()
    # A session that outlives its package: the account's process has to go before the account can.
    account = computer.says("id -u reversi").strip()
    setpriv = ("setpriv", f"--reuid={account}", "--clear-groups", "sleep", "300")
    process = computer.root.start(*setpriv, log=computer.scratch / "process.log")
    computer.purge()
    tap.check(process.wait(10) != 0, "a process of the account was left")
    computer.check_nothing_left()

    computer.install()
    tap.check(not any(computer.has(path) for path in (*CLIENT_FILES, STATE, DROP_IN)), "what was purged is back")
    computer.says("reversi-server setup --system")
    tap.check("cam-01" not in computer.says("reversi-server node list"), "the node is back")
    computer.purge()
    computer.check_nothing_left()


@tap.case("with systemd: installing starts nothing, an upgrade restarts a client that runs, removing stops it")
def _(computer):
    computer.root.write("usr/bin/systemctl", SYSTEMCTL, 0o755)
    computer.says("mkdir -p /run/systemd/system")
    tap.check(computer.unit_is_told(computer.install) == [], "the first installation")
    tap.check(computer.unit_is_told(computer.install) == [], "an upgrade of what does not run")
    computer.says("touch /run/unit-runs")
    tap.check((told := computer.unit_is_told(computer.install)) == ["restart"], f"the upgrade: {told}")
    told = computer.unit_is_told(lambda: computer.dpkg("--remove", "reversi-client"))
    tap.check(told == ["stop"], f"the removal: {told}")


@tap.case("an account that is somebody's own, with its nodes, survives a purge")
def _(computer):
    computer.install()
    computer.says("useradd --create-home --home-dir /home/reversi --shell /bin/sh --password '*' reversi")
    as_them = "setpriv --reuid reversi --regid reversi --clear-groups env HOME=/home/reversi reversi-server"
    computer.says(f"reversi-client keygen --out /tmp/key | {as_them} node add cam-01 --key - --forward ssh")
    computer.says("reversi-server setup --system")
    tap.check((computer.root / "var/lib/reversi").is_symlink(), "setup made no link")
    computer.dpkg("--purge", "reversi-server")
    computer.says("getent passwd reversi")
    tap.check(computer.has("home/reversi/.local/state/reversi") and not computer.has("var/lib/reversi"), "what is theirs")


def why_not_here():
    if why := why_not():
        return why
    if not packages():
        return "needs packages: run scripts/build-deb"
    if not Path(BareRoot.lower, ".stamp").exists():
        return "needs packages' clean root: run scripts/debian-root"
    return ""


def main():
    if why := why_not_here():
        print(f"1..0 # SKIP {why}")
        return 0
    if INSIDE in os.environ:
        prepare_server()
        return tap.run(Computer)
    with tempfile.TemporaryDirectory(prefix="reversi-packages-") as scratch:
        os.chmod(scratch, 0o755)
        # An overlay does not lie upon another one, as /tmp may be.
        mount = 'mount -t tmpfs -o mode=755 tmpfs "$1" && exec "$2" "$3"'
        words = ["sh", "-c", mount, "sh", scratch, sys.executable, __file__]
        child = subprocess.Popen(
            [*NAMESPACES, *words], env={**os.environ, INSIDE: scratch}, stdin=subprocess.DEVNULL,
            preexec_fn=processes.die_with_parent,
        )  # fmt: skip
        return child.wait(LIMIT_S * tap.SLOWNESS)


if __name__ == "__main__":
    sys.exit(main())
