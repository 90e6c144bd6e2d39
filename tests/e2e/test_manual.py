#!/usr/bin/env python3
"""Manual pages and completion, as generated: well-formed, whole against what the programs say, and usable in real shells."""

import contextlib
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import tap

ROOT = Path(__file__).resolve().parents[2]
MADE = Path(os.environ["REVERSI_MANUAL"])
PROGRAMS = {"reversi-client": os.environ["REVERSI_CLIENT"], "reversi-server": os.environ["REVERSI_SERVER"]}
PAGES = [
    "reversi-client.1", "reversi-server.1", "reversi-client.json.5", "reversi-server.json.5", "reversi-protocol.7",
]  # fmt: skip
LIMIT_S = 30
LIST = "cam-07               enabled   ssh=20001\ncam-08               enabled   ssh=20002\n"


def run(*command, code=0, environment=None):
    done = subprocess.run(
        command, env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, encoding="utf-8", timeout=LIMIT_S * tap.SLOWNESS, check=False,
    )  # fmt: skip
    tap.check(code in (None, done.returncode), f"{' '.join(map(str, command))}: exit {done.returncode}: {done.stdout}")
    return done.stdout


def need(program):
    if not shutil.which(program):
        raise tap.Skip(f"needs {program}")


def shown(page):
    """The page as a reader sees it, in one line."""
    need("mandoc")
    text = run("mandoc", "-Tutf8", str(MADE / page), environment={"LC_ALL": "C.UTF-8"})
    text = re.sub(r".\x08", "", text)
    return " ".join(text.replace("\u2010", "-").replace("\u2212", "-").split())


def verbs_of(program):
    """Every verb that --help tells of, groups opened."""
    listed = run(program, "--help").split("Subcommands:")[1]
    for name, summary in re.findall(r"^  (\S+) +(.*)$", listed, re.M):
        if " | " in summary:
            yield from ([name, verb] for verb in summary.split(" | "))
        else:
            yield [name]


@tap.case("mandoc has nothing to say against a page")
def _(_):
    need("mandoc")
    for page in PAGES:
        said = run("mandoc", "-Tlint", "-Wstyle", str(MADE / page), code=None).splitlines()
        # Which other pages are installed is the machine's affair.
        said = [line for line in said if "manual not found" not in line and "mandoc.db" not in line]
        tap.check(not said, f"{page}: {said}")


@tap.case("every verb and option that a program's --help tells of is on its page and in both completions")
def _(_):
    for name, program in PROGRAMS.items():
        page = shown(f"{name}.1")
        scripts = [(MADE / name).read_text("utf-8"), (MADE / f"_{name}").read_text("utf-8")]
        count = 0
        for verb in verbs_of(program):
            tap.check(f"{name} {' '.join(verb)}" in page, f"{name}.1 has no {' '.join(verb)}")
            options = set(re.findall(r"^  (--[a-z-]+)", run(program, *verb, "--help"), re.M))
            for option in options | {verb[-1]}:
                tap.check(option in page, f"{name}.1 has no {option} of {verb}")
                tap.check(all(option in script for script in scripts), f"a completion of {name} has no {option} of {verb}")
            count += len(options)
        tap.check(count > 10, f"only {count} options of {name} were found")


@tap.case("every message and field of docs/protocol.md is in reversi-protocol(7)")
def _(_):
    page = shown("reversi-protocol.7")
    text = (ROOT / "docs/protocol.md").read_text("utf-8")
    words = re.findall(r"^### (\w+)", text, re.M) + re.findall(r"^\| `(\w+)`", text, re.M)
    tap.check(len(words) > 50, f"only {words}")
    for word in words:
        tap.check(word in page, f"no {word}")


@tap.case("every exit code is on the pages of the programs that end with it, every key of the examples on its file's page")
def _(_):
    text = (ROOT / "common/core/exit_code.h").read_text("utf-8")
    everybody = text.split("// Only of the worker")[0]
    for page, source in (("reversi-client.1", text), ("reversi-server.1", everybody)):
        codes = re.findall(r"^  \w+ = (\d+),", source, re.M)
        tap.check(len(codes) >= 4, f"only {codes}")
        listed = shown(page).split("EXIT STATUS ")[1]
        for code in codes:
            tap.check(re.search(rf"(^| ){code} [A-Z]", listed), f"{page} has no {code}: {listed}")
    for side in ("client", "server"):
        page = shown(f"reversi-{side}.json.5")
        for example in (ROOT / "config").glob(f"{side}*.example.json"):
            for key in re.findall(r'"(\w+)":', example.read_text("utf-8")):
                tap.check(re.search(rf"\b{key}\b", page), f"reversi-{side}.json.5 has no {key} of {example.name}")


def fake_server(directory):
    """A reversi-server that knows two nodes and a key that knocked."""
    program = Path(directory) / "reversi-server"
    program.write_text(
        f"#!/bin/sh\ncase $* in\n  'node list') printf '%s' '{LIST}' ;;\n"
        "  'node pending') echo 'SHA256:Ukyj7mQ0  now' ;;\nesac\n", "utf-8",
    )  # fmt: skip
    program.chmod(0o755)


def in_bash(name, line, directory):
    """What bash offers at the end of the line."""
    script = (
        'cd "$3" && . "$1" && COMP_LINE=$2 COMP_POINT=${#COMP_LINE} && COMP_WORDBREAKS=$\' \\t\\n"\\\'><=;|&(:\'\n'
        f'_{name.replace("-", "_")} && printf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    path = {"PATH": f"{directory}:{os.environ['PATH']}"}
    said = run("bash", "--norc", "-c", script, "bash", str(MADE / name), line, directory, environment=path)
    return sorted(said.split())


BASH = [
    ("reversi-client sta", ["status"]),
    ("reversi-client import ", ["autossh", "reversi", "sshtunnel"]),
    ("reversi-client status --j", ["--json"]),
    ("reversi-client check --config cl", ["client.json"]),
    ("reversi-client check --config=cl", ["client.json"]),
    ("reversi-client keygen --out ", ["client.json", "keys", "reversi-server"]),
    ("reversi-client enroll --force ", []),
    ("reversi-server node a", ["add", "approve"]),
    ("reversi-server status --state up --state d", ["degraded", "disabled", "down"]),
    ("reversi-server status --state-dir k", ["keys"]),
    ("reversi-server node bundle x --os ", ["linux", "macos", "openwrt"]),
    ("reversi-server evict ", ["cam-07", "cam-08"]),
    ("reversi-server node approve SHA256:U", ["Ukyj7mQ0"]),
    ("reversi-server age", []),
]


@tap.case("bash offers verbs, options, files, nodes and keys that knocked")
def _(_):
    for name in PROGRAMS:
        run("bash", "-n", str(MADE / name))
        if shutil.which("shellcheck"):
            run("shellcheck", str(MADE / name))
    with tempfile.TemporaryDirectory() as directory:
        fake_server(directory)
        (Path(directory) / "client.json").touch()
        (Path(directory) / "keys").mkdir()
        for line, wanted in BASH:
            got = in_bash(line.split()[0], line, directory)
            tap.check(got == wanted, f"{line!r}: {got}, expected {wanted}")


class Shell:
    """An interactive shell on a terminal that completes for us. Its start-up file defines how it says what is on its line."""

    def __init__(self, directory, name):
        self.out = Path(directory) / "out"
        words, file, text = SHELLS[name]
        said = f"{{ print_it >{self.out}.new; mv -f {self.out}.new {self.out}; }}"
        (Path(directory) / file).write_text(text.replace("SAID", said).replace("MADE", str(MADE)), "utf-8")
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(directory)
            os.environ.update({"PATH": f"{directory}:{os.environ['PATH']}", "TERM": "vt100", "ZDOTDIR": directory})
            os.execvp(name, [name, *words])
        self.answer(f"{name} is ready")

    def send(self, text):
        os.write(self.terminal, text.encode())

    def answer(self, what):
        deadline = time.monotonic() + LIMIT_S * tap.SLOWNESS
        while not self.out.exists():
            tap.check(time.monotonic() < deadline, f"{what}: not within {LIMIT_S} s")
            if select.select([self.terminal], [], [], 0.05)[0]:
                os.read(self.terminal, 65536)
        text = self.out.read_text("utf-8").strip()
        self.out.unlink()
        return text

    def completed(self, line):
        self.send(f"{line}\t\x07")
        return self.answer(line)

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


# Words to start with, the start-up file, and what it says: with a line that is "ready" once the shell takes keys.
SHELLS = {
    "zsh": (["-o", "NO_GLOBAL_RCS", "-i"], ".zshrc", """
fpath=(MADE $fpath); autoload -Uz compinit; compinit -u -D; bindkey '^I' complete-word
print_it() { print -r -- "$BUFFER"; }
shown() { SAID; BUFFER=; }; zle -N shown; bindkey '^G' shown
ready() { BUFFER=ready; SAID; BUFFER=; }; zle -N zle-line-init ready
"""),
    "bash": (["--noprofile", "--rcfile", ".bashrc", "-i"], ".bashrc", """
. MADE/reversi-client; . MADE/reversi-server
print_it() { printf '%s\\n' "$READLINE_LINE"; }; shown() { SAID; READLINE_LINE=; }; bind -x '"\\C-g": shown'
READLINE_LINE=ready; PROMPT_COMMAND='SAID; PROMPT_COMMAND='
"""),
}  # fmt: skip
TYPED = [
    ("reversi-client sta", "reversi-client status"),
    ("reversi-client import ss", "reversi-client import sshtunnel"),
    ("reversi-client status --j", "reversi-client status --json"),
    ("reversi-client check --config cl", "reversi-client check --config client.json"),
    ("reversi-server node appr", "reversi-server node approve"),
    ("reversi-server node bundle x --os op", "reversi-server node bundle x --os openwrt"),
    ("reversi-server status --state deg", "reversi-server status --state degraded"),
    ("reversi-server evict cam-08", "reversi-server evict cam-08"),
    ("reversi-server node show cam", "reversi-server node show cam-0"),
]


def try_in(shell):
    with tempfile.TemporaryDirectory() as directory:
        fake_server(directory)
        (Path(directory) / "client.json").touch()
        terminal = Shell(directory, shell)
        try:
            for line, wanted in TYPED:
                got = terminal.completed(line)
                tap.check(got == wanted, f"{line!r}: {got!r}, expected {wanted!r}")
        finally:
            terminal.close()


@tap.case("a person's bash completes verbs, options, files and nodes")
def _(_):
    try_in("bash")


@tap.case("and so does zsh")
def _(_):
    need("zsh")
    for name in PROGRAMS:
        run("zsh", "-n", str(MADE / f"_{name}"))
    try_in("zsh")


sys.exit(tap.run(contextlib.nullcontext))
