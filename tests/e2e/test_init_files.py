#!/usr/bin/env python3
"""What is under config/ works as it stands there: init files, the crontab line, the examples."""

import json
import os
import plistlib
import re
import shutil
import subprocess
from pathlib import Path

import lab as labs
import tap

CONFIG = Path(__file__).resolve().parents[2] / "config"
GOLDEN = CONFIG.parent / "tests" / "golden"
UNIT = CONFIG / "systemd" / "reversi-client.service"
INIT = CONFIG / "openwrt" / "files" / "etc" / "init.d" / "reversi-client"
UCI = CONFIG / "openwrt" / "files" / "etc" / "config"
FEED = CONFIG / "openwrt"
SDK = Path(__file__).resolve().parent / "openwrt_sdk"
STUB = Path(__file__).resolve().parent / "procd_stub.sh"
INSTALLED = "/usr/bin/reversi-client"


def ash(*words, environment=None):
    """Runs busybox's shell, the one of OpenWrt; returns its output."""
    if not shutil.which("busybox"):
        raise tap.Skip("needs busybox; run scripts/deps")
    return run(["busybox", "ash", *map(str, words)], environment)


def run(command, environment=None):
    done = subprocess.run(
        command,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=60 * tap.SLOWNESS,
        check=False,
    )
    tap.check(done.returncode == 0, f"{' '.join(command)}: exit {done.returncode}: {done.stdout}")
    return done.stdout


def moved(lab, text):
    """A text of config/ with /etc/reversi in the lab and the program as built."""
    home = lab.directory / "etc-reversi"
    home.mkdir(exist_ok=True)
    return text.replace("/etc/reversi", str(home)).replace(INSTALLED, client()), home


def client():
    return labs.program("REVERSI_CLIENT")


def init_script(lab, verb, uci=UCI):
    """The calls to procd that one verb of the init script makes, and the directory that stands for /etc/reversi."""
    text, home = moved(lab, INIT.read_text(encoding="utf-8"))
    script = lab.directory / "init"
    script.write_text(text, encoding="utf-8")
    here = lab.directory / "uci"
    here.mkdir(exist_ok=True)
    (here / "reversi").write_text(moved(lab, (uci / "reversi").read_text(encoding="utf-8"))[0], encoding="utf-8")
    return ash(STUB, script, verb, environment={"UCI_DIR": str(here)}).splitlines(), home


@tap.case("every shell script that goes to a node is one for busybox ash")
def _(lab):
    scripts = [INIT, FEED / "postinst", FEED / "prerm", *GOLDEN.glob("*.sh"), *(path for path in CONFIG.rglob("*.sh"))]
    tap.check(len(scripts) >= 2, f"only {scripts}")
    for script in scripts:
        ash("-n", script)


@tap.case("procd: one instance a section, started for ever, with absolute paths")
def _(lab):
    calls, home = init_script(lab, "start")
    tap.check(calls == [f"logger -t reversi-client not started: there is no {home}/client.json"], f"{calls}")
    (home / "last-good.json").touch()
    calls, _ = init_script(lab, "start")
    tap.check(calls and calls[0] == "open_instance main", f"the last good configuration does not count: {calls}")
    (home / "client.json").touch()
    calls, _ = init_script(lab, "start")
    wanted = [
        "open_instance main",
        f"set_param command {client()} run --config {home}/client.json",
        "set_param env HOME=/",
        "set_param respawn 3600 5 0",
        "set_param limits nofile=4096 4096",
        "set_param term_timeout 15",
        "set_param stderr 1",
        "close_instance",
    ]
    tap.check(calls == wanted, f"{calls}")
    tap.check(init_script(lab, "triggers")[0] == ["add_reload_trigger reversi"], "no trigger for changes of the section")


@tap.case("procd: several sections, and one that is disabled")
def _(lab):
    uci = lab.directory / "other-uci"
    uci.mkdir()
    second = "config client 'second'\n\toption config_file '/etc/reversi/second.json'\n"
    third = "config client 'third'\n\toption enabled '0'\n\toption config_file '/etc/reversi/third.json'\n"
    (uci / "reversi").write_text((UCI / "reversi").read_text(encoding="utf-8") + second + third, encoding="utf-8")
    _, home = init_script(lab, "start")
    for name in ("client", "second", "third"):
        (home / f"{name}.json").touch()
    opened = [call.split()[1] for call in init_script(lab, "start", uci)[0] if call.startswith("open_instance")]
    tap.check(opened == ["main", "second"], f"{opened}")


@tap.case("procd: reload hands the changed file to the running client, which keeps its session")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    session = lab.up(node)["session"]["id"]
    _, home = init_script(lab, "start")
    (home / "client.json").symlink_to(node.config_file)
    calls, _ = init_script(lab, "reload")
    tap.check("open_instance main" in calls, f"{calls}")
    tap.check(not [call for call in calls if call.startswith("logger")], f"{calls}")
    tap.check(lab.session_id(node) == session, "a reload cost a session")
    node.stop()
    calls, _ = init_script(lab, "reload")
    tap.check([call for call in calls if call.startswith("logger") and "not running" in call], f"{calls}")


@tap.case("the feed: make reads it from behind a link, it takes the sources that it needs, and installs what the .ipk has")
def _(lab):
    if not shutil.which("make"):
        raise tap.Skip("needs make; run scripts/deps")
    out = lab.directory / "sdk"
    (lab.directory / "feed").symlink_to(FEED)
    said = run(["make", "--no-print-directory", "-C", str(lab.directory / "feed"), f"TOPDIR={SDK}", f"OUT={out}", "all"])
    tap.check("warning" not in said, said)
    installed = [path for path in (out / "root").rglob("*") if path.is_file()]
    modes = {str(path.relative_to(out / "root")): path.stat().st_mode & 0o777 for path in installed}
    wanted = {
        "usr/bin/reversi-client": 0o755,
        "usr/libexec/reversi/reversi-worker": 0o755,
        "etc/init.d/reversi-client": 0o755,
        "etc/config/reversi": 0o600,
    }
    tap.check(modes == wanted, f"{modes}")
    for name in ("postinst", "prerm"):
        got, wanted = [(place / name).read_text("utf-8").rstrip() for place in (out, FEED)]
        tap.check(got == wanted, f"{name} is another: {got}")
    tap.check((out / "depends").read_text("utf-8").split() == ["+libssh", "+libstdcpp"], "DEPENDS")
    options = (out / "meson-options").read_text("utf-8").split()
    run(["meson", "setup", str(out / "build"), str(out / "source"), *options])


@tap.case("systemd: the unit is one, and asks for what the client does")
def _(lab):
    lines = [line for line in UNIT.read_text(encoding="utf-8").splitlines() if "=" in line and not line.startswith("#")]
    keys = dict(line.split("=", 1) for line in lines)
    tap.check(len(keys) == len(lines), "a key stands twice")
    wanted = {"Type": "notify", "Restart": "always", "StartLimitIntervalSec": "0", "WantedBy": "multi-user.target"}
    tap.check({key: keys.get(key) for key in wanted} == wanted, f"{keys}")
    tap.check(int(keys["WatchdogSec"]) >= 30, "shorter than what a busy machine needs")
    if not shutil.which("systemd-analyze"):
        raise tap.Skip("needs systemd-analyze")
    if os.geteuid() and not os.path.isdir("/run/systemd"):
        raise tap.Skip("needs systemd-analyze and root to make /run/systemd for it")
    unit = lab.directory / UNIT.name
    unit.write_text(moved(lab, UNIT.read_text(encoding="utf-8"))[0], encoding="utf-8")
    said = run(["systemd-analyze", "verify", "--man=no", str(unit)])
    tap.check(UNIT.name not in said, said)


@tap.case("launchd: the property list is one, and keeps the client alive whatever happens")
def _(lab):
    with open(CONFIG / "macos" / "org.reversi.client.plist", "rb") as stream:
        job = plistlib.load(stream)
    tap.check(job["Label"] == "org.reversi.client", job["Label"])
    tap.check(job["KeepAlive"] is True and job["RunAtLoad"] is True, f"{job}")
    words = job["ProgramArguments"]
    tap.check(words[0].startswith("/") and words[1:3] == ["run", "--config"] and words[3].startswith("/"), f"{words}")


@tap.case("Homebrew: the formula is Ruby")
def _(_):
    if not shutil.which("ruby"):
        raise tap.Skip("needs ruby")
    run(["ruby", "-wc", str(CONFIG / "macos" / "reversi-client.rb")])


@tap.case("cron: the line starts a client, and then finds it at work")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    text, home = moved(lab, (CONFIG / "cron" / "crontab").read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    tap.check(len(lines) == 1, f"{lines}")
    entry = re.fullmatch(r"((?:\S+ ){5})([^%]+)", lines[0])
    tap.check(entry and entry[1] == "* * * * * ", f"{lines[0]}")
    (home / "client.json").symlink_to(node.config_file)
    # logger(1) may have nobody to tell here: its words come to our file instead.
    said = lab.directory / "cron.log"
    command = entry[2].replace("logger -t reversi-client", f"cat >>{said}")
    for _ in range(2):
        run(["sh", "-c", command], lab.environment)
    lab.on_close(lambda: node.client("stop", code=None))
    lab.wait_answer(node, 10)
    first = node.status()["supervisor_pid"]
    run(["sh", "-c", command], lab.environment)
    tap.check(node.status()["supervisor_pid"] == first, "another supervisor")
    tap.check(said.read_text(encoding="utf-8") == "", said.read_text(encoding="utf-8"))


@tap.case("every example of a client's configuration passes `check`")
def _(lab):
    examples = list(CONFIG.glob("client*.example.json"))
    tap.check(examples, "no example")
    for example in examples:
        text, home = moved(lab, example.read_text(encoding="utf-8"))
        tap.check(str(home) in text, "the example names no file of /etc/reversi")
        for file in re.findall(rf"{home}/(?:id_|known_)\w+", text):
            Path(file).write_text("for the check", encoding="utf-8")
            Path(file).chmod(0o600)
        path = home / example.name
        path.write_text(text, encoding="utf-8")
        run([client(), "check", "--config", str(path)])


@tap.case("the example of server.json is taken without a word, and shows the defaults")
def _(lab):
    shutil.copy(CONFIG / "server.example.json", lab.state_dir / "server.json")
    said = run([labs.program("REVERSI_SERVER"), "node", "list"], lab.environment)
    tap.check("server.json" not in said, said)
    text = (CONFIG / "server.example.json").read_text(encoding="utf-8")
    known = json.loads("\n".join(line for line in text.splitlines() if not line.strip().startswith("//")))
    (lab.state_dir / "server.json").write_text(json.dumps({**known, "hearbeat_ms": 1}), encoding="utf-8")
    said = run([labs.program("REVERSI_SERVER"), "node", "list"], lab.environment)
    tap.check("hearbeat_ms" in said, "a mistake in it would not have been seen")


def keywords(file):
    lines = [line.split() for line in file.read_text(encoding="utf-8").splitlines()]
    return {words[0] for words in lines if words and not words[0].startswith("#")}


@tap.case("the example for sshd asks no more of it than the drop-in that setup proves: one unknown word stops every login")
def _(lab):
    proven = keywords(CONFIG.parent / "tests" / "golden" / "sshd_dropin.conf")
    more = keywords(CONFIG / "sshd_reversi.conf") - proven - {"LoginGraceTime"}  # as old as sshd
    tap.check(not more, f"not in every sshd: {more}")


labs.main()
