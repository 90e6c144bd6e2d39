#!/usr/bin/env python3
"""scripts/build-libssh, and with it scripts/build-static, refuses a source with known holes, and one that nobody has on record: before it builds anything."""

import hashlib
import io
import re
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import tap

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "build-libssh"
STATIC = ROOT / "scripts" / "build-static"
HOLES = re.findall(r"^CVE-[0-9-]+", (ROOT / "config/libssh/holes").read_text(encoding="utf-8"), re.MULTILINE)
FIRST_SAFE = (ROOT / "config/libssh/first-safe").read_text(encoding="utf-8").strip()
LIMIT_S = 5


class Source:
    """A source package of libssh as far as the script looks before it unpacks: the .dsc and debian/changelog."""

    def __init__(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.directory = Path(self.scratch.name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.scratch.cleanup()

    def write(self, version, mended):
        changes = f"libssh ({version}) stable; urgency=high\n\n" + "".join(f"  * {cve}: mended.\n" for cve in mended)
        tarball = self.directory / f"libssh_{version}.debian.tar.gz"
        with tarfile.open(tarball, "w:gz") as tar:
            info = tarfile.TarInfo("debian/changelog")
            info.size = len(changes)
            tar.addfile(info, io.BytesIO(changes.encode()))
        content = tarball.read_bytes()
        (self.directory / f"libssh_{version}.dsc").write_text(
            f"Source: libssh\nVersion: {version}\nChecksums-Sha256:\n"
            f" {hashlib.sha256(content).hexdigest()} {len(content)} {tarball.name}\nFiles:\n", encoding="utf-8")

    def refusal(self, *options, script=SCRIPT):
        """What the script says, once it has refused in time and printed no directory."""
        began = time.monotonic()
        done = subprocess.run([script, "--source-dir", self.directory, *options], capture_output=True, text=True, timeout=50,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(self.directory / "home")})
        took = time.monotonic() - began
        tap.check(done.returncode == 1 and not done.stdout, f"exit code {done.returncode}: {done.stdout}{done.stderr}")
        tap.check(took <= LIMIT_S * tap.SLOWNESS, f"it took {took:.1f} s")
        return done.stderr


@tap.case("an old source: every hole is named, and the version that has none")
def _(source):
    source.write("0.10.6-0+deb12u2", HOLES[:1])
    said = source.refusal()
    missing = [word for word in (*HOLES[1:], FIRST_SAFE, "--allow-known-holes") if word not in said]
    tap.check(not missing, f"{missing} not in {said!r}")
    tap.check(HOLES[0] not in said, f"{HOLES[0]} is mended there: {said!r}")


@tap.case("scripts/build-static says the same before it fetches a compiler")
def _(source):
    source.write("0.10.6-0+deb12u2", [])
    said = source.refusal("mips", script=STATIC)
    any_crypto = [cve for cve in HOLES if cve != "CVE-2026-59847"]
    missing = [word for word in (*any_crypto, FIRST_SAFE, "--allow-known-holes") if word not in said]
    tap.check(not missing, f"{missing} not in {said!r}")
    tap.check(not list(source.directory.glob("home/**/zig-*")), "a compiler was fetched")


@tap.case("the newest of several sources counts, by Debian's order")
def _(source):
    source.write("0.10.6-0+deb12u9", HOLES)
    source.write("0.10.6-0+deb12u10", HOLES[1:])
    said = source.refusal()
    tap.check("0.10.6-0+deb12u10 " in said and HOLES[0] in said, said)


@tap.case("holes of OpenSSL's half do not count against a library with mbedtls")
def _(source):
    source.write("0.10.6-0+deb12u2", [])
    tap.check("CVE-2026-59847" not in source.refusal("--host", "none-linux-musl"), "a hole that is not built")


@tap.case("a source that is not on record is not built, with holes allowed or none known")
def _(source):
    source.write("0.10.7-1", [])
    tap.check("is not in" in source.refusal("--allow-known-holes"), "taken from a directory unseen")
    source.write("0.10.7-1", HOLES)
    tap.check("is not in" in source.refusal(), "taken from a directory unseen")


sys.exit(tap.run(Source))
