"""A node on a machine of its own, under an init that starts its client again a second after it ended."""

import subprocess

import processes
from machine import SERVER_ADDRESS
from node import Node

# Between systemd's default (0.1 s) and procd's (5 s).
RESPAWN_S = 1
INIT = f'while :; do "$@"; sleep {RESPAWN_S}; done'


class FaultNode(Node):
    def __init__(self, lab, machine, name, forwards, server_host=SERVER_ADDRESS, **options):
        self.machine = machine
        self.environment = {}  # beyond the lab's
        super().__init__(lab, name, forwards, server_host=server_host, **options)

    def command(self, *arguments, config=True):
        return [*self.machine.enter, *super().command(*arguments, config=config)]

    def start(self, limits=""):
        """`limits`: a command of the shell before the client starts, such as `ulimit -n 64;`."""
        with open(self.log, "ab") as log:
            self._child = subprocess.Popen(
                ["sh", "-c", limits + INIT, "init", *self.command("run")],
                env={**self.lab.environment, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=processes.die_with_parent,
            )
        return processes.Process(self._child.pid)

    @property
    def supervisor(self):
        """The process of the supervisor, or None while init waits."""
        if not self._child or self._child.poll() is not None:
            return None
        children = processes.Process(self._child.pid).children()
        found = [each for each in children if each.is_alive and " run " in each.command_line]
        return found[0] if found else None

    def worker(self):
        supervisor = self.supervisor
        found = supervisor.children() if supervisor else []
        return next((each for each in found if each.is_alive and "worker" in each.command_line), None)

    def everything(self):
        """Init and all below it."""
        if not self._child or self._child.poll() is not None:
            return []
        init = processes.Process(self._child.pid)
        return [init, *init.descendants()]

    def kill(self):
        """As a power cut: init first, so that nothing is started again."""
        rest = self.everything()
        processes.end(rest[:1])
        processes.end(rest[1:])
        if self._child:
            self._child.wait(10)
