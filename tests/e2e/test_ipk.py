#!/usr/bin/env python3
"""What scripts/build-ipk makes: its layout, its bytes, and an installation by busybox as opkg goes about it.

opkg itself is in no distribution and is not run.
"""

import gzip
import io
import platform
import subprocess
import tarfile
from pathlib import Path

import clean_root
import lab as labs
import tap

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "scripts/build-ipk"
TARGETS = {"x86_64": "x86_64", "aarch64": "aarch64", "armv7l": "arm", "mips": "mips"}

# What opkg does with a package, conffiles that are there left alone.
OPKG = """set -e
rm -rf /tmp/package && mkdir /tmp/package && cd /tmp/package
tar -xzf "$1" && mkdir control && tar -xzf control.tar.gz -C control
mkdir /tmp/package/data && tar -xzf data.tar.gz -C data
while read -r file; do [ ! -e "$file" ] || cp -p "$file" "data$file"; done <control/conffiles
(cd data && tar -cf - .) | tar -xf - -C /
control/postinst configure
"""

# rc.common stops, then starts; between the two goes the terminal that the tunnel carried.
RESTART = """if [ $action = restart ]; then
  [ ! -e /tmp/hang-up ] || kill -HUP 0
  start_service
fi
"""


def target():
    if platform.machine() not in TARGETS:
        raise tap.Skip(f"needs a machine that packages are made for, not {platform.machine()}")
    return TARGETS[platform.machine()]


def stripped(lab):
    """The client without its symbols: what is packed twice for each build should be small."""
    out = lab.directory / "client"
    if not out.exists():
        subprocess.run(["strip", "-o", out, labs.program("REVERSI_CLIENT")], check=True, timeout=60 * tap.SLOWNESS)
    return out


def build(lab, *options, binary=None, code=0):
    binary = binary or stripped(lab)
    done = subprocess.run(
        [BUILD, *options, "--binary", str(binary), "--out", str(lab.directory)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", timeout=60 * tap.SLOWNESS,
    )  # fmt: skip
    tap.check(done.returncode == code, f"exit {done.returncode}, expected {code}: {done.stdout}")
    return Path(done.stdout.strip()) if code == 0 else done.stdout


def unpacked(data):
    """{path: (entry, content)} of a .tar.gz."""
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(data))) as tar:
        return {entry.name: (entry, tar.extractfile(entry).read() if entry.isfile() else None) for entry in tar}


@tap.case("the layout is opkg's, everything belongs to root, conffiles exist, and two builds are the same bytes")
def _(lab):
    package = build(lab, target(), "--arch", "mips_24kc", "--version", "1.2.3")
    tap.check(package.name == f"reversi-client_1.2.3_{target()}.ipk", package.name)
    first = package.read_bytes()
    outer = unpacked(first)
    tap.check(list(outer) == ["./debian-binary", "./data.tar.gz", "./control.tar.gz"], f"{list(outer)}")
    tap.check(outer["./debian-binary"][1] == b"2.0\n", "debian-binary")
    data, control = unpacked(outer["./data.tar.gz"][1]), unpacked(outer["./control.tar.gz"][1])
    for entry, _ in [*data.values(), *control.values(), *outer.values()]:
        tap.check((entry.uid, entry.gid, entry.uname, entry.mtime) == (0, 0, "root", 0), f"{entry.name}: {entry.get_info()}")
    modes = {name: entry.mode for name, (entry, _) in {**data, **control}.items()}
    for name in ("./usr/bin/reversi-client", "./etc/init.d/reversi-client", "./postinst", "./prerm"):
        tap.check(modes.get(name) == 0o755, f"{name}: {modes.get(name)}")
    program = stripped(lab).read_bytes()
    tap.check(data["./usr/bin/reversi-client"][1] == program, "the program is another")
    fields = dict(line.split(": ", 1) for line in control["./control"][1].decode().splitlines() if not line.startswith(" "))
    tap.check((fields["Package"], fields["Version"], fields["Architecture"]) == ("reversi-client", "1.2.3", "mips_24kc"), f"{fields}")
    tap.check(int(fields["Installed-Size"]) > len(program) and "Depends" not in fields, f"{fields}")
    conffiles = control["./conffiles"][1].decode().splitlines()
    tap.check(conffiles and all(f".{file}" in data for file in conffiles), f"{conffiles}")
    tap.check(build(lab, target(), "--arch", "mips_24kc", "--version", "1.2.3").read_bytes() == first, "other bytes")


@tap.case("a binary for another machine, or none, is refused in one line")
def _(lab):
    wrong = "mips" if target() != "mips" else "x86_64"
    said = build(lab, wrong, code=1)
    tap.check(wrong in said and said.count("\n") == 1, said)
    big_endian = lab.directory / "big-endian"
    big_endian.write_bytes(b"\x7fELF\x01\x02\x01".ljust(18, b"\0") + b"\x00\x08")
    build(lab, "mips", binary=big_endian)
    build(lab, "mipsel", binary=big_endian, code=1)
    said = build(lab, wrong, binary=lab.directory / "none", code=1)
    tap.check("scripts/build-static" in said and said.count("\n") == 1, said)


@tap.case("installed, it is enabled and kept by sysupgrade; installed again, it keeps what was changed; removed, the key stays")
def _(lab):
    package = build(lab, target())
    root = clean_root.CleanRoot(lab.directory / "root", [labs.program("REVERSI_CLIENT")])
    try:
        root.script("etc/rc.common", clean_root.RC_COMMON + RESTART)
        root.script("bin/opkg-install", f"#!/bin/sh\n{OPKG}")
        root.script("bin/logger", '#!/bin/sh\necho "$*" >>/var/log/messages\n')
        (root.path / "tmp/it.ipk").write_bytes(package.read_bytes())
        root.run("opkg-install /tmp/it.ipk")
        root.run("test -L /etc/rc.d/S95reversi-client && reversi-client version")
        root.run("grep -q 'there is no /etc/reversi/client.json' /var/log/messages")
        root.run("echo key >/etc/reversi/id_ed25519; echo '# mine' >>/etc/config/reversi")
        root.run("opkg-install /tmp/it.ipk && grep -q mine /etc/config/reversi")
        tap.check(root.run("cat /etc/sysupgrade.conf") == "/etc/reversi/\n", "sysupgrade.conf")
        # An upgrade through the node's own tunnel: its end takes the terminal, and so whoever started opkg.
        root.run("rm /var/log/messages && touch /tmp/hang-up && (setsid /tmp/package/control/postinst; true)")
        root.run("grep -q 'there is no /etc/reversi/client.json' /var/log/messages")
        root.run("PKG_UPGRADE=1 /tmp/package/control/prerm upgrade && test -L /etc/rc.d/S95reversi-client")
        root.run("/tmp/package/control/prerm remove && test ! -e /etc/rc.d/S95reversi-client && test -e /etc/reversi/id_ed25519")
        root.run("IPKG_INSTROOT=/image /tmp/package/control/postinst && test ! -e /etc/rc.d/S95reversi-client")
    finally:
        root.close()


labs.main(private_mounts=True)
