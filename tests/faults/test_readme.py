#!/usr/bin/env python3
"""The README's fifteen commands, typed as they stand there, on a server and three nodes that have never seen reversi.

A block of commands is preceded by a line that a reader does not see and this test does:

    <!-- type on: MACHINE -->                 the block's commands, one after the other, by a root shell of that machine
    <!-- type on: MACHINE, keep: NAME -->     and what they print is kept under that name
    <!-- type on: MACHINE, from: NAME -->     what was kept is their standard input
    <!-- type on: MACHINE, answer: WORD -->   on a terminal; what it asks is answered with that word
    <!-- paste on: MACHINE, what: NAME -->    no block: what was kept is pasted into a shell

`SHA256:…` in a command is the fingerprint that was kept last.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

import processes  # noqa: E402
import tap  # noqa: E402
from matrix import NAMESPACES, why_not  # noqa: E402
from roots import Site  # noqa: E402

MOST_COMMANDS = 15
NODES = ("cam-01", "cam-02", "cam-03")
BLOCK = re.compile(r"<!-- (type|paste) (on: [^>]*?) -->\n(?:```sh\n(.*?)```)?", re.S)
FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
LIMIT_S = 240
INSIDE = "REVERSI_README_SCRATCH"  # set in the namespaces


def commands_of(block):
    """The logical lines of a shell block, without comments."""
    lines = re.sub(r"\\\n\s*", "", block).splitlines()
    return [re.sub(r"\s+#\s.*$", "", line).strip() for line in lines if line.strip() and not line.strip().startswith("#")]


def steps_of(text):
    """(options, command) for each command, None for a paste."""
    for kind, options, block in BLOCK.findall(text):
        options = dict(each.split(": ", 1) for each in options.split(", "))
        for command in commands_of(block) if kind == "type" else [None]:
            yield options, command


class Walk:
    def __init__(self, site, scratch):
        self.site = site
        self.scratch = scratch
        self.kept = {}
        self.machines = {"server": site.server}
        self.fingerprint = ""
        for name in NODES:
            self._add(name)
        site.server.start_sshd(scratch / "sshd-server.log")
        self._trust_the_admin()

    def _add(self, name):
        if name != NODES[-1]:
            self.machines[name] = self.site.add_debian(name)
        else:
            client = Path(os.environ["REVERSI_CLIENT"]), Path(os.environ["REVERSI_WORKER"])
            self.machines[name] = self.site.add_busybox(name, {each: f"usr/bin/{each.name}" for each in client})

    def _trust_the_admin(self):
        """Each node runs an sshd that lets the server's root in, as administrators set it up."""
        server = self.site.server
        server.run("mkdir", "-m", "700", "/root/.ssh")
        server.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/root/.ssh/id_ed25519")
        key = server.run("cat", "/root/.ssh/id_ed25519.pub")
        for name, root in self.machines.items():
            if root is server:
                continue
            # A busybox machine has dropbear in the field; the sshd of another root stands in for it, in its network.
            sshd = root if name != NODES[-1] else self.site.add_beside(root, f"{name}-sshd")
            sshd.run("mkdir", "-m", "700", "/root/.ssh")
            sshd.write("root/.ssh/authorized_keys", key, 0o600)
            sshd.start_sshd(self.scratch / f"sshd-{name}.log")

    def step(self, options, command):
        root = self.machines[options["on"]]
        text = self.kept.get(options.get("from"))
        if command is None:
            shown, command = f"[the output of {options['what']}]", "sh -s"
            text = self.kept[options["what"]]
        else:
            command = command.replace("SHA256:…", self.fingerprint)
            shown = command
        answers = [(r"\?.*", options["answer"])] if "answer" in options else ()
        code, out, err = root.type(command, text, answers)
        tap.note(f"{options['on']}# {shown}")
        tap.note("\n".join(f"    {line}" for line in (out + err).splitlines()[-30:]))
        tap.check(code == 0, f"{options['on']}: {shown}: exit {code}")
        if "keep" in options:
            self.kept[options["keep"]] = out
        found = FINGERPRINT.findall(out)
        self.fingerprint = found[-1] if found else self.fingerprint
        return out

    def states(self):
        _, out, _ = self.site.server.type("reversi-server status --json")
        return {each["node"]: each["state"] for each in json.loads(out or "[]")}

    def wait_states(self, wanted, limit_s):
        _, took = tap.wait_until(lambda: self.states() == wanted, limit_s, lambda: f"{wanted}, last: {self.states()}", 0.2)
        tap.note(f"{wanted} after {took:.1f} s")


@tap.case("the README's commands, typed as they stand there, do what it says")
def _(lab):
    steps = list(steps_of((ROOT / "README.md").read_text(encoding="utf-8")))
    tap.check(0 < len(steps) <= MOST_COMMANDS, f"{len(steps)} commands, at most {MOST_COMMANDS}")
    walk = Walk(lab.site, lab.scratch)
    up = dict.fromkeys(NODES, "up")
    for options, command in steps:
        verb = command or ""
        if verb == "reversi-server status":
            walk.wait_states(up, 90)
        if "tar " in verb:
            lab.carry(walk.machines["server"], walk.machines[options["on"]], "/root/cam-03.tar.gz")
        out = walk.step(options, command)
        if verb == "reversi-server status":
            tap.check(all(name in out for name in NODES), "not every node is in the table")
        elif verb.startswith("ssh cam-01"):
            log = (lab.scratch / "sshd-cam-01.log").read_text(encoding="utf-8")
            tap.check("Accepted publickey for root" in log, "ssh did not get to the node")
        elif "rotate-key" in verb:
            walk.wait_states(up, 30)
        elif "disable" in verb:
            walk.wait_states({**up, "cam-02": "disabled"}, 30)
        elif "uninstall" in verb:
            walk.wait_states({"cam-01": "up", "cam-02": "disabled", "cam-03": "down"}, 60)
            # The client's own programs came with the machine; the unpacked bundle is the person's.
            names = walk.machines["cam-03"].run("find", "/etc", "/var", "/usr", "-name", "*reversi*", "-type", "f")
            left = set(names.split()) - {"/usr/bin/reversi-client", "/usr/bin/reversi-worker"}
            tap.check(not left, f"left behind: {sorted(left)}")


class SiteLab:
    """What tap.run wants: made for the case, and gone after it."""

    def __init__(self):
        self.scratch = Path(os.environ[INSIDE])
        self.site = None
        self.last_report = ""

    def __enter__(self):
        self.site = Site(self.scratch, os.environ["REVERSI_BUILD"])
        return self

    def __exit__(self, kind, error, trace):
        logs = sorted(self.scratch.glob("*.log"))
        self.last_report = "\n".join(f"---- {log.name}\n{log.read_text(errors='replace')[-4000:]}" for log in logs)
        self.site.close()  # mounts and files end with the namespaces

    @staticmethod
    def carry(source, target, path):
        """As scp does."""
        archive = subprocess.run(source.words("cat", path), stdout=subprocess.PIPE, check=True, timeout=30).stdout
        subprocess.run(target.words("sh", "-c", f"cat >{path}"), input=archive, check=True, timeout=30)


def main():
    if why := why_not():
        print(f"1..0 # SKIP {why}")
        return 0
    if INSIDE in os.environ:
        return tap.run(SiteLab)
    with tempfile.TemporaryDirectory(prefix="reversi-readme-") as scratch:
        os.chmod(scratch, 0o711)
        child = subprocess.Popen(
            [*NAMESPACES, sys.executable, __file__],
            env={**os.environ, INSIDE: scratch},
            stdin=subprocess.DEVNULL,
            preexec_fn=processes.die_with_parent,
        )
        return child.wait(LIMIT_S * tap.SLOWNESS)


if __name__ == "__main__":
    sys.exit(main())
