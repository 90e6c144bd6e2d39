#!/usr/bin/env python3
"""What is configured counts and nothing else: no global known_hosts, no ~/.ssh, no prompt."""

import os
import pwd
from pathlib import Path

import lab
import namespaces
import tap
from probes import probe

GLOBAL_DIRECTORY = Path("/etc/ssh")


@tap.case("a server key that only the global known_hosts holds is refused")
def _(lab):
    namespaces.need()
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    node.known_hosts_file.write_text("", encoding="utf-8")
    namespaces.mount_tmpfs(GLOBAL_DIRECTORY, "1m")
    lab.on_close(lambda: namespaces.unmount(GLOBAL_DIRECTORY))
    line = f"[127.0.0.1]:{lab.sshd.port} {lab.sshd.host_key}\n"
    (GLOBAL_DIRECTORY / "ssh_known_hosts").write_text(line, encoding="utf-8")
    alone = ("-N", "-o", "UserKnownHostsFile=none")
    log = lab.directory / "control.log"
    ssh = lab.plain_ssh(node.key_file, alone, log, pin=False)
    tap.wait_until(lambda: "Authenticated to" in log.read_text(), 10, "plain ssh accepts it: the file is in its place")
    ssh.kill()
    ssh.wait(10)
    node.start()
    named = str(node.known_hosts_file)
    status, _ = node.wait_status(lambda seen: named in seen["reason"], 15, "a reason that names the file")
    tap.note(f"the client says: {status['reason']}")
    tap.check(status["state"] != "up" and not probe(node.port(), "node-a", 0.5).ok, "the global file was believed")
    tap.check(not lab.agent(node), "a session came to be")


@tap.case("~/.ssh/config with a ProxyCommand and ~/.ssh/known_hosts have no part in it")
def _(lab):
    namespaces.need()
    home = Path(pwd.getpwuid(os.geteuid()).pw_dir)
    if not home.is_dir():
        raise tap.Skip(f"this account has no home directory ({home})")
    private_home = lab.directory / "login-home"
    used = lab.directory / "proxy-was-used"
    config = f"Host *\n  ProxyCommand touch {used}; false\n  User nobody-at-all\n  Port 1\n"
    for directory in (private_home / ".ssh", lab.home / ".ssh"):
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "config").write_text(config, encoding="utf-8")
    namespaces.bind(private_home, home)
    lab.on_close(lambda: namespaces.unmount(home))
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    lab.up(node)
    tap.check(not used.exists(), "the ProxyCommand ran")
    node.stop()
    (private_home / ".ssh" / "known_hosts").write_text(
        f"[127.0.0.1]:{lab.sshd.port} {lab.sshd.host_key}\n", encoding="utf-8"
    )
    node.known_hosts_file.write_text("", encoding="utf-8")
    node.start()
    node.wait_status(lambda seen: str(node.known_hosts_file) in seen["reason"], 15, "a reason with the pinned file")
    tap.check(not probe(node.port(), "node-a", 0.5).ok, "the home's known_hosts was believed")


lab.main(private_mounts=True)
