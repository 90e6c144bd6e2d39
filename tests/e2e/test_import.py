#!/usr/bin/env python3
"""What other programs were told, taken over: the configuration passes `check`, and the same port leads to the same service."""

import re
import subprocess

import lab as labs
import processes
import tap
from sshd import make_key

UCI = """
config server 'tunnel'
	option user '{user}'
	option hostname '127.0.0.1'
	option port '{ssh}'
	option IdentityFile '{key}'

config tunnelR 'web'
	option server 'tunnel'
	option remoteaddress 'localhost'
	option remoteport '{port}'
	option localaddress '127.0.0.1'
	option localport '{service}'

config tunnelD 'proxy'
	option server 'tunnel'
"""
REV = """nodename:Cam 07
reversiuser:{user}
reversihost:127.0.0.1
reversisshport:{ssh}
reversiport:{port}
fwdhost:127.0.0.1
fwdport:{service}
fwdportstr:NULL
reversisshkey:{key}
cretrysecs:30
"""


class Old:
    """A key that may do all, a service, a port: what a loop around ssh has."""

    def __init__(self, lab):
        self.service = lab.nonce_service("node-a")
        self.key = lab.home / ".ssh" / "id_old"
        with open(lab.authorized_keys, "a", encoding="utf-8") as stream:
            stream.write(make_key(self.key) + "\n")
        known_hosts = lab.home / ".ssh" / "known_hosts"
        known_hosts.write_text(f"[127.0.0.1]:{lab.sshd.port} {lab.sshd.host_key}\n", encoding="utf-8")
        self.port = lab.ports.take()
        self.values = {"user": lab.user, "ssh": lab.sshd.port, "key": self.key, "port": self.port}
        self.values["service"] = self.service.target.rpartition(":")[2]

    def arguments(self, lab):
        """As people write them."""
        words = f"-M 0 -fNT -p {lab.sshd.port} -i {self.key} -o ServerAliveInterval=30 -oExitOnForwardFailure=yes"
        return [*words.split(), "-R", f"{self.port}:{self.service.target}", f"{lab.user}@127.0.0.1"]


def client(lab, *arguments, code=0):
    """Runs one verb; returns what it said on standard output and standard error."""
    done = subprocess.run(
        [labs.program("REVERSI_CLIENT"), *map(str, arguments)],
        env=lab.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        timeout=15 * tap.SLOWNESS,
        check=False,
    )
    tap.check(done.returncode == code, f"{arguments}: exit {done.returncode}, expected {code}: {done.stderr}")
    return done.stdout, done.stderr


def works(lab, old, text):
    """The text passes `check`, and a client that runs it exposes the service on the old port."""
    config = lab.directory / "imported.json"
    # Tests run side by side, and only one may have the usual port.
    canary = re.compile(r'("canary": \{"listen": "127.0.0.1):\d+')
    tap.check(canary.search(text), text)
    config.write_text(canary.sub(rf"\1:{lab.ports.take()}", text), encoding="utf-8")
    client(lab, "check", "--config", config)
    with open(lab.directory / "imported.log", "ab") as log:
        running = subprocess.Popen(
            [labs.program("REVERSI_CLIENT"), "run", "--config", str(config)],
            env={**lab.environment, "XDG_RUNTIME_DIR": str(lab.directory)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=processes.die_with_parent,
        )

    def stop():
        running.terminate()
        running.wait(10)

    lab.on_close(stop)
    _, took = tap.wait_until(lambda: old.service.probe(old.port).ok, 15, "a nonce through the old port")
    tap.note(f"an answer after {took:.1f} s")


@tap.case("autossh's arguments: the same port leads to the same service")
def _(lab):
    old = Old(lab)
    lab.environment["AUTOSSH_GATETIME"] = "0"
    out = lab.directory / "client.json"
    said = client(lab, "import", "autossh", "--node", "cam-07", "--out", out, "--", *old.arguments(lab))[1]
    tap.check("-M 0" in said and "AUTOSSH_GATETIME" in said, said)
    text = out.read_text(encoding="utf-8")
    tap.check(all(f"//   {line.partition(': ')[2]}" in text for line in said.splitlines()[:-1]), f"{said}\n{text}")
    works(lab, old, text)
    client(lab, "import", "autossh", "--out", out, "--", *old.arguments(lab), code=1)
    tap.check(out.read_text(encoding="utf-8") == text, "it replaced a file")


@tap.case("OpenWrt's sshtunnel: the same port leads to the same service")
def _(lab):
    old = Old(lab)
    source = lab.directory / "sshtunnel"
    source.write_text(UCI.format(**old.values), encoding="utf-8")
    text, said = client(lab, "import", "sshtunnel", source)
    tap.check("SOCKS" in said, said)
    works(lab, old, text)


@tap.case("a .rev file: the same port leads to the same service")
def _(lab):
    old = Old(lab)
    source = lab.directory / "cam.rev"
    source.write_text(REV.format(**old.values), encoding="utf-8")
    text, said = client(lab, "import", "reversi", source)
    tap.check('"cam-07"' in text and "cretrysecs 30" in said, said)
    works(lab, old, text)


@tap.case("what cannot be taken over is one line: usage 2, a file that is none 1, a mistake in it 3")
def _(lab):
    broken = lab.directory / "broken"
    broken.write_text("config server 'x\n", encoding="utf-8")
    for code, words, named in [
        (2, ["autossh", "--", "-N", "host"], "-R"),
        (2, ["autossh", "--", "-R", "1:2", "-Z", "host"], "-Z"),
        (2, ["autossh", "--node", "Not A Name", "--", "-R", "20001:h:22", "host"], "--node"),
        (1, ["sshtunnel", "/nonexistent/sshtunnel"], "/nonexistent/sshtunnel"),
        (3, ["sshtunnel", broken], f"{broken}: line 1"),
        (3, ["reversi", broken], f"{broken}: line 1"),
    ]:
        out, said = client(lab, "import", *words, code=code)
        tap.check(not out and len(said.splitlines()) == 1 and named in said, f"{words}: {out!r} {said!r}")


labs.main()
