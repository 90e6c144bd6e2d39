"""The walk-through of scripts/demo: one node, one server, and what becomes of the tunnel when things break.

Everything is private and real: an OpenSSH sshd on a free loopback port with its own keys, a state directory, an HTTP
service, the three programs as built. Each step is judged twice within its limit: by a prober that knows nothing of
reversi (a fresh nonce in through the exposed port, the same nonce out) and by `reversi-server status --json`.
"""

import argparse
import os
import select
import shutil
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "e2e"))

import processes  # noqa: E402
import tap  # noqa: E402
from lab import Lab  # noqa: E402
from probes import Answer, probe_http  # noqa: E402
from services import HttpService  # noqa: E402

NODE = "cam-07"
CHECK_MS = 2000
PROBE_LIMIT_S = 1.0


class Step:
    """What happens, what has to be seen within `limit_s`, and how `--break` takes the cure away.

    `hold` acts before `cause`: it suspends what would cure the step, or leaves the cure out.
    """

    def __init__(self, name, title, limit_s, cause, is_reached, answers, breaking, hold=None):
        self.name = name
        self.title = title
        self.limit_s = limit_s
        self.cause = cause
        self.is_reached = is_reached
        self.answers = answers
        self.breaking = breaking
        self.hold = hold


class Demo:
    def __init__(self, lab, broken):
        self.lab = lab
        self.broken = broken
        self.session = ""  # that the step began with
        self.service = HttpService(NODE, lab.ports.take())
        lab.on_close(self.service.close)
        self.node = lab.add_node(NODE, {"web": self.service})

    # ---- steps -----------------------------------------------------------------------------------

    def steps(self):
        def is_new_and_up(status):
            return status.get("state") == "up" and self.session_of(status) not in ("", self.session)

        def is_same(status, state, verdict):
            forward = (status.get("forwards") or [{}])[0]
            return (
                (status.get("state"), forward.get("verdict")) == (state, verdict)
                and self.session_of(status) == self.session
            )

        return [
            Step(
                "up",
                "reversi-client starts",
                5,
                lambda: self.node.start() if self.broken != "up" else None,
                is_new_and_up,
                True,
                "the client is not started",
            ),
            Step(
                "worker-killed",
                "kill -9 of the worker, which holds the SSH session",
                5,
                lambda: self.node.worker().kill(),
                is_new_and_up,
                True,
                "the supervisor is stopped (SIGSTOP), so that nobody starts another worker",
                lambda: self.node.supervisor.stop(),
            ),
            Step(
                "sshd-stopped",
                "SIGSTOP of the server's sshd process of this session: it hangs, its port stays open",
                30,
                lambda: self.lab.session_sshd(self.node).stop(),
                is_new_and_up,
                True,
                "the supervisor is stopped (SIGSTOP), so that nobody notices the silence",
                lambda: self.node.supervisor.stop(),
            ),
            Step(
                "service-down",
                "the node's HTTP service ends; the tunnel is good and has to stay",
                10,
                lambda: self.set_service("down"),
                lambda status: is_same(status, "degraded", "service_down"),
                False,
                "the agent is stopped (SIGSTOP), so that nobody looks",
                lambda: self.lab.agent(self.node).stop(),
            ),
            Step(
                "service-up",
                "the service is back",
                10,
                lambda: self.set_service("ok") if self.broken != "service-up" else None,
                lambda status: is_same(status, "up", "healthy"),
                True,
                "the service is not started again",
            ),
        ]

    def set_service(self, mode):
        self.service.mode = mode

    @staticmethod
    def session_of(status):
        return (status.get("session") or {}).get("id", "")

    def run(self, step):
        """Whether the step held; prints what was seen."""
        say(f"\n== {step.name}: {step.title}")
        self.session = self.session_of(self.lab.status(self.node))
        if self.broken == step.name:
            say(f"   BROKEN ON PURPOSE: {step.breaking}")
            if step.hold:
                step.hold()
        began = time.monotonic()
        step.cause()
        held = {"prober": None, "status": None}
        answer, status = Answer(False, "not asked", 0), {}
        # Both are asked again until both hold at the same time, or the limit is over.
        while time.monotonic() - began < step.limit_s and None in held.values():
            status = self.lab.status(self.node)
            held["status"] = self.note_time(held["status"], step.is_reached(status), began)
            answer = probe_http(self.node.port(), PROBE_LIMIT_S)
            held["prober"] = self.note_time(held["prober"], answer.ok == step.answers, began)
        wanted = "a right answer" if step.answers else "no answer"
        seen = "the nonce came back" if answer.ok else f"no answer ({answer.detail})"
        self.show(held["prober"], step.limit_s, f"prober: {seen}", f"wanted {wanted}")
        self.show(held["status"], step.limit_s, f"status: {shown(status)}", "wanted another")
        return None not in held.values()

    @staticmethod
    def note_time(before, holds, began):
        if not holds:
            return None
        return before if before is not None else time.monotonic() - began

    @staticmethod
    def show(seconds, limit_s, text, otherwise):
        if seconds is None:
            say(f"   FAIL  not within {limit_s:g} s  {text}; {otherwise}")
        else:
            say(f"   ok    {seconds:5.2f} s (limit {limit_s:g} s)  {text}")

    # ---- afterwards ------------------------------------------------------------------------------

    def play(self):
        """Stays up until Ctrl-C, or until `q` where somebody types."""
        lab, node = self.lab, self.node
        say("\nIt stays up until Ctrl-C. To play with:")
        say(f"   curl http://localhost:{node.port()}/    (through the tunnel)")
        if not os.environ.get("REVERSI_SANDBOX"):
            say(f"   export REVERSI_STATE_DIR={lab.state_dir} HOME={lab.home}")
            say(f"   {os.environ['REVERSI_SERVER']} status {NODE}")
            say(f"   {os.environ['REVERSI_SERVER']} events {NODE}")
            say(f"   {os.environ['REVERSI_CLIENT']} status --config {node.config_file}")
            say(f"   {os.environ['REVERSI_CLIENT']} restart-tunnel --config {node.config_file}")
        actions = {
            "s": ("status", lambda: say(lab.server("status", NODE, code=None).rstrip())),
            "e": ("events", lambda: say(lab.server("events", NODE, code=None).rstrip())),
            "k": ("kill the worker", lambda: node.worker().kill()),
            "h": ("hang the server's sshd (SIGSTOP)", lambda: lab.session_sshd(node).stop()),
            "d": ("service down", lambda: self.set_service("down")),
            "u": ("service up", lambda: self.set_service("ok")),
        }
        keys = ", ".join(f"{key} = {text}" for key, (text, _) in actions.items())
        is_typed = sys.stdin is not None and sys.stdin.isatty()
        if is_typed:
            say(f"   or type a letter and Enter: {keys}, q = quit")
        while True:
            ready, _, _ = select.select([sys.stdin] if is_typed else [], [], [], 1)
            if not ready:
                continue
            line = sys.stdin.readline()
            word = line.strip()
            if not line or word == "q":
                return
            if word in actions:
                try:
                    actions[word][1]()
                    say(f"done: {actions[word][0]}")
                except AttributeError:
                    say("there is none at the moment: try again")
            elif word:
                say(keys)


def shown(status):
    """The status in one line."""
    if not status:
        return "none"
    text = [status.get("state", "?")]
    for forward in status.get("forwards", []):
        text.append(f"{forward['name']} {forward['listen']} → {forward['target']} {forward['verdict']}")
    if status.get("reason"):
        text.append(status["reason"])
    text.append(f"session {Demo.session_of(status) or 'none'}")
    return ", ".join(text)


def say(text):
    print(text, flush=True)


def walk_through(scratch, once, broken):
    with Lab(scratch, policy={"check_ms": CHECK_MS}) as lab:
        say(f"sshd {lab.sshd.version()} on 127.0.0.1:{lab.sshd.port}, state and keys in {lab.directory}")
        demo = Demo(lab, broken)
        say(f"node {NODE}: localhost:{demo.node.port()} on the server is to lead to {demo.service.target} on the node")
        say(f"(the server checks every {CHECK_MS / 1000:g} s here; the default is 60 s)")
        for step in demo.steps():
            if not demo.run(step):
                say(f"\n{step.name} did not hold" + (", as --break wanted" if broken == step.name else ""))
                if broken != step.name:
                    say(lab.report())
                return 1
        say("\nevery step held")
        if not once:
            try:
                demo.play()
            except SystemExit:
                say("\nending")  # Ctrl-C is how it is meant to end
    return 0


STEP_NAMES = ("up", "worker-killed", "sshd-stopped", "service-down", "service-up")


def main():
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__.split("\n")[0])
    parser.add_argument("--once", action="store_true", help="end after the steps; exit code 0 only if every step held")
    parser.add_argument(
        "--break",
        dest="broken",
        choices=STEP_NAMES,
        metavar="STEP",
        help=f"take away that step's cure, so that it has to fail: {', '.join(STEP_NAMES)}",
    )
    arguments = parser.parse_args()
    for name in ("ssh", "ssh-keygen"):
        if not shutil.which(name):
            sys.exit(f"scripts/demo: {name} is missing: run scripts/deps")
    tap.SLOWNESS = 1.0
    processes.guard(lambda scratch: walk_through(scratch, arguments.once, arguments.broken))


if __name__ == "__main__":
    main()
