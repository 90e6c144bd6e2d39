#!/usr/bin/env python3
"""Checks single files: `check_files.py lengths`, `shell`, `cures`, `versions` and `types`.

lengths: a file over 400 lines says in its header comment why, in a sentence that begins with "Long because".
shell: every shell script passes shellcheck, and what we print for people to paste (tests/golden) as plain sh. Without shellcheck the check is skipped (exit code 77).
cures: every patch of tests/faults/cures applies, names its cure and its test, so that scripts/check-cures can run.
versions: what is packaged says the version that meson.build says.
types: no two types have one name in one namespace. The linker would give both the functions of one, and say nothing.

One line per violation, `file:line: what`, and exit code 1.
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAX_LINES = 400
HEADER_LINES = 40  # as far down as a header comment reaches
SHELLCHECK_LIMIT_S = 120
PATCH_LIMIT_S = 30
SKIPPED = 77  # what meson takes for a skip


def sources():
    """Every file that people edit, build directories and hidden ones (but .ci) left out."""
    for top in sorted(ROOT.iterdir()):
        if top.name.startswith("build") or (top.name.startswith(".") and top.name != ".ci"):
            continue
        for file in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if file.is_file() and not file.is_symlink() and "__pycache__" not in file.parts:
                yield file


def interpreter(file):
    """The program named by the file's first line, or an empty string."""
    with file.open("rb") as stream:
        first = stream.readline(200)
    match = re.match(rb"#!\s*\S*?(?:/env\s+)?([^/\s]+)(?:\s|$)", first)
    return match[1].decode(errors="replace") if match else ""


def check_lengths():
    problems = []
    for file in sources():
        if file.suffix not in (".h", ".cpp", ".py", ".sh") and file.name != "meson.build" and not interpreter(file):
            continue
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        if len(lines) > MAX_LINES and not any("Long because" in line for line in lines[:HEADER_LINES]):
            name = file.relative_to(ROOT)
            problems.append(
                f"{name}:{len(lines)}: {len(lines)} lines; split it, or say in its header comment "
                f'why not ("Long because …")'
            )
    return problems


def check_shell():
    if not shutil.which("shellcheck"):
        print("skip: shellcheck is not installed; run scripts/deps")
        sys.exit(SKIPPED)
    scripts = [file for file in sources() if file.suffix == ".sh" or interpreter(file) in ("sh", "bash", "dash")]
    pasted = [file for file in scripts if "golden" in file.parts]
    return shellcheck(["--shell=sh"], pasted) + shellcheck([], [file for file in scripts if file not in pasted])


def shellcheck(options, files):
    if not files:
        return []
    run = subprocess.run(
        ["shellcheck", "--external-sources", "--format=gcc", *options, *[str(file.relative_to(ROOT)) for file in files]],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SHELLCHECK_LIMIT_S,
    )
    return run.stdout.splitlines() if run.returncode else []


def check_cures():
    problems = []
    for file in sorted((ROOT / "tests/faults/cures").glob("*.patch")):
        name = file.relative_to(ROOT)
        text = file.read_text(encoding="utf-8")
        for key in ("Cure", "Test"):
            if not re.search(rf"^{key}: \S", text, re.M):
                problems.append(f"{name}:1: no line `{key}: …`")
        run = subprocess.run(
            ["patch", "--dry-run", "--force", "-p1"],
            cwd=ROOT, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATCH_LIMIT_S,
        )
        if run.returncode:
            problems.append(f"{name}:1: does not apply, make it anew: {' '.join(run.stdout.split())}")
    return problems


VERSIONS = {
    "meson.build": r"version: '([^']+)'",
    "debian/changelog": r"^reversi \(([^)]+)\)",
    "config/openwrt/Makefile": r"PKG_VERSION:=(\S+)",
}


def check_versions():
    found = {name: re.search(pattern, (ROOT / name).read_text("utf-8"), re.M) for name, pattern in VERSIONS.items()}
    wanted = found["meson.build"][1]
    return [
        f"{name}:1: version {match[1] if match else 'missing'}, and meson.build says {wanted}"
        for name, match in found.items() if not match or match[1] != wanted
    ]  # fmt: skip


TYPE = re.compile(r"(?:struct|class|enum class) (\w+)(?: final)?(?: : [^{;]*)? \{")


def named_types(file):
    """(line, name with its namespaces) of each type at namespace scope that other files can mean, as clang-format has it."""
    namespaces = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if opened := re.match(r"(?:inline )?namespace ?([\w:]*) ?\{$", line):
            namespaces.append(opened[1])
        elif line.startswith("}  // namespace"):
            namespaces.pop()
        elif (match := TYPE.match(line)) and all(namespaces):
            yield number, "::".join([*namespaces, match[1]])


def check_types():
    problems, first = [], {}
    for file in sources():
        if file.suffix not in (".h", ".cpp") or "tests" in file.parts:
            continue
        for number, name in named_types(file):
            where = f"{file.relative_to(ROOT)}:{number}"
            if name in first:
                problems.append(f"{where}: {name} is defined in {first[name]} too; give one of them another name")
            first.setdefault(name, where)
    return problems


def main():
    checks = {"lengths": check_lengths, "shell": check_shell, "cures": check_cures, "versions": check_versions,
              "types": check_types}  # fmt: skip
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("check", choices=checks)
    problems = checks[parser.parse_args().check]()
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
