#!/usr/bin/env python3
"""The supervisor is root, the worker becomes the user of the configuration: each still ends with the other."""

import os
import pwd
from pathlib import Path

import lab
import tap

CAP_KILL = 1 << 5
UNIT = Path(__file__).resolve().parents[2] / "config" / "systemd" / "reversi-client.service"
HUNG_SUPERVISOR_S = 40  # 30 s of silence, and the worker's own second


def node_as_nobody(lab):
    if os.geteuid() != 0:
        raise tap.Skip("needs root: a worker of another account")
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")}, settings={"user": "nobody"})
    lab.up(node)
    return node, node.worker()


def as_in_the_unit():
    """Words before the program that leave it the rights of the systemd unit."""
    lines = UNIT.read_text(encoding="utf-8").splitlines()
    names = next(line for line in lines if line.startswith("CapabilityBoundingSet=")).partition("=")[2].split()
    bounding = ",".join(["-all"] + ["+" + name.removeprefix("CAP_").lower() for name in names])
    tap.check("NoNewPrivileges=yes" in lines, "the unit lets programs gain rights")
    return ["setpriv", "--bounding-set", bounding, "--inh-caps", "-all", "--no-new-privs", "--"]


def process_status(process):
    with open(f"/proc/{process.pid}/status", encoding="utf-8") as stream:
        return dict(line.rstrip("\n").split(":\t", 1) for line in stream if ":\t" in line)


@tap.case("the worker becomes its user for good and keeps one right: to end a supervisor that hangs")
def _(lab):
    _, worker = node_as_nobody(lab)
    status, nobody = process_status(worker), pwd.getpwnam("nobody")
    tap.check(status["Uid"].split() == [str(nobody.pw_uid)] * 4, status["Uid"])
    tap.check(status["Gid"].split() == [str(nobody.pw_gid)] * 4, status["Gid"])
    tap.check(set(status["Groups"].split()) <= {str(nobody.pw_gid)}, status["Groups"])
    tap.check(int(status["CapPrm"], 16) & ~CAP_KILL == 0, f"CapPrm {status['CapPrm']}")
    tap.check(int(status["CapEff"], 16) == 0, f"CapEff {status['CapEff']}")
    tap.check(status["NoNewPrivs"].strip() == "1", f"NoNewPrivs {status['NoNewPrivs']}")


@tap.case("the rights of the systemd unit are enough: up, and the worker is its user's")
def _(lab):
    if os.geteuid() != 0:
        raise tap.Skip("needs root: a worker of another account")
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")}, settings={"user": "nobody"})
    node.start(as_in_the_unit())
    lab.wait_answer(node, 15)
    lab.wait_state(node, "up")
    caps = int(process_status(node.supervisor)["CapEff"], 16)
    tap.check(caps and caps < 1 << 16, f"the supervisor's rights are not those of the unit: {caps:x}")
    status = process_status(node.worker())
    tap.check(status["Uid"].split() == [str(pwd.getpwnam("nobody").pw_uid)] * 4, status["Uid"])
    tap.check(int(status["CapPrm"], 16) == CAP_KILL, f"CapPrm {status['CapPrm']}")


@tap.case("a user that is not there is a mistake in the configuration: one line, exit 3")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")}, settings={"user": "nobody-by-this-name"})
    node.start()
    tap.wait_until(lambda: node.exit_code is not None, 10, "the client ends")
    tap.check(node.exit_code == 3, f"exit code {node.exit_code}")
    tap.check("user: there is no user nobody-by-this-name" in node.log_text(), node.log_text())


@tap.case("its key can be rotated: the supervisor makes the new one, which the worker could not")
def _(lab):
    node, _ = node_as_nobody(lab)
    before = node.key_file.read_text(encoding="utf-8")
    lab.server("node", "rotate-key", node, "--authorized-keys", lab.authorized_keys)
    tap.check(node.key_file.read_text(encoding="utf-8") != before, "the same key")
    tap.check(node.key_file.stat().st_uid == 0, "the key is not root's")
    lab.wait_state(node, "up", 10)


@tap.case("the supervisor hangs: the worker ends it, though it is root's")
def _(lab):
    node, worker = node_as_nobody(lab)
    node.supervisor.stop()
    _, took = tap.wait_until(lambda: not node.supervisor.is_alive, HUNG_SUPERVISOR_S, "the supervisor is ended")
    tap.note(f"ended after {took:.1f} s")
    tap.wait_until(lambda: not worker.is_alive, 5, "the worker ends too")


@tap.case("the supervisor is killed while the worker is stopped: the worker ends with it")
def _(lab):
    node, worker = node_as_nobody(lab)
    worker.stop()
    node.supervisor.kill()
    tap.wait_until(lambda: not worker.is_alive, 5, "the worker ends")


lab.main()
