"""What becomes of packets, addresses and routes between the node and its server."""

import time

from row import ANY, END, FULL, LONG, SAME, Row


HEARTBEAT_S = 15
DOWN = ("down",)  # the status tells the truth after three silent heartbeats


def pause(seconds):
    """A part of the fault: what is tested is the time itself."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.02)


def reset(lab):
    lab.path.reset()


def drop(lab):
    lab.path.drop()
    yield
    lab.path.restore()


def drop_and_forget(lab):
    lab.path.drop()
    lab.path.forget()
    yield
    lab.path.restore()


def forget(lab):
    lab.path.forget()


def drop_up(lab):
    lab.path.drop(down=False)
    yield
    lab.path.restore()


def drop_down(lab):
    lab.path.drop(up=False)
    yield
    lab.path.restore()


def drop_over_heartbeat(lab):
    """Begins two seconds before a heartbeat is due, so that it is lost."""
    pause(HEARTBEAT_S - 2)
    lab.path.drop()
    yield
    lab.path.restore()


def flap(lab):
    """Five times 6 s with packets and 6 s without."""
    for _ in range(5):
        lab.path.drop()
        pause(6)
        lab.path.restore()
        pause(6)
    yield


def change_address(lab):
    lab.machine.change_address()


def lose_route(lab):
    lab.machine.remove_route()
    yield
    lab.machine.add_route()


ROWS = [
    Row("tcp-reset", "both ends get a TCP reset", reset, 1.5, 1),
    # A heartbeat is lost and found: TCP repeats what was lost after as long again at most.
    Row(
        "drop-5",
        "all packets dropped for 5 s, a heartbeat among them",
        drop_over_heartbeat,
        6,
        0,
        END,
        HEARTBEAT_S - 2 + 5,
        SAME,
        is_after_heartbeat=True,
    ),
    Row("flapping", "6 s without packets, 6 s with, five times", flap, 6, 1, END, session=ANY, tier=FULL),
    Row("drop-60", "all packets dropped for 60 s, NAT state kept", drop, 5, 1, END, 60, sees=DOWN),
    Row("drop-60-lost", "all packets dropped for 60 s, NAT state lost", drop_and_forget, 8, 1, END, 60, sees=DOWN),
    Row("drop-600", "all packets dropped for 10 min, NAT state kept", drop, 12, 1, END, 600, tier=LONG, sees=DOWN),
    Row(
        "drop-600-lost",
        "all packets dropped for 10 min, NAT state lost",
        drop_and_forget,
        12,
        1,
        END,
        600,
        tier=LONG,
        sees=DOWN,
    ),
    Row("nat-lost", "NAT state lost, at once and for good", forget, 24, 1, is_after_heartbeat=True),
    Row("drop-up-60", "packets from the node dropped for 60 s", drop_up, 8, 1, END, 60, sees=DOWN),
    Row("drop-down-60", "packets to the node dropped for 60 s", drop_down, 8, 1, END, 60, sees=DOWN),
    Row("address-changed", "the node gets another address", change_address, 4, 1),
    # The kernel tells of a route as it tells of an address. A session that lived through it may stay.
    Row("route-gone-3", "the default route is gone for 3 s", lose_route, 4, 1, END, 3, ANY),
    # Back in the middle of the pause between two tries, which is what the news of it cuts short.
    Row("route-gone-25", "the default route is gone for 25 s", lose_route, 4, 1, END, 25, tier=FULL),
    Row("route-gone-30", "the default route is gone for 30 s", lose_route, 4, 1, END, 30),
]
