#!/usr/bin/env python3
"""Many `node add` at once: names and ports belong to one node each, and stay what they are."""

import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import lab
import tap
from sshd import make_key

AT_ONCE = 12


def add(lab_, name, key, *forwards):
    """The verb as it is run by a script: (exit code, standard error)."""
    flags = [word for forward in forwards for word in ("--forward", forward)]
    done = subprocess.run(
        [lab.program("REVERSI_SERVER"), "node", "add", name, "--key", "-", *flags],
        env=lab_.environment, input=key + "\n", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8",
        timeout=60 * tap.SLOWNESS, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr


def at_once(work, items):
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(work, items))


def ports(lab_):
    return {
        each["node"]: {forward["name"]: forward["port"] for forward in each["forwards"]}
        for each in json.loads(lab_.server("node", "list", "--json"))
    }


@tap.case("48 nodes added twelve at a time: no port twice, every line is there")
def _(lab_):
    names = [f"node-{i:02d}" for i in range(48)]
    keys = {name: make_key(lab_.directory / name) for name in names}
    results = at_once(lambda name: add(lab_, name, keys[name], "ssh", "web"), names)
    tap.check(all(code == 0 for code, _ in results), f"{results}")
    given = [port for each in ports(lab_).values() for port in each.values()]
    tap.check(sorted(given) == list(range(20000, 20096)), f"{sorted(given)}")
    text = lab_.authorized_keys.read_text(encoding="utf-8")
    allowed = re.findall(r'permitlisten="localhost:(\d+)"', text)
    tap.check(sorted(map(int, allowed)) == sorted(given), f"{allowed}")


@tap.case("one name, one port or one key wanted by twelve at once: one gets it, the others get one clear line")
def _(lab_):
    keys = [make_key(lab_.directory / f"key-{i}") for i in range(AT_ONCE)]
    numbers = range(AT_ONCE)
    wanted = {
        "exists already": lambda i: add(lab_, "same-name", keys[i], "ssh"),
        "belongs to another node": lambda i: add(lab_, f"port-{i}", keys[i], "ssh=23456"),
        "is held by node": lambda i: add(lab_, f"key-{i}", keys[0], "ssh"),
    }
    for says, work in wanted.items():
        results = at_once(work, numbers)
        losers = [error for code, error in results if code == 1]
        tap.check([code for code, _ in results].count(0) == 1 and len(losers) == AT_ONCE - 1, f"{says}: {results}")
        tap.check(all(says in error and error.count("\n") == 1 for error in losers), f"{says}: {losers}")
        for node in ports(lab_):
            lab_.server("node", "remove", node)
    tap.check(not (lab_.authorized_keys.read_text(encoding="utf-8")).strip(), "lines are left")


@tap.case("a port is a node's for life; range and number are the administrator's")
def _(lab_):
    keys = [make_key(lab_.directory / f"key-{i}") for i in range(5)]
    policy = {"port_first": 21000, "port_last": 21003, "forwards_per_node": 2}
    (lab_.state_dir / "server.json").write_text(json.dumps(policy), encoding="utf-8")
    for i in range(3):
        tap.check(add(lab_, f"node-{i}", keys[i], "ssh")[0] == 0, f"node-{i}")
    before = ports(lab_)
    lab_.server("node", "remove", "node-1")
    lab_.server("node", "set", "node-0", "--forward", "web")
    lab_.server("node", "disable", "node-2")
    lab_.server("node", "enable", "node-2")
    lab_.server("setup", "--user")
    after = ports(lab_)
    tap.check(after["node-0"] == {**before["node-0"], "web": 21001}, f"{after}")
    tap.check(after["node-2"] == before["node-2"], f"{after}")
    lab_.server("node", "set", "node-0", "--forward", "mail", code=2)
    code, error = add(lab_, "many", keys[3], "a", "b", "c")
    tap.check(code == 2 and "more than 2 forwards" in error, f"{code} {error}")
    tap.check(add(lab_, "last", keys[3], "ssh")[0] == 0, "the last port")
    code, error = add(lab_, "none-left", keys[4], "ssh")
    tap.check(code == 3 and "port_last" in error and error.count("\n") == 1, f"{code} {error}")
    tap.check(add(lab_, "none-left", keys[4], "ssh=30000")[0] == 0, "an explicit port may lie outside the range")


lab.main()
