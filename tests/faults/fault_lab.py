"""The lab of one fault: a server with a stock sshd and an account without rights, and machines around it.

Runs as root in namespaces of its own (matrix.py makes them): network, mounts and processes end with it.
"""

import functools
import os
from pathlib import Path

from fault_node import FaultNode
from lab import Lab
from machine import SERVER_ADDRESS, Machine, command, in_machine, new_boot_id, prepare_server
from path import Path as NetworkPath
from plain_node import PlainNode
from services import NonceService

ACCOUNT = "reversi"
NODE = "node-a"


class FaultLab(Lab):
    def __init__(self, scratch, sshd_options=(), program=""):
        """`program`: what the nodes run instead of reversi, see plain_node.py."""
        self.program = program
        os.chmod(scratch, 0o711)  # the account on the server reaches its home below it
        prepare_server()
        super().__init__(scratch, sshd_options=(f"ListenAddress {SERVER_ADDRESS}", *sshd_options))
        self.user = ACCOUNT
        self.directory.chmod(0o711)
        self.state_dir.rmdir()
        self.state_dir = self.home / "state"  # where the account may make it again
        self.state_dir.mkdir(mode=0o700)
        self.environment["REVERSI_STATE_DIR"] = str(self.state_dir)
        self._make_account()
        new_boot_id(self.directory)
        self.machines = []
        self.machine = self.add_machine()
        self.path = NetworkPath(self.machine, self.sshd.port)
        self.node = None
        self.notes = []  # what a fault found worth telling

    def _make_account(self):
        """Rights that root has would hide what an agent may not do."""
        uid = 59000
        taken = {int(line.split(":")[2]) for line in Path("/etc/passwd").read_text(encoding="utf-8").splitlines()}
        while uid in taken:
            uid -= 1
        # "*" and not "!": an sshd without PAM refuses a locked account even with a key.
        for name, line in (
            ("passwd", f"{ACCOUNT}:x:{uid}:{uid}:fault tests:{self.home}:/bin/sh"),
            ("group", f"{ACCOUNT}:x:{uid}:"),
            ("shadow", f"{ACCOUNT}:*:19000:0:99999:7:::"),
        ):
            text = Path("/etc", name).read_text(encoding="utf-8")
            lines = [each for each in text.splitlines() if not each.startswith(f"{ACCOUNT}:")]
            file = self.directory / name
            file.write_text("\n".join([*lines, line]) + "\n", encoding="utf-8")
            file.chmod(0o600 if name == "shadow" else 0o644)
            command("mount", "--bind", file, f"/etc/{name}")
        self.uid = uid
        for path in (self.home, self.state_dir, self.authorized_keys.parent, self.authorized_keys):
            os.chown(path, uid, uid)

    def close(self):
        super().close()
        for machine in self.machines:
            machine.close()

    # ---- machines, nodes, services -----------------------------------------------------------------

    def add_machine(self):
        machine = Machine(self.directory, len(self.machines) + 1)
        self.machines.append(machine)
        return machine

    def service(self, name=NODE, kind=NonceService, machine=None):
        """A service on a machine, the first when not named."""
        service = in_machine(machine or self.machine, kind, name, self.ports.take())
        self.on_close(service.close)
        return service

    def add_node(self, name, forwards, machine=None, **options):
        make = functools.partial(PlainNode, self.program) if self.program else FaultNode
        node = make(self, machine or self.machine, name, forwards, **options)
        self.nodes.append(node)
        return node

    def session_sshd(self, node):
        if not self.program:
            return super().session_sshd(node)
        found = [each for each in self.sshd.sessions() if each.command_line.startswith(f"sshd: {ACCOUNT}")]
        return next((each for each in found if "[priv]" not in each.command_line), None)

    # ---- what is counted ---------------------------------------------------------------------------

    def logins(self):
        """Sessions that sshd let in, so far."""
        return self.sshd.log.read_text(encoding="utf-8", errors="replace").count("Accepted publickey for ")

    def reboot_server(self):
        """Everything that ran on the server is gone and the disk is as it was. Starts nothing."""
        self.sshd.stop()
        new_boot_id(self.directory)
