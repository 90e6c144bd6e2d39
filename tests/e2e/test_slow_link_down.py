#!/usr/bin/env python3
"""A user uploads to the node's service over a thin link: server → node is full for minutes."""

import time

import lab
import tap
from services import SinkService
from slow_link import saturate


def send(connection, until):
    connection.settimeout(5)
    block = bytes(16384)
    while time.monotonic() < until:
        try:
            connection.send(block)
        except OSError:  # a time limit, or the end: the judge sees it
            pass


@tap.case("1 Mbit/s from server to node, full for minutes: same session")
def _(lab):
    service = SinkService("sink", lab.ports.take())
    lab.on_close(service.close)
    saturate(lab, service, send, "server to node", lambda relay: relay.down)


lab.main()
