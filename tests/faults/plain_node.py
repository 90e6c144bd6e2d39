"""A node without reversi, for comparison: `ssh -N -R` under an init that starts it again, or autossh, as people run them.

The options are those that manuals and packages recommend: three unanswered keepalives ten seconds apart end the session,
and a refused forward does.
"""

import os
import shutil

import tap
from fault_node import FaultNode
from machine import SERVER_ADDRESS

SSH, AUTOSSH = "ssh", "autossh"
PROGRAMS = (SSH, AUTOSSH)
KEEPALIVE = "-o ServerAliveInterval=10 -o ServerAliveCountMax=3 -o ExitOnForwardFailure=yes".split()


class PlainNode(FaultNode):
    def __init__(self, program, *arguments, **options):
        self.program = program
        if not shutil.which(program):
            raise tap.Skip(f"{program} is not installed")
        super().__init__(*arguments, **options)
        self.environment = {"AUTOSSH_GATETIME": "0"}  # else autossh ends if its first try fails

    def register(self, admin_forwards=None):
        with open(self.lab.authorized_keys, "a", encoding="utf-8") as stream:
            stream.write(f"restrict,port-forwarding {self.public_key}\n")

    def command(self, *arguments, config=True):
        if arguments != ("run",):
            return super().command(*arguments, config=config)
        forward = f"localhost:{self.port()}:{self.service().target}"
        options = ["-F", "none", "-i", self.key_file, "-p", self.server_port, "-o", "IdentitiesOnly=yes"]
        options += ["-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={self.known_hosts_file}", *KEEPALIVE]
        words = [self.program, *(["-M", "0"] if self.program == AUTOSSH else []), *options]
        words += ["-N", "-R", forward, f"{self.lab.user}@{SERVER_ADDRESS}"]
        return [*self.machine.enter, *map(str, words)]

    def worker(self):
        """The ssh process that holds the connection."""
        found = [each for each in self.everything()[1:] if each.is_alive]
        return next((each for each in found if os.path.basename(each.command_line.split(" ")[0]) == SSH), None)

    @property
    def supervisor(self):
        return self.worker()

    def status_text(self):
        return ""
