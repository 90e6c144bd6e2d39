#!/usr/bin/env python3
"""`ssh NODE` with what `reversi-server ssh-config` wrote: through the tunnel's sshd to the node's own, both real."""

import subprocess

import lab
import tap
from sshd import Sshd, make_key

SSH_LIMIT_S = 30


def second_sshd(lab_):
    """The node's own sshd, with a host key and accounts of its own."""
    directory = lab_.directory / "node-sshd"
    directory.mkdir(mode=0o700)
    authorized_keys = directory / "authorized_keys"
    public = make_key(directory / "person")
    # The tunnel's server is only jumped over: the same person, the same key.
    with open(lab_.authorized_keys, "a", encoding="utf-8") as stream:
        stream.write(public + "\n")
    authorized_keys.write_text(public + "\n", encoding="utf-8")
    sshd = Sshd(directory, lab_.ports.take(), authorized_keys)
    lab_.on_close(sshd.close)
    sshd.start()
    return sshd


def ssh_config(lab_, sshd, generated, *known_nodes):
    """A person's ~/.ssh/config that includes what was generated."""
    included = sshd.directory / "reversi.config"
    included.write_text(generated, encoding="utf-8")
    known_hosts = sshd.directory / "known_hosts"
    lines = [f"[127.0.0.1]:{lab_.sshd.port} {lab_.sshd.host_key}"]
    lines += [f"{node} {key}" for node, key in known_nodes]
    known_hosts.write_text("\n".join(lines) + "\n", encoding="utf-8")
    config = sshd.directory / "config"
    config.write_text(
        f"Include {included}\n\nHost *\n    IdentityFile {sshd.directory / 'person'}\n    IdentitiesOnly yes\n"
        f"    UserKnownHostsFile {known_hosts}\n    GlobalKnownHostsFile /dev/null\n    BatchMode yes\n"
        "    StrictHostKeyChecking yes\n",
        encoding="utf-8",
    )
    return config


def ssh(lab_, config, *arguments):
    return subprocess.run(
        ["ssh", "-F", str(config), *arguments],
        env=lab_.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=SSH_LIMIT_S * tap.SLOWNESS,
        check=False,
    )


@tap.case("ssh NODE runs a command there, through two sshds, each with its own host key")
def _(lab_):
    sshd = second_sshd(lab_)
    node = lab_.add_node("cam-07", {"ssh": f"127.0.0.1:{sshd.port}", "web": lab_.nonce_service("cam-07")})
    lab_.add_node("cam-08", {"ssh": f"127.0.0.1:{sshd.port}"})
    node.start()
    lab_.wait_state(node, "up", 15)
    jump = f"{lab_.user}@127.0.0.1:{lab_.sshd.port}"
    generated = lab_.server("ssh-config", "--jump", jump, "--user", lab_.user)
    tap.check(f"# web {node.port('web')} healthy" in generated, generated)
    config = ssh_config(lab_, sshd, generated, ("cam-07", sshd.host_key), ("cam-08", sshd.host_key))
    done = ssh(lab_, config, "cam-07", "true")
    tap.check(done.returncode == 0, f"exit {done.returncode}: {done.stdout}")
    seen = ssh(lab_, config, "cam-07", "echo $SSH_CONNECTION").stdout.split()
    tap.check(seen and seen[-1] == str(sshd.port), f"not the node's sshd: {seen}")
    # cam-08 has the same service behind it, but no tunnel.
    done = ssh(lab_, config, "cam-08", "true")
    tap.check(done.returncode == 255, f"exit {done.returncode}: {done.stdout}")


@tap.case("another host key under the node's name is refused")
def _(lab_):
    sshd = second_sshd(lab_)
    node = lab_.add_node("cam-07", {"ssh": f"127.0.0.1:{sshd.port}"})
    node.start()
    lab_.wait_state(node, "up", 15)
    generated = lab_.server("ssh-config", "--jump", f"127.0.0.1:{lab_.sshd.port}", "--user", lab_.user)
    config = ssh_config(lab_, sshd, generated, ("cam-07", lab_.sshd.host_key))
    done = ssh(lab_, config, "cam-07", "true")
    tap.check(done.returncode == 255 and "cam-07" in done.stdout, f"exit {done.returncode}: {done.stdout}")


@tap.case("the jump host is the address that a node was told; --match chooses nodes; mistakes are one line")
def _(lab_):
    for name in ("cam-07", "cam-08"):
        lab_.server(
            "node", "add", name, "--key", "-", "--forward", "ssh", "--address", "tunnel.example.org:2222",
            "--host-key", lab_.sshd.directory / "host_key.pub",
            text=make_key(lab_.directory / name) + "\n",
        )
    generated = lab_.server("ssh-config", "--match", "*-07")
    tap.check("\n    ProxyJump tunnel.example.org:2222\n" in generated, generated)
    tap.check("\nHost cam-07\n" in generated and "cam-08" not in generated, generated)
    tap.check("ProxyJump" not in lab_.server("ssh-config", "--jump", "none"), "--jump none")
    lab_.server("ssh-config", "--jump", "-oProxyCommand=x", code=2)
    lab_.server("ssh-config", "--user", "a b", code=2)


lab.main(policy={"check_ms": 1000})
