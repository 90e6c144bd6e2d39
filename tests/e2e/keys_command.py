"""A lab whose sshd asks `reversi-server keys`, as after `setup --system`. Needs root: sshd runs such a command only if its
whole path is root's and nobody else may write there."""

import os
import shutil

import lab
import namespaces
import tap

DIRECTORY = "/mnt"
PROGRAM = f"{DIRECTORY}/reversi-server"


def options(state_dir):
    return [
        f"AuthorizedKeysCommand {PROGRAM} keys --state-dir {state_dir} %f %t %k",
        "AuthorizedKeysCommandUser root",
        "MaxStartups 100",
    ]


def need():
    """Puts the program where sshd takes it from; ends with the private mounts."""
    if os.geteuid() != 0:
        raise tap.Skip("needs root: a command whose whole path is root's")
    namespaces.need()
    if not os.path.ismount(DIRECTORY):
        namespaces.mount_tmpfs(DIRECTORY, "512m")
        os.chmod(DIRECTORY, 0o755)
    if not os.path.exists(PROGRAM):  # an agent of the case before may still run it
        shutil.copy(os.environ["REVERSI_SERVER"], PROGRAM)
        os.chmod(PROGRAM, 0o755)


def use(installation):
    """The lab's sshd forgets authorized_keys and asks the command."""
    need()
    text = installation.sshd.config.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("AuthorizedKeysFile ")]
    lines += ["AuthorizedKeysFile none", *options(installation.state_dir)]
    installation.sshd.config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    installation.sshd.restart()


def run(**options):
    lab.main(private_mounts=True, **options)
