#!/usr/bin/env python3
"""setup --system on a machine of its own: /etc, /run, /var/lib and /var/log are private copies. Needs root."""

import os
import pwd
import shutil
import subprocess

import keys_command
import lab
import namespaces
import processes
import tap

DROP_IN = "/etc/ssh/sshd_config.d/50-reversi.conf"
STATE_DIR = "/var/lib/reversi"
CONFIG = """Include /etc/ssh/sshd_config.d/*.conf
KbdInteractiveAuthentication no
UsePAM yes
X11Forwarding yes
PrintMotd no
AcceptEnv LANG LC_*
"""

PROGRAMS = {name: os.environ.get(name, "") for name in ("REVERSI_CLIENT", "REVERSI_WORKER", "REVERSI_SERVER")}


class Machine:
    """The server as an administrator has it before: a stock sshd that runs, and no account reversi."""

    def __init__(self, lab, extra=""):
        keys_command.need()
        self.lab = lab
        self.port = lab.ports.take()
        lab.environment.pop("REVERSI_STATE_DIR")
        self._keep_programs()
        copy = lab.directory / "etc"
        copy.mkdir()
        subprocess.run(["cp", "-a", "/etc/.", str(copy)], check=True, timeout=60)
        self._cover("/etc", lambda path: namespaces.bind(copy, path))
        for path in ("/run", "/var/lib", "/var/log"):
            self._cover(path, lambda path: namespaces.mount_tmpfs(path, "16m"))
            os.chmod(path, 0o755)
        os.makedirs("/run/sshd", mode=0o755)
        shutil.rmtree("/etc/ssh")
        os.makedirs("/etc/ssh/sshd_config.d", mode=0o755)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/etc/ssh/ssh_host_ed25519_key"], check=True)
        with open("/etc/ssh/sshd_config", "w", encoding="utf-8") as stream:
            stream.write(f"{CONFIG}Port {self.port}\nListenAddress 127.0.0.1\n{extra}")
        self.start()

    def _keep_programs(self):
        """They may have been built below what is covered next. The account runs the agent from there."""
        os.chmod(self.lab.directory, 0o755)
        os.chmod(self.lab.directory.parent, 0o755)
        kept = self.lab.directory / "bin"
        kept.mkdir(mode=0o755)
        for name, program in PROGRAMS.items():
            os.environ[name] = shutil.copy(program, kept)

    def _cover(self, path, mount):
        mount(path)
        self.lab.on_close(lambda: namespaces.unmount(path))

    def start(self):
        with open(self.lab.directory / "system.log", "ab") as log:
            child = subprocess.Popen(
                [processes_sshd(), "-D", "-e"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, preexec_fn=processes.die_with_parent,
            )

        def stop():
            below = processes.Process(child.pid).descendants()
            child.kill()
            child.wait(10)
            processes.end(below)

        self.lab.on_close(stop)
        tap.wait_until(lambda: os.path.exists("/run/sshd.pid"), 10, "sshd has written its pid file")
        self.sshd = child

    def setup(self, *arguments, code=0, program=keys_command.PROGRAM):
        done = subprocess.run(
            [program, "setup", "--system", *arguments], env=self.lab.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", timeout=120 * tap.SLOWNESS, check=False,
        )
        shown = done.stdout + done.stderr
        tap.check(done.returncode == code, f"setup {arguments}: exit {done.returncode}: {shown}")
        tap.check(code == 0 or shown.count("\n") == 1, f"more than one line: {shown}")
        return shown

    @staticmethod
    def account():
        with open("/etc/passwd", encoding="utf-8") as stream:
            return [line.strip() for line in stream if line.startswith("reversi:")]

    def untouched(self):
        found = [path for path in (DROP_IN, STATE_DIR) if os.path.exists(path)]
        left = [name for name in os.listdir("/run") if name.startswith("reversi-setup")]
        tap.check(not found and not self.account() and not left, f"left: {found} {self.account()} {left}")
        tap.check(self.sshd.poll() is None, "sshd is gone")

    def node(self, name):
        """A node that logs in as the account."""
        server = {"host": "127.0.0.1", "port": self.port, "user": "reversi"}
        node = self.lab.add_node(
            name, {"ssh": self.lab.nonce_service(name)}, register=False, server_port=self.port, settings={"servers": [server]}
        )
        with open("/etc/ssh/ssh_host_ed25519_key.pub", encoding="utf-8") as stream:
            node.trust(" ".join(stream.read().split()[:2]))
        return node


def processes_sshd():
    return shutil.which("sshd") or "/usr/sbin/sshd"


def text_of(path):
    with open(path, encoding="utf-8") as stream:
        return stream.read()


@tap.case("--dry-run says it all and touches nothing; then account, directory and drop-in are there, and nodes come in")
def _(lab):
    machine = Machine(lab)
    shown = machine.setup("--dry-run")
    tap.check(all(word in shown for word in (DROP_IN, STATE_DIR, "AuthorizedKeysCommand /mnt/")), shown)
    machine.untouched()
    shown = machine.setup()
    tap.note(shown.replace("\n", " | "))
    tap.check(f"process id {machine.sshd.pid}" in shown, f"sshd was not told: {shown}")
    account = pwd.getpwnam("reversi")
    tap.check((account.pw_shell, account.pw_dir) == ("/bin/sh", STATE_DIR), f"account: {account}")
    tap.check("\nreversi:*:" in text_of("/etc/shadow"), "the password field")
    info = os.stat(STATE_DIR)
    tap.check((info.st_uid, info.st_mode & 0o7777) == (account.pw_uid, 0o700), f"directory: {info}")
    tap.check("Match User reversi" in text_of(DROP_IN), text_of(DROP_IN))
    tap.check(not [name for name in os.listdir("/run") if name.startswith("reversi-setup")], "the trial was left behind")

    node = machine.node("node-a")
    node.register()
    node.start()
    lab.wait_answer(node, 20)
    stranger = machine.node("node-b")
    stranger.start()
    tap.wait_until(lambda: "SHA256:" in lab.server("node", "pending"), 15, "a stranger's key waits")
    print_of = lab.server("node", "pending").split()[0]
    lab.server("node", "approve", print_of, "node-b", "--forward", f"ssh={stranger.port()}")
    tap.note(f"a stranger answers {lab.wait_answer(stranger, 60):.1f} s after approve")

    before = {path: (text_of(path), os.stat(path).st_mtime_ns) for path in (DROP_IN, "/etc/passwd", "/etc/shadow")}
    tap.check(f"{DROP_IN}: as it was" in machine.setup(), "the second run wrote the drop-in")
    after = {path: (text_of(path), os.stat(path).st_mtime_ns) for path in before}
    tap.check(before == after, "the second run changed a file")
    lab.wait_answer(node, 5)


@tap.case("a configuration that keeps the account out: the proof fails in one line, and nothing is changed")
def _(lab):
    machine = Machine(lab, "DenyUsers reversi\n")
    shown = machine.setup(code=1)
    tap.note(shown.strip())
    tap.check("nothing was changed" in shown and "DenyUsers" in shown, shown)
    machine.untouched()
    shutil.rmtree("/etc/ssh/sshd_config.d")
    with open("/etc/ssh/sshd_config", "w", encoding="utf-8") as stream:
        stream.write("# a main file that includes nothing\n")
    tap.check("Include /etc/ssh/sshd_config.d/*.conf" in machine.setup(code=3), "the missing line is not named")
    machine.untouched()


@tap.case("a former drop-in stays when the new one fails; an account without a shell and a path that others write are named")
def _(lab):
    machine = Machine(lab)
    with open(DROP_IN, "w", encoding="utf-8") as stream:
        stream.write("# mine\n")
    with open("/etc/ssh/sshd_config.d/10-other.conf", "w", encoding="utf-8") as stream:
        stream.write("Match User reversi\n    AuthorizedKeysCommand none\n    AuthenticationMethods none\n")
    machine.setup(code=1)
    tap.check(text_of(DROP_IN) == "# mine\n" and not machine.account(), "something was changed")
    os.unlink("/etc/ssh/sshd_config.d/10-other.conf")
    subprocess.run(["useradd", "--system", "--shell", "/usr/sbin/nologin", "reversi"], check=True, timeout=30)
    tap.check("usermod --shell /bin/sh reversi" in machine.setup(code=3), "no cure for the shell")
    subprocess.run(["usermod", "--shell", "/bin/sh", "reversi"], check=True, timeout=30)
    with open("/etc/ssh/sshd_config.d/10-other.conf", "w", encoding="utf-8") as stream:
        stream.write("DenyUsers reversi\n")
    machine.setup(code=1)
    tap.check("\nreversi:!:" in text_of("/etc/shadow"), "the password field was changed")
    os.unlink("/etc/ssh/sshd_config.d/10-other.conf")
    os.chmod("/mnt", 0o777)
    tap.check("install -m 755" in machine.setup(code=1), "no cure for the path")
    os.chmod("/mnt", 0o755)
    tap.check(text_of(DROP_IN) == "# mine\n", "something was changed")
    shown = machine.setup()
    tap.check('"*" now' in shown and f"it is {STATE_DIR} now" in shown, f"the account as useradd made it: {shown}")
    node = machine.node("node-a")
    node.register()
    node.start()
    lab.wait_answer(node, 20)
    tap.check("Match User reversi" in text_of(DROP_IN), text_of(DROP_IN))


@tap.case("MaxStartups of the administrator is raised number by number, and a second run keeps it")
def _(lab):
    machine = Machine(lab, "MaxStartups 100:60:1000\n")
    machine.setup()
    tap.check("\nMaxStartups 200:60:1000\n" in text_of(DROP_IN), text_of(DROP_IN))
    tap.check(f"{DROP_IN}: as it was" in machine.setup(), "the second run wrote the drop-in")


@tap.case("an account that worked without root keeps its nodes: the usual place is a link to its directory")
def _(lab):
    machine = Machine(lab)
    home = lab.directory / "reversi"
    words = ["useradd", "--create-home", "--home-dir", str(home), "--shell", "/bin/sh", "--password", "*", "reversi"]
    subprocess.run(words, check=True, timeout=30)
    node = machine.node("node-a")
    own = str(home / ".local" / "state" / "reversi")
    subprocess.run(
        ["setpriv", "--reuid", "reversi", "--regid", "reversi", "--clear-groups", keys_command.PROGRAM, "node", "add",
         "node-a", "--key", "-", "--forward", f"ssh={node.port()}"],
        env={"HOME": str(home)}, input=node.public_key.encode() + b"\n", check=True, timeout=30, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    shown = machine.setup("--dry-run")
    tap.check(f"link {STATE_DIR} to it" in shown, f"the dry run does not say so: {shown}")
    machine.setup()
    tap.check(os.readlink(STATE_DIR) == own, "no link")
    tap.check("node-a" in lab.server("node", "list"), "the node is gone from the list")
    node.start()
    lab.wait_answer(node, 20)
    tap.check(f"{DROP_IN}: as it was" in machine.setup(), "the second run wrote the drop-in")


@tap.case("an account that a person logs in to is not taken over; the one line names the cure, and the cure works")
def _(lab):
    machine = Machine(lab)
    home = lab.directory / "reversi"
    subprocess.run(["useradd", "--create-home", "--home-dir", str(home), "--shell", "/bin/sh", "reversi"], check=True, timeout=30)
    for group in ("sudo", "wheel"):
        subprocess.run(["groupadd", "--force", group], check=True, timeout=30)
    for field in ("$6$salt$hash", "!$6$salt$hash", ""):
        subprocess.run(["usermod", "--password", field, "reversi"], check=True, timeout=30)
        before = text_of("/etc/shadow")
        shown = machine.setup(code=3)
        tap.check("usermod --password '*' reversi" in shown, f"no cure for the password: {shown}")
        tap.check(text_of("/etc/shadow") == before and not os.path.exists(DROP_IN), "something was changed")
    tap.note(shown.strip())
    subprocess.run(["usermod", "--password", "*", "--append", "--groups", "sudo", "reversi"], check=True, timeout=30)
    tap.check("gpasswd --delete reversi sudo" in machine.setup(code=3), "no cure for the group")
    subprocess.run(["gpasswd", "--delete", "reversi", "sudo"], check=True, timeout=30, stdout=subprocess.DEVNULL)
    subprocess.run(["usermod", "--gid", "wheel", "reversi"], check=True, timeout=30)
    tap.check("group wheel" in machine.setup(code=3), "the primary group is not looked at")
    tap.check(not os.path.exists(DROP_IN) and not os.path.exists(STATE_DIR), "something was changed")
    subprocess.run(["usermod", "--gid", "users", "reversi"], check=True, timeout=30)
    keys = str(home / "other_keys")
    shown = machine.setup("--authorized-keys", keys)
    tap.check(f"authorized keys: {keys}" in shown, f"--authorized-keys was not passed on: {shown}")


lab.main(private_mounts=True)
