"""A listener of another account, which greets whoever connects and is no part of any tunnel."""

import subprocess
import sys

import tap

OTHER_UID = 65534
LISTENER = """
import os, socket, sys
os.setgroups([])
os.setgid(int(sys.argv[3]))
os.setuid(int(sys.argv[3]))
listener = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
if ":" in sys.argv[1]:
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
listener.bind((sys.argv[1], int(sys.argv[2])))
listener.listen(16)
print("ready", flush=True)
while True:
    connection, _ = listener.accept()
    connection.sendall(b"stranger\\n")
    connection.close()
"""


def stranger(lab, address, port):
    """Starts it and returns its Popen. Needs root."""
    command = [sys.executable, "-c", LISTENER, address, str(port), str(OTHER_UID)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE)

    def stop():
        child.kill()
        child.wait(10)

    lab.on_close(stop)
    tap.check(child.stdout.readline() == b"ready\n", f"nobody listens on {address}")
    return child
