"""What the network between a machine and the server does to packets: nothing, drop them, forget a connection, reset.

`up` is from the machine to the server. A NAT that lost its state drops the packets of the connections that it knew,
both ways and for ever, and lets new ones pass. (One that answers with a reset is kinder: see reset().)
"""

import tap
from machine import command

TABLE = "inet faults"


class Path:
    def __init__(self, machine, server_port):
        self.machine = machine
        self.server_port = server_port
        self._lost = set()  # the machine's ports of forgotten connections
        self._up, self._down = True, True
        self._apply()

    def drop(self, up=True, down=True):
        """Drops every packet of these directions until restore()."""
        self._up, self._down = not up, not down
        self._apply()

    def restore(self):
        self.drop(False, False)

    def forget(self):
        """The NAT loses its state."""
        self._lost |= set(self.machine.connections_to(self.server_port))
        self._apply()

    def reset(self):
        """Both ends of every connection get a TCP reset."""
        shown = self.machine.run("ss", "-HKtn", f"dport = :{self.server_port}", code=None)
        if not shown.strip():
            raise tap.Skip("needs root on a kernel with INET_DIAG_DESTROY, for ss -K")

    def _apply(self):
        # Each end drops what it receives: a sender whose own kernel drops is told by an error.
        self._load((), self.machine.server_end, "sport", self._up)
        self._load(self.machine.enter, self.machine.own_end, "dport", self._down)

    def _load(self, enter, interface, port, passes):
        rules = [f"iifname {interface} tcp {port} {lost} drop" for lost in sorted(self._lost)]
        if not passes:
            rules.append(f"iifname {interface} drop")
        name = f"{TABLE}-{interface}"
        text = f"table {name} {{}}\ndelete table {name}\ntable {name} {{\n chain before {{\n"
        text += "  type filter hook prerouting priority raw; policy accept;\n"
        text += "".join(f"  {rule}\n" for rule in rules) + " }\n}\n"
        command(*enter, "nft", "-f", "-", text=text)
