"""A name server that knows one name, and can be silent or broken."""

import socket
import struct
import threading

NAME_LENGTH_AT = 12  # the question begins behind the header, RFC 1035 section 4.1
A = 1
NO_ERROR, SERVER_FAILURE = 0x8180, 0x8182  # response, recursion available


class NameServer:
    """Modes: ok, silent, failing. Every name is `result`; no name has an IPv6 address."""

    def __init__(self, address, result):
        self.mode = "ok"
        self._result = socket.inet_aton(result)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self._socket.close()

    def _serve(self):
        while True:
            try:
                query, client = self._socket.recvfrom(512)
                if self.mode != "silent":
                    self._socket.sendto(self._answer(query), client)
            except OSError:
                return

    def _answer(self, query):
        end = NAME_LENGTH_AT
        while query[end]:
            end += query[end] + 1
        (kind,) = struct.unpack("!H", query[end + 1 : end + 3])
        question = query[NAME_LENGTH_AT : end + 5]
        if self.mode == "failing":
            return query[:2] + struct.pack("!5H", SERVER_FAILURE, 1, 0, 0, 0) + question
        found = kind == A
        answer = struct.pack("!3HIH", 0xC00C, A, 1, 0, 4) + self._result if found else b""
        return query[:2] + struct.pack("!5H", NO_ERROR, 1, found, 0, 0) + question + answer
