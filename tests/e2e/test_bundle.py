#!/usr/bin/env python3
"""node bundle: one archive, installed in a root with nothing but busybox, upgraded, put back and taken away again."""

import json
import os
import tarfile

import clean_root
import lab as labs
import tap
from probes import probe

BROKEN = "#!/bin/sh\n# Looks well and never comes up.\ncase $1 in version | check | ensure) exit 0 ;; esac\nexit 1\n"
SILENT = "#!/bin/sh\n# Says its version and knows nothing else.\n[ \"$1\" = version ]\n"
NOBODY = 65534
OTHER_HOST = "192.0.2.9 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


def make_bundle(lab, name="node-a", *arguments, out=None, code=0, os_name="linux", binaries=None):
    out = out or lab.directory / f"{name}-{len(list(lab.directory.glob('*.tar.gz')))}.tar.gz"
    command = ["node", "bundle", name, "--os", os_name, "--out", out, "--address", f"127.0.0.1:{lab.sshd.port}"]
    command += ["--host-key", f"{lab.sshd.host_key_file}.pub", "--authorized-keys", lab.authorized_keys]
    for binary in binaries or ():
        command += ["--binary", binary]
    lab.server(*command, *arguments, code=code)
    return out


def programs():
    return [labs.program("REVERSI_CLIENT"), labs.program("REVERSI_WORKER")]


class Site:
    """A clean root, a service that the node exposes, and the server's port for it."""

    def __init__(self, lab, uid=None):
        self.lab = lab
        self.service = lab.nonce_service("node-a")
        self.port = lab.ports.take()
        self.root = clean_root.CleanRoot(lab.directory.parent / f"root-{lab.directory.name}", programs(), uid)
        lab.on_close(self.close)
        self.files_before = self.root.files()
        self.etc = "/etc/reversi" if self.root.uid == 0 else f"{self.root.home}/.config/reversi"
        self.bin = "/usr/local/bin" if self.root.uid == 0 else f"{self.root.home}/.local/bin"

    def close(self):
        if (self.root.path / self.bin[1:] / "reversi-client").exists():
            self.root.run(f"{self.bin}/reversi-client stop --config {self.etc}/client.json", code=None)
        self.root.close()

    def unpack(self, bundle):
        """As the node's person does it, who also says where the service is."""
        (self.root.path / "tmp/bundle.tar.gz").write_bytes(bundle.read_bytes())
        (self.root.path / "tmp/bundle.tar.gz").chmod(0o644)
        self.root.run("cd /tmp && rm -rf reversi-node-a && tar xzf bundle.tar.gz && rm bundle.tar.gz")
        file = self.root.path / "tmp/reversi-node-a/client.json"
        text = file.read_text(encoding="utf-8").replace("127.0.0.1:22", self.service.target)
        file.write_text(text.replace('"banner","match":"SSH-2.0-"', '"connect"').replace(
            '{"kind":"connect"}', json.dumps(self.service.expect)), encoding="utf-8")

    def install(self, arguments="", code=0):
        return self.root.run(f"sh /tmp/reversi-node-a/install.sh {arguments}", code)

    def at(self, path):
        return self.root.path / path[1:]

    def answers(self):
        return probe(self.port, "node-a", 1).ok

    def wait_up(self):
        tap.wait_until(self.answers, 20, "a nonce through the exposed port")
        return self.lab.wait_state("node-a", "up", 15)[0]["session"]["id"]


def add_host_key(site):
    with (site.at("/tmp/reversi-node-a") / "known_hosts").open("a", encoding="utf-8") as file:
        file.write(OTHER_HOST + "\n")


def check_cron(lab, uid):
    site = Site(lab, uid)
    (site.root.path / "var/spool/crontab").write_text("0 3 * * * /bin/true\n", encoding="utf-8")
    os.chown(site.root.path / "var/spool/crontab", site.root.uid, -1)
    before = site.root.files()
    bundle = make_bundle(lab, "node-a", "--forward", f"ssh={site.port}", binaries=programs())
    site.unpack(bundle)
    tap.note(site.install())
    first = site.wait_up()
    for name, mode in (("id_ed25519", 0o600), ("client.json", 0o600), ("", 0o700)):
        found = (site.at(site.etc) / name).stat().st_mode & 0o777
        tap.check(found == mode, f"{name} has mode {found:o}")
    table = (site.root.path / "var/spool/crontab").read_text(encoding="utf-8")
    tap.check(table.startswith("0 3 * * * /bin/true\n") and table.count("ensure --config") == 1, table)

    # Again: nothing new, and the tunnel is back whether it was touched or not.
    site.install()
    site.wait_up()
    again = (site.root.path / "var/spool/crontab").read_text(encoding="utf-8")
    tap.check(again == table, f"the crontab grew: {again}")
    tap.check(not list(site.at(site.etc).glob("*.next")), "the present key was offered as a new one")

    # A program that runs nowhere, and one that runs and never comes up.
    key = lab.directory / "node-a.pub"
    key.write_text((site.at(site.etc) / "bundle.id_ed25519.pub").read_text(encoding="utf-8"), encoding="utf-8")
    good = (site.at(site.bin) / "reversi-client").read_bytes()
    # As editors leave it that do not end the last line.
    pinned = site.at(site.etc) / "known_hosts"
    pinned.write_text("# mine\n" + pinned.read_text(encoding="utf-8").rstrip("\n"), encoding="utf-8")
    pins = pinned.read_bytes()
    broken = lab.directory / "broken" / "reversi-client"
    broken.parent.mkdir()
    for text, words in (
        (b"\x7fELF no machine", "does not run on this machine"),
        (SILENT.encode(), "what was there before is back"),
        (BROKEN.encode(), "what was there before is up again"),
    ):
        broken.write_bytes(text)
        site.unpack(make_bundle(lab, "node-a", "--key", key, binaries=[broken]))
        with (site.at("/tmp/reversi-node-a") / "client.json").open("a", encoding="utf-8") as file:
            file.write("// the next one\n")
        add_host_key(site)
        said = site.install("--wait 3", code=1)
        tap.note(said)
        tap.check(words in said, said)
        tap.check((site.at(site.bin) / "reversi-client").read_bytes() == good, "the former program is not back")
        tap.check(pinned.read_bytes() == pins, f"known_hosts: {pinned.read_text(encoding='utf-8')}")
        config, bundled = ((site.at(site.etc) / name).read_bytes() for name in ("client.json", "bundle.client.json"))
        tap.check(config == bundled and b"next one" not in config, "the configuration counts as changed here")
        site.wait_up()
    tap.check(not list(site.at(site.bin).glob("*.former*")), "a former program was left")

    # Upgraded through its own tunnel: whoever looks on is gone as soon as the client is stopped.
    site.unpack(make_bundle(lab, "node-a", "--key", key, binaries=[broken]))
    looking_on = site.root.start("sh /tmp/reversi-node-a/install.sh --wait 5")
    log = site.at(site.etc) / "install.log"
    before_it, former = log.stat().st_mtime_ns, site.at(site.bin) / "reversi-client.former"
    tap.wait_until(lambda: log.stat().st_mtime_ns != before_it and former.exists(), 20, "the change began")
    looking_on.kill()
    looking_on.wait(10)
    tap.wait_until(lambda: (site.at(site.bin) / "reversi-client").read_bytes() == good, 30, "the former program is back")
    site.wait_up()
    tap.wait_until(lambda: "is up again" in log.read_text(encoding="utf-8"), 30, "the log says how it ended")

    # A configuration that was changed here stays.
    config = site.at(site.etc) / "client.json"
    config.write_text("// mine\n" + config.read_text(encoding="utf-8"), encoding="utf-8")
    site.unpack(make_bundle(lab, "node-a", "--key", key, binaries=programs()))
    add_host_key(site)
    said = site.install()
    lines = pinned.read_text(encoding="utf-8").splitlines()
    tap.check(lines == [*pins.decode().splitlines(), OTHER_HOST], f"known_hosts: {lines}")
    tap.check("stays" in said and config.read_text(encoding="utf-8").startswith("// mine"), said)
    site.wait_up()

    # A new key for a node that is up: it goes on with the old one until the new one is accepted.
    old = (site.at(site.etc) / "id_ed25519").read_text(encoding="utf-8")
    make_bundle(lab, "node-a", code=1)
    site.unpack(make_bundle(lab, "node-a", "--replace-key"))
    site.install()
    site.wait_up()
    tap.check((site.at(site.etc) / "id_ed25519").read_text(encoding="utf-8") != old, "still the old key")
    record = json.loads((lab.state_dir / "nodes/node-a/node.json").read_text(encoding="utf-8"))
    tap.check(len(record["keys"]) == 1 and "next_key" not in record, f"{record['keys']}")
    tap.note(f"sessions: first {first}, last {lab.session_id('node-a')}")

    libexec = site.bin.replace("/bin", "/libexec/reversi")
    site.root.run(f"sh {libexec}/uninstall.sh && rm -rf /tmp/reversi-node-a")
    lab.wait_state("node-a", "down", 15)
    tap.check((site.root.path / "var/spool/crontab").read_text(encoding="utf-8") == "0 3 * * * /bin/true\n", "crontab")
    public = {"usr/local", "usr/local/bin"}
    left = {each for each in site.root.files() - before if each not in public}
    tap.check(not left, f"left behind: {sorted(left)}")


@tap.case("busybox and cron, the machine's: installed, up, again, broken upgrades put back, a new key, uninstalled")
def _(lab):
    if os.geteuid():
        raise tap.Skip("needs root to be root in a root of its own")
    check_cron(lab, 0)


@tap.case("the same for a plain user, under ~/.local and ~/.config")
def _(lab):
    check_cron(lab, NOBODY if os.geteuid() == 0 else None)


@tap.case("a crontab that cannot be read, or whose block was damaged, keeps every line of it")
def _(lab):
    site = Site(lab, NOBODY if os.geteuid() == 0 else None)
    table = site.root.path / "var/spool/crontab"
    site.unpack(make_bundle(lab, "node-a", "--forward", f"ssh={site.port}", binaries=programs()))
    begin, end = "# BEGIN reversi-client (written by install.sh; edits are lost)\n", "# END reversi-client\n"
    ours, theirs = '* * * * * "reversi-client" ensure\n', "0 3 * * * /bin/true\n"
    before = site.root.files()
    for text in (begin + ours + theirs, ours + end + theirs, end + begin + theirs, (begin + ours + end) * 2 + theirs):
        table.write_text(text, encoding="utf-8")
        table.chmod(0o644)
        said = site.install(code=1)
        tap.check("damaged" in said and table.read_text(encoding="utf-8") == text, f"{text}: {said}")
    table.unlink()
    crontab = site.at("/bin/crontab").read_text(encoding="utf-8")
    site.root.script("bin/crontab", "#!/bin/sh\n[ $1 != -l ] || { echo 'crontab: you may not' >&2; exit 1; }\n" + crontab)
    said = site.install(code=1)
    tap.check("you may not" in said and not table.exists(), said)
    left = site.root.files() - before - {site.etc[1:], str(site.etc[1:].rpartition("/")[0])}
    tap.check(not left, f"something was installed: {sorted(left)}")
    # Damaged later: the uninstaller takes no line either.
    site.root.script("bin/crontab", crontab)
    site.install("--no-start")
    text = begin + ours + theirs
    table.write_text(text, encoding="utf-8")
    said = site.root.run(f"sh {site.bin.replace('/bin', '/libexec/reversi')}/uninstall.sh", 1)
    tap.check("damaged" in said and table.read_text(encoding="utf-8") == text, said)


@tap.case("OpenWrt: procd starts it, and uninstall takes the service away")
def _(lab):
    if os.geteuid():
        raise tap.Skip("needs root to be root in a root of its own")
    site = Site(lab)
    site.bin = "/usr/bin"
    site.root.script("sbin/procd", "#!/bin/sh\n")
    site.root.script("etc/rc.common", clean_root.RC_COMMON)
    before = site.root.files()
    bundle = make_bundle(lab, "node-a", "--forward", f"ssh={site.port}", os_name="openwrt", binaries=programs())
    site.unpack(bundle)
    tap.note(site.install())
    site.wait_up()
    tap.check(site.at("/etc/rc.d/S95reversi-client").is_symlink(), f"not enabled: {os.listdir(site.at('/etc/rc.d'))}")

    # A program that never comes up: the init file of before is back with the program of before.
    init = site.at("/etc/init.d/reversi-client")
    was = init.read_bytes()
    scripts = site.at("/tmp/reversi-node-a")
    (scripts / "bin/reversi-client").write_text(BROKEN, encoding="utf-8")
    with (scripts / "reversi-client.init").open("a", encoding="utf-8") as file:
        file.write("# the next one\n")
    said = site.install("--wait 3", code=1)
    tap.check("what was there before is up again" in said and init.read_bytes() == was, said)
    # One that cannot even be enabled: taken back before the running client was touched.
    session = site.wait_up()
    (scripts / "reversi-client.init").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    site.install("--wait 3", code=1)
    tap.check(init.read_bytes() == was, "the init file that fails stayed")
    tap.check(b"Looks well" not in site.at("/usr/bin/reversi-client").read_bytes(), "a program that was never started stayed")
    tap.check(site.wait_up() == session, "the session was touched")
    site.root.run("sh /usr/libexec/reversi/uninstall.sh && rm -rf /tmp/reversi-node-a /var/log/client.log")
    lab.wait_state("node-a", "down", 15)
    left = site.root.files() - before - {"var/run/reversi-client.pid"}
    tap.check(not left, f"left behind: {sorted(left)}")


@tap.case("a node whose device is off is degraded, and can be upgraded")
def _(lab):
    if os.geteuid():
        raise tap.Skip("needs root to be root in a root of its own")
    site = Site(lab)
    site.unpack(make_bundle(lab, "node-a", "--forward", f"ssh={site.port}", binaries=programs()))
    site.install()
    site.wait_up()
    site.service.close()
    said = site.install("--wait 20")
    tap.check("node-a degraded" in said, said)


@tap.case("OpenWrt: a package's init script and list of clients stay when a bundle is uninstalled")
def _(lab):
    if os.geteuid():
        raise tap.Skip("needs root to be root in a root of its own")
    site = Site(lab)
    site.bin = "/usr/bin"
    site.root.script("sbin/procd", "#!/bin/sh\n")
    site.root.script("etc/rc.common", clean_root.RC_COMMON)
    site.unpack(make_bundle(lab, "node-a", "--forward", f"ssh={site.port}", os_name="openwrt", binaries=programs()))
    site.root.run("cd /tmp/reversi-node-a && cp reversi-client.init /etc/init.d/reversi-client")
    site.root.run("cd /tmp/reversi-node-a && cp reversi.uci /etc/config/reversi && sh install.sh --no-start")
    site.root.run("sh /usr/libexec/reversi/uninstall.sh")
    for place in ("/etc/init.d/reversi-client", "/etc/config/reversi"):
        tap.check(site.at(place).exists(), f"{place} was the package's")


@tap.case("--root: each init system gets its file, with absolute paths of programs that are there")
def _(lab):
    bundle = make_bundle(lab, "node-a", "--forward", f"ssh={lab.ports.take()}", binaries=programs())
    home = lab.directory / "somebody"
    for system in ("procd", "systemd", "systemd-user", "launchd", "cron"):
        os_name = {"procd": "openwrt", "launchd": "macos"}.get(system, "linux")
        key = lab.directory / "key.pub"
        with tarfile.open(bundle) as archive:
            key.write_bytes(archive.extractfile("reversi-node-a/id_ed25519.pub").read())
        with tarfile.open(make_bundle(lab, "node-a", "--key", key, os_name=os_name, binaries=programs())) as archive:
            archive.extractall(lab.directory / system)
        root = lab.directory / f"root-{system}"
        root.mkdir()
        etc = root / ("etc/reversi" if os.geteuid() == 0 else str(home)[1:] + "/.config/reversi")
        etc.mkdir(parents=True)
        (etc / "id_ed25519").write_text("the node's own\n", encoding="utf-8")
        scripts = lab.directory / system / "reversi-node-a"
        environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
        words = ["--root", root, "--init", system]
        labs.run_program(["sh", str(scripts / "install.sh"), *map(str, words)], environment)
        files = {str(each.relative_to(root)): each for each in root.rglob("*") if each.is_file()}
        client = [name for name in files if name.endswith("bin/reversi-client")]
        tap.check(len(client) == 1, f"{sorted(files)}")
        service = [each for name, each in files.items() if "init.d" in name or "systemd" in name or "Launch" in name]
        tap.check(len(service) == (system != "cron"), f"{system}: {service}")
        for each in service:
            text = each.read_text(encoding="utf-8")
            tap.check(f"/{client[0]}" in text, f"{system}: {text}")
            tap.check("systemd" not in system or "\nStartLimitIntervalSec=0\n" in text, f"{system}: {text}")
            tap.check(f"/{(etc / 'client.json').relative_to(root)}" in text, f"{system}: {text}")
        labs.run_program(["sh", str(scripts / "uninstall.sh"), *map(str, words)], environment)
        left = [name for name, each in files.items() if each.exists()]
        tap.check(not left, f"{system}: left behind: {left}")


@tap.case("what is in it, what is not, and what is refused")
def _(lab):
    out = lab.directory / "own.tar.gz"
    make_bundle(lab, "node-a", out=out, code=2)  # not registered, no forward
    tap.check(not out.exists(), "a file was left")
    make_bundle(lab, "node-a", "--forward", f"ssh={lab.ports.take()}", out=out)
    with tarfile.open(out) as archive:
        modes = {each.name.partition("/")[2]: each.mode for each in archive if each.name.count("/")}
    tap.check(modes["id_ed25519"] == 0o600 and modes["client.json"] == 0o600 and modes["install.sh"] == 0o755, f"{modes}")
    tap.check(oct(out.stat().st_mode & 0o777) == "0o600", "others may read the bundle")
    before = out.read_bytes()
    make_bundle(lab, "node-a", "--replace-key", out=out, code=1)
    tap.check(out.read_bytes() == before, "an existing file was touched")
    kept = [path for path in lab.state_dir.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]
    tap.check(not kept, f"the server keeps a private key: {kept}")
    node = lab.add_node("node-b", {"ssh": lab.nonce_service("node-b")})
    public = lab.directory / "node-b.pub"
    public.write_text(node.public_key + "\n", encoding="utf-8")
    own = make_bundle(lab, "node-b", "--key", public)
    with tarfile.open(own) as archive:
        names = archive.getnames()
    tap.check("reversi-node-b/known_hosts" in names, f"{names}")
    tap.check(not any("id_ed25519" in name for name in names), f"{names}")
    make_bundle(lab, "node-b", "--forward", "web", code=1)
    make_bundle(lab, "node-c", "--forward", "ssh", "--key", public, code=1)
    lab.server("node", "bundle", "node-c", "--os", "plan9", "--forward", "ssh", code=2)
    lab.server("node", "bundle", "node-c", "--os", "linux", "--forward", "ssh", "--out", lab.directory / "x", code=2)


@tap.case("root in the state directory of another account: the bundle is root's, and a verb that failed is in nobody's way")
def _(lab):
    if os.geteuid():
        raise tap.Skip("needs root to work for another account")
    lab.directory.parent.chmod(0o755)
    lab.directory.chmod(0o755)
    state = lab.directory / "theirs"
    (state / "ssh").mkdir(parents=True)
    for place in (state, state / "ssh"):
        os.chown(place, NOBODY, NOBODY)
    out = lab.directory / "root.tar.gz"
    words = ["node", "bundle", "node-a", "--os", "linux", "--state-dir", state, "--forward", "ssh", "--out", out]
    words += ["--host-key", f"{lab.sshd.host_key_file}.pub", "--authorized-keys", state / "ssh/authorized_keys"]
    lab.server(*words, code=2)  # no --address
    lab.server(*words, "--address", "192.0.2.1")
    tap.check(out.stat().st_uid == 0 and out.stat().st_size > 1000, f"{out.stat()}")
    with tarfile.open(out) as archive:
        config = archive.extractfile("reversi-node-a/client.json").read().decode()
    tap.check('"user": "nobody"' in config, config)


labs.main(private_mounts=True, policy={"retry_first_ms": 100, "retry_longest_ms": 500})
