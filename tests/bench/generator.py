"""The load generator (tests/bench/load), driven by one command a line."""

import json
import selectors
import subprocess

import processes
import tap

ROLES = ("sink", "source", "echo", "greeter")
ANSWER_LIMIT_S = 180


class Generator:
    def __init__(self, lab, program):
        self.ports = {role: lab.ports.take() for role in ROLES}
        self._child = subprocess.Popen(
            [str(program), *(str(self.ports[role]) for role in ROLES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            preexec_fn=processes.die_with_parent,
        )
        lab.on_close(self.close)

    def close(self):
        self._child.stdin.close()
        try:
            self._child.wait(5)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait(5)

    def start(self, *words):
        """Gives a command of commands.h; finish() takes its answer."""
        self._child.stdin.write(" ".join(map(str, words)) + "\n")
        self._child.stdin.flush()
        self._asked = words

    def finish(self, limit_s=ANSWER_LIMIT_S):
        with selectors.DefaultSelector() as selector:
            selector.register(self._child.stdout, selectors.EVENT_READ)
            line = self._child.stdout.readline() if selector.select(limit_s * tap.SLOWNESS) else ""
        answer = json.loads(line) if line else {"error": f"no answer within {limit_s} s"}
        if "error" in answer:
            raise tap.Failed(f"load: {' '.join(map(str, self._asked))}: {answer['error']}")
        return answer

    def ask(self, *words, limit_s=ANSWER_LIMIT_S):
        self.start(*words)
        return self.finish(limit_s)
