"""Free TCP ports that stay ours: no two labs of this machine get the same one, even at the same time."""

import random
import socket

# Below the range from which the kernel takes ports for outgoing connections.
FIRST, LAST = 10240, 19999


class Ports:
    """Each port is held by a name in the abstract socket namespace, which ends with the process."""

    def __init__(self):
        self._held = []

    def take(self):
        candidates = list(range(FIRST, LAST + 1))
        random.shuffle(candidates)
        for port in candidates:
            name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                name.bind(f"\0reversi-e2e-port-{port}")
            except OSError:
                name.close()
                continue
            if is_free(port):
                self._held.append(name)
                return port
            name.close()
        raise OSError("no free port")

    def close(self):
        for name in self._held:
            name.close()
        self._held = []


def is_free(port):
    """Nothing listens on it, neither on 127.0.0.1 nor on ::1."""
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as trial:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                trial.bind((address, port))
                trial.listen(1)
        except OSError as error:
            if family == socket.AF_INET6 and error.errno in (97, 99):  # no IPv6 here
                continue
            return False
    return True
