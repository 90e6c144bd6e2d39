#!/usr/bin/env python3
"""A user downloads from the node's service over a thin link: node → server is full for minutes."""

import time

import lab
import tap
from services import DownloadService
from slow_link import saturate


def receive(connection, until):
    connection.settimeout(5)
    connection.sendall(b"x")
    while time.monotonic() < until:
        try:
            connection.recv(65536)
        except OSError:  # a time limit, or the end: the judge sees it
            pass


@tap.case("1 Mbit/s from node to server, full for minutes: same session")
def _(lab):
    service = DownloadService("source", lab.ports.take())
    lab.on_close(service.close)
    saturate(lab, service, receive, "node to server", lambda relay: relay.up)


lab.main()
