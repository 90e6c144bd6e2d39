#!/usr/bin/env python3
"""The Debian packages of dist/ on a machine of its own: installed, set up, removed and purged, with nothing left behind.

The machine is this one's root seen through an overlay, so what was changed is what lies in the overlay's upper layer.
Needs root, and what scripts/build-deb made.
"""

import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

import namespaces  # noqa: E402
import tap  # noqa: E402
from roots import DebianRoot  # noqa: E402

PROGRAMS = ("usr/bin/reversi-client", "usr/libexec/reversi/reversi-worker", "usr/bin/reversi-server")
PAGES = ("man1/reversi-client.1", "man1/reversi-server.1", "man5/reversi-client.json.5", "man7/reversi-protocol.7")
DROP_IN = "etc/ssh/sshd_config.d/50-reversi.conf"
# What dpkg, useradd and the C library keep of any change: their own logs, caches and copies.
KEPT = ("var/lib/dpkg", "var/log", "var/lib/systemd", "etc/passwd", "etc/shadow", "etc/group", "etc/gshadow",
        "etc/subuid", "etc/subgid", "etc/.pwd.lock", "etc/ld.so.cache", "var/cache")  # fmt: skip


def packages():
    directory = Path(os.environ.get("REVERSI_DIST", ROOT / "dist"))
    found = [sorted(directory.glob(f"reversi-{side}_*.deb")) for side in ("client", "server")]
    if not all(found):
        raise tap.Skip("needs packages: run scripts/build-deb")
    return [newest[-1] for newest in found]


class Computer:
    """A root with the packages beside it. It ends with the test: its mounts are private."""

    last_report = ""

    def __init__(self, scratch):
        namespaces.need()
        self.debs = packages()
        self.root = DebianRoot(scratch, "debian", None)
        self.upper = Path(scratch) / "layers-debian" / "upper"
        for deb in self.debs:
            (self.root / "tmp" / deb.name).write_bytes(deb.read_bytes())
        # man-db's index is made anew after each change of a page, for longer than all the rest takes.
        self.root.run("rm", "-f", "/var/lib/man-db/auto-update")
        self.before = self.changed()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.root.close()

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

    def has(self, path):
        return os.path.lexists(self.root / path)

    def says(self, line, code=0):
        got, out, err = self.root.type(line)
        tap.check(got == code, f"{line}: exit {got}, expected {code}: {out}{err}")
        return out + err


@tap.case("installed: programs, pages, completion and the unit are there, and nothing was started or set up")
def _(computer):
    computer.install()
    for path in PROGRAMS:
        tap.check(computer.has(path), f"no {path}")
    for page in PAGES:
        tap.check(computer.has(f"usr/share/man/{page}.gz"), f"no {page}")
    for path in ("usr/share/bash-completion/completions/reversi-server", "usr/share/zsh/vendor-completions/_reversi-client"):
        tap.check(computer.has(path), f"no {path}")
    tap.check(computer.has("lib/systemd/system/reversi-client.service"), "no unit")
    wanted = list((computer.root / "etc/systemd/system").glob("*.wants/reversi*"))
    tap.check(not wanted, f"the unit is enabled: {wanted}")
    for verb in ("reversi-client version", "reversi-server version"):
        tap.check("reversi" in computer.says(verb), verb)
    computer.says("getent passwd reversi", code=2)
    tap.check(not computer.has("var/lib/reversi") and not computer.has(DROP_IN), "setup was not asked for")


@tap.case("set up and in use: removing keeps configuration, keys and nodes; installing again finds them; purging leaves nothing")
def _(computer):
    computer.install()
    computer.says("reversi-server setup --system")
    computer.says("reversi-client keygen --out /etc/reversi/id_ed25519 | reversi-server node add cam-01 --key - --forward ssh")
    computer.root.write("etc/reversi/client.json", "{}")
    computer.dpkg("--remove", "reversi-client", "reversi-server")
    tap.check(not any(computer.has(path) for path in PROGRAMS), "a program is left")
    for path in ("etc/reversi/client.json", "etc/reversi/id_ed25519", "var/lib/reversi/nodes/cam-01/node.json", DROP_IN):
        tap.check(computer.has(path), f"{path} went before the purge")
    computer.says("sshd -t")

    computer.install()
    tap.check("cam-01" in computer.says("reversi-server node list"), "the node is forgotten")
    # A session that outlives its package: the account's process has to go before the account can.
    log = computer.upper.parent / "process.log"
    account = int(computer.says("id -u reversi"))
    process = computer.root.start("setpriv", f"--reuid={account}", "--clear-groups", "sleep", "300", log=log)
    computer.dpkg("--purge", "reversi-client", "reversi-server")
    tap.check(process.wait(10) != 0, "a process of the account was left")
    computer.says("getent passwd reversi", code=2)
    computer.says("getent group reversi", code=2)
    left = {path for path in computer.changed() - computer.before if "reversi" in path}
    tap.check(not left, f"left behind: {sorted(left)}")
    left = {path for path in computer.changed() - computer.before if computer.has(path) and not (computer.upper / path).is_dir()}
    tap.check(not left, f"files left behind: {sorted(left)}")
    computer.says("sshd -t")


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


def main():
    if os.geteuid() != 0:
        print("1..0 # SKIP needs root")
        return 0
    namespaces.enter()
    with tempfile.TemporaryDirectory(prefix="reversi-packages-") as scratch:
        os.chmod(scratch, 0o711)
        namespaces.mount_tmpfs(scratch, "1g")
        os.chmod(scratch, 0o755)
        count = iter(range(100))

        def fresh():
            place = Path(scratch) / str(next(count))
            place.mkdir(mode=0o755)
            return Computer(place)

        code = tap.run(fresh)
        namespaces.unmount(scratch)
        return code


if __name__ == "__main__":
    sys.exit(main())
