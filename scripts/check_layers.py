#!/usr/bin/env python3
"""Checks that the source tree keeps its layers: who may include whom, and that */core is pure.

One line per violation, `file:line: what`, and exit code 1. `--self-test` plants one of each kind of violation in a
scratch tree and fails unless every one is found, and nothing else.
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path

# What each layer may include besides itself. The command lines' main files may include anything of their side.
LAYERS = {
    "common/core": set(),
    "common/io": {"common/core"},
    "common/cli": {"common/core"},
    "common/manual": {"common/cli", "common/core"},
    "client/core": {"common/core"},
    "client/ssh": {"client/core", "common/io", "common/core"},
    "client/io": {"client/core", "common/io", "common/core"},
    "client/worker": {"client/ssh", "client/core", "common/io", "common/core"},
    "client/cli": {"client/ssh", "client/io", "client/core", "common/cli", "common/io", "common/core"},
    "client/manual": {"client/cli", "client/core", "common/manual", "common/cli", "common/core"},
    "server/core": {"common/core"},
    "server/io": {"server/core", "common/io", "common/core"},
    "server/cli": {"server/io", "server/core", "common/cli", "common/io", "common/core"},
    "server/manual": {"server/cli", "server/core", "common/manual", "common/cli", "common/core"},
}
MAIN_FILES = {"client/main.cpp", "client/main_one_file.cpp", "client/worker/worker_main.cpp", "server/main.cpp"}
LIBSSH_LAYERS = {"client/ssh", "client/worker"}

# The core names what it may use: whatever is not here waits, talks, or differs between two runs.
CORE_HEADERS = set(
    """algorithm any array bit bitset cctype cfloat charconv chrono cinttypes climits cmath compare concepts cstddef
    cstdint cstring deque exception expected forward_list functional initializer_list iterator limits list map memory
    new numbers numeric optional queue ranges ratio set source_location span stack stdexcept string string_view tuple
    type_traits typeindex typeinfo unordered_map unordered_set utility variant vector version
    tl/expected.hpp nlohmann/json_fwd.hpp""".split()
)
CORE_HEADERS_CPP_ONLY = {"nlohmann/json.hpp"}

# Names that reach the core through the headers above, or need none.
CORE_NAMES = [
    (r"\b(?:system|steady|high_resolution|utc|tai|gps|file)_clock\b", "a clock; take the time as an argument"),
    (r"(?:\bstd|(?<![\w>]))::time\s*\(", "a clock; take the time as an argument"),
    (r"\b(?:clock_gettime|gettimeofday|current_zone)\b", "a clock; take the time as an argument"),
    (r"\b(?:secure_)?getenv\b|\benviron\b", "the environment; take its value as an argument"),
    (r"\b(?:random_device|mt19937(?:_64)?|default_random_engine)\b", "randomness; hash a seed and a count"),
    (r"\bs?rand\s*\(|\barc4random\w*|\bgetrandom\b", "randomness; hash a seed and a count"),
    (r"\bstd::(?:cin|cout|cerr|clog)\b", "a stream; return text"),
    (r"\bstd::(?:basic_)?[io]?(?:string|f)?stream\b", "a stream; return text"),
    (r"\b(?:v?f?printf|fopen|fputs|puts|perror)\s*\(", "a stream; return text"),
    (r"\bstd::(?:j?thread|async|(?:\w+_)?mutex|atomic\w*|condition_variable\w*)\b", "threads"),
    (r"\bthread_local\b", "threads"),
]

COMMENT_OR_LITERAL = re.compile(
    r"""//(?:\\\n|[^\n])*                                # line comment
      | /\*.*?\*/                                        # block comment
      | R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)"     # raw string
      | "(?:\\.|[^"\\\n])*"                              # string
      | (?<!\w)'(?:\\.|[^'\\\n])+'                       # character, not a digit separator
    """,
    re.VERBOSE | re.DOTALL,
)
INCLUDE = re.compile(r'\s*\#\s*(?:include|import)\b\s*(?P<named>"(?P<quoted>[^"]*)"|<(?P<angled>[^>]*)>)?')


def blank(text, keep_plain_strings):
    """Replaces comments and literals by nothing but their line ends, so that line numbers stay."""

    def replace(match):
        if keep_plain_strings and match[0].startswith('"'):
            return match[0]
        return "\n" * match[0].count("\n")

    return COMMENT_OR_LITERAL.sub(replace, text)


def layer_of(path):
    """`client/io/x.h` is in `client/io`; a main file, directly under its side, is in `client`."""
    return "/".join(path.split("/")[:2]) if path.count("/") >= 2 else path.split("/")[0]


def is_ours(path):
    return path.split("/")[0] in ("common", "client", "server", "tests")


def may_include(path, layer, target):
    """An empty string, or what is wrong when `path` of `layer` includes our own file `target`."""
    target_layer = layer_of(target)
    if target_layer not in LAYERS:
        return f'includes "{target}", which is in no layer'
    if {layer.split("/")[0], target.split("/")[0]} == {"client", "server"}:
        return f'includes "{target}": client and server never include each other'
    if path in MAIN_FILES or target_layer == layer or target_layer in LAYERS[layer]:
        return ""
    allowed = ", ".join(sorted(LAYERS[layer])) or "nothing but itself"
    return f'{layer} includes "{target}"; it may include {allowed}'


def check_include(path, layer, match):
    name = match["quoted"] or match["angled"]
    if name is None:
        return "includes through a macro; write the header's name"
    if match["quoted"] is not None or is_ours(name):
        if not is_ours(name) or ".." in name.split("/"):
            return f'includes "{name}"; write our own headers with their path from the root'
        return may_include(path, layer, name)
    if name.startswith("libssh/") and layer not in LIBSSH_LAYERS:
        return f"includes <{name}>; libssh belongs to {' and '.join(sorted(LIBSSH_LAYERS))}"
    if layer.endswith("/core"):
        if name in CORE_HEADERS or (name in CORE_HEADERS_CPP_ONLY and path.endswith(".cpp")):
            return ""
        if name in CORE_HEADERS_CPP_ONLY:
            return f"includes <{name}> in a header of the core; include <nlohmann/json_fwd.hpp>"
        return f"includes <{name}>; the core is pure (CORE_HEADERS in check_layers.py lists what it may use)"
    return ""


def check_file(path, text):
    """Yields (line, what) for each violation in one file; `path` is relative to the root."""
    layer = layer_of(path)
    if path in MAIN_FILES:
        layer = "client/worker" if path.startswith("client/worker/") else path.split("/")[0]
    elif layer not in LAYERS:
        yield 1, f"{layer} is no layer; put the file into one of {', '.join(sorted(LAYERS))}"
        return
    with_strings = blank(text, keep_plain_strings=True)
    for number, line in enumerate(with_strings.split("\n"), 1):
        match = INCLUDE.match(line)
        what = match and check_include(path, layer, match)
        if what:
            yield number, what
    if layer.endswith("/core"):
        for number, line in enumerate(blank(text, keep_plain_strings=False).split("\n"), 1):
            for pattern, what in CORE_NAMES:
                found = re.search(pattern, line)
                if found:
                    yield number, f"the core names {found[0].strip('( ')}: {what}"


def check_tree(root):
    """All violations under `root`, as printable lines, in a fixed order."""
    violations = []
    for side in ("common", "client", "server"):
        for file in sorted((root / side).rglob("*")):
            if file.suffix in (".h", ".hpp", ".cpp", ".cc") and file.is_file():
                path = file.relative_to(root).as_posix()
                text = file.read_text(encoding="utf-8", errors="replace")
                violations += [f"{path}:{line}: {what}" for line, what in check_file(path, text)]
    return violations


# path, text, and a part of the one violation to be found there (None: the file is in order)
SELF_TEST = [
    ("common/core/ok.h", '#include <chrono>\n#include <nlohmann/json_fwd.hpp>\n#include "common/core/time.h"', None),
    ("common/core/ok.cpp", "#include <nlohmann/json.hpp>\n// std::cout, #include <thread>\nint a = 1'000;", None),
    ("common/core/text.cpp", 'auto t = "std::cout << getenv(name)"; auto r = R"(\n#include <thread>\n)";', None),
    ("common/core/member.cpp", "Time time(); auto a = s.time(); auto b = runtime(); format_time(t);", None),
    ("common/io/ok.cpp", '#include <boost/asio.hpp>\n#include <unistd.h>\n#include "common/core/time.h"', None),
    ("client/main.cpp", '#include "client/cli/run.h"\n#include "common/cli/verb.h"', None),
    ("client/worker/worker_main.cpp", '#include "client/io/x.h"\n#include <libssh/libssh.h>', None),
    ("client/worker/relay.h", '#include <libssh/libssh.h>\n#include "client/ssh/handles.h"', None),
    ("server/main.cpp", '#include "server/cli/agent.h"\n#include <nlohmann/json.hpp>', None),
    ("server/cli/ok.cpp", '#include "server/io/state_dir.h"\n#include "common/io/log.h"', None),
    ("common/core/up.h", '#include "common/io/log.h"', "common/core includes"),
    ("common/core/angled.h", "#include <common/io/log.h>", "common/core includes"),
    ("common/io/up.h", '#include "client/core/tunnel.h"', "common/io includes"),
    ("common/cli/up.h", '#include "common/io/log.h"', "common/cli includes"),
    ("client/core/up.h", '\n\n#  include "client/io/supervisor.h"', ":3: client/core includes"),
    ("client/io/ssh.h", '#include "client/ssh/connect.h"', "client/io includes"),
    ("client/ssh/io.h", '#include "client/io/canary.h"', "client/ssh includes"),
    ("client/worker/io.h", '#include "client/io/canary.h"', "client/worker includes"),
    ("client/cli/worker.h", '#include "client/worker/relay.h"', "client/cli includes"),
    ("server/io/cli.h", '#include "server/cli/agent.h"', "server/io includes"),
    ("client/cli/other.h", '#include "server/core/node.h"', "never include each other"),
    ("server/cli/other.h", '#include "client/core/tunnel.h"', "never include each other"),
    ("client/worker/main.cpp", '#include "server/core/node.h"', "never include each other"),
    ("client/io/libssh.cpp", "#include <libssh/libssh.h>", "libssh belongs to"),
    ("client/cli/libssh.cpp", "#include <libssh/callbacks.h>", "libssh belongs to"),
    ("server/io/libssh.cpp", "#include <libssh/libssh.h>", "libssh belongs to"),
    ("common/io/tests.cpp", '#include "tests/support/fake_clock.h"', "in no layer"),
    ("common/io/near.cpp", '#include "log.h"', "path from the root"),
    ("common/io/dots.cpp", '#include "common/io/../../client/io/canary.h"', "path from the root"),
    ("common/io/macro.cpp", "#include HEADER", "through a macro"),
    ("client/extra/x.h", "", "is no layer"),
    ("client/x.h", "", "is no layer"),
    ("server/core/json.h", "#include <nlohmann/json.hpp>", "json_fwd"),
    ("server/core/asio.h", "#include <boost/asio/awaitable.hpp>", "the core is pure"),
    ("client/core/libssh.h", "#include <libssh/libssh.h>", "libssh belongs to"),
    ("server/core/posix.h", "#include <unistd.h>", "the core is pure"),
    ("server/core/socket.h", "#include <sys/socket.h>", "the core is pure"),
    ("server/core/thread.h", "/* why */ #include <thread>", "the core is pure"),
    ("server/core/stream.h", "#include <iostream>", "the core is pure"),
    ("server/core/random.h", "#include <random>", "the core is pure"),
    ("server/core/env.h", "#include <cstdlib>", "the core is pure"),
    ("server/core/ctime.h", "#include <ctime>", "the core is pure"),
    ("server/core/now.cpp", "auto t =\n    std::chrono::steady_clock::now();", ":2: the core names steady_clock"),
    ("server/core/time.cpp", "auto t = ::time(nullptr);", "a clock"),
    ("server/core/getenv.cpp", 'auto h = std::getenv("HOME");', "the environment"),
    ("server/core/rand.cpp", "int i = rand();", "randomness"),
    ("server/core/device.cpp", "std::random_device device;", "randomness"),
    ("server/core/cout.cpp", "void f() { std::cout << 1; }", "a stream"),
    ("server/core/sstream.cpp", "std::ostringstream out;", "a stream"),
    ("server/core/printf.cpp", 'void f() { printf("x"); }', "a stream"),
    ("server/core/mutex.cpp", "std::mutex m;", "threads"),
    ("server/core/local.cpp", "thread_local int i = 0;", "threads"),
]


def self_test():
    failures = []
    with tempfile.TemporaryDirectory() as scratch:
        for path, text, expected in SELF_TEST:
            file = Path(scratch) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text + "\n", encoding="utf-8")
        found = check_tree(Path(scratch))
    for path, _, expected in SELF_TEST:
        here = [line for line in found if line.startswith(path + ":")]
        if len(here) != (expected is not None) or (expected and expected not in here[0]):
            failures.append(f"self-test: {path}: expected {expected or 'no violation'}, found {here or 'none'}")
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("root", nargs="?", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    problems = self_test() if arguments.self_test else check_tree(arguments.root)
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
