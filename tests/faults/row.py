"""One row of the matrix: a fault, and what has to be true of it afterwards."""

from typing import Callable, NamedTuple

START, END = "start", "end"  # of the fault: where its seconds are counted from
NEW, SAME, ANY = "new", "same", "any"  # the session afterwards, as compared with the one before
# Which runs a row belongs to: the test suite's; scripts/faults; scripts/faults --long.
QUICK, FULL, LONG = "quick", "full", "long"


def one_node(lab):
    """The node of most rows: one forward, to a service on its own machine."""
    lab.the_service = lab.service()
    return lab.add_node("node-a", {"ssh": lab.the_service})


class Row(NamedTuple):
    name: str
    what: str
    # Called with the lab. A generator function: what is before its `yield` begins the fault, what is after it ends it.
    fault: Callable
    # Within so many seconds of the fault's start or end both judges say that all is well, and go on saying it.
    limit_s: float
    # So many more logins at most, from the start of the fault until all is settled.
    logins: int
    counted_from: str = START
    lasts_s: float = 0
    session: str = NEW
    state: str = "up"  # that `reversi-server status` ends with
    tier: str = QUICK
    make: Callable = one_node
    state_before: str = "up"
    answer_limit_s: float = 0  # the same limit for the prober alone, where the status may take longer
    # Begins right after a heartbeat was answered: the next is then as far away as can be, and so is its discovery.
    is_after_heartbeat: bool = False
    is_up_before: bool = True  # else the fault itself starts the client
    is_unbroken: bool = False  # not one wrong or missing answer from start to end
    sees: tuple = ()  # verdicts and states that the status must show meanwhile
    never: tuple = ("hung",)  # and those that it must not
    forward: str = ""  # that is probed; the first when empty
    address: str = "127.0.0.1"  # of the exposed port, where it is probed
    is_exclusive: bool = False  # nothing may run beside it
    is_for_plain: bool = False  # not for a build with sanitizers
