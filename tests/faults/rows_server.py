"""sshd and the server as a whole go away and come back."""

from machine import command
from row import END, SAME, Row


def restart_sshd(lab):
    lab.sshd.stop()
    yield
    lab.sshd.start()


def upgrade_sshd(lab):
    lab.sshd.restart(sessions=False)
    yield


def crash(lab):
    lab.path.drop()
    lab.reboot_server()
    # A kernel that starts anew knows nothing of the connections that it had, and says so to whoever goes on with them.
    command("ss", "-HKtn", f"sport = :{lab.sshd.port}", code=None)
    yield
    lab.sshd.start()
    lab.path.restore()


ROWS = [
    Row("sshd-restarted", "sshd and its sessions are gone for 5 s", restart_sshd, 3, 1, END, 5, sees=("down",)),
    Row(
        "sshd-upgraded", "sshd is restarted and its sessions stay", upgrade_sshd, 1, 0, END, 3, SAME, is_unbroken=True
    ),
    # The client found the path dead meanwhile and tries every 10 s, as long as nobody answers; then as after a drop.
    Row("server-rebooted", "the server crashes and is back after 30 s", crash, 12, 1, END, 30, sees=("down",)),
]
