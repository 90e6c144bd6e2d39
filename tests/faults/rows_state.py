"""Directories full, read-only, deleted; descriptors used up. A tunnel needs none of that to go on."""

import os
import shutil
import socket


import tap
from machine import command
from probes import probe
from row import END, SAME, Row, one_node

SMALL = "size=256k,mode=0700"


def fill(path):
    with open(path, "wb", buffering=0) as stream:
        try:
            while True:
                stream.write(bytes(1024))
        except OSError:
            pass


def answers(lab):
    return probe(lab.node.port(), lab.node.service().name).ok


# ---- the server's -----------------------------------------------------------------------------------


def small_on_server(lab):
    command("mount", "-t", "tmpfs", "-o", f"{SMALL},uid={lab.uid},gid={lab.uid}", "tmpfs", lab.state_dir)
    return one_node(lab)


def fill_server(lab):
    fill(lab.state_dir / "ballast")
    yield
    (lab.state_dir / "ballast").unlink()


def fill_server_and_come_back(lab):
    fill(lab.state_dir / "ballast")
    lab.node.worker().kill()
    tap.wait_until(lambda: answers(lab), 1.5, "an answer while the disk is full")
    yield
    (lab.state_dir / "ballast").unlink()


def server_read_only(lab):
    command("mount", "-o", "remount,ro", lab.state_dir)
    yield
    command("mount", "-o", "remount,rw", lab.state_dir)


def delete_on_server(lab):
    """And the administrator adds the node again, with the same key and port."""
    shutil.rmtree(lab.state_dir)
    yield
    lab.node.register()


def delete_on_server_and_come_back(lab):
    """And the administrator restores the directory from a backup."""
    backup = lab.directory / "backup"
    command("cp", "-a", lab.state_dir, backup)
    lab.notes.append(f"the backup is of session {lab.session_id(lab.node)}")
    shutil.rmtree(lab.state_dir)
    lab.node.worker().kill()
    tap.wait_until(lambda: answers(lab), 1.5, "an answer without a state directory")
    yield
    command("cp", "-aT", backup, lab.state_dir)  # over what has been made there meanwhile


# ---- the client's -----------------------------------------------------------------------------------


def small_on_node(lab):
    node = one_node(lab)
    os.mkdir(node.settings["state_dir"], 0o700)
    lab.machine.run("mount", "-t", "tmpfs", "-o", SMALL, "tmpfs", node.settings["state_dir"])
    return node


def fill_node(lab):
    fill(f"/proc/{lab.machine.pid}/root{lab.node.settings['state_dir']}/ballast")
    lab.node.supervisor.kill()


def node_read_only(lab):
    """While init waits: nothing has a file there open, as the kernel wants it."""
    both = lab.node.supervisor, lab.node.worker()
    lab.node.supervisor.kill()
    tap.wait_until(lambda: not any(each.is_alive for each in both), 0.5, "the worker ends with its supervisor")
    lab.machine.run("mount", "-o", "remount,ro", lab.node.settings["state_dir"])


def delete_on_node(lab):
    shutil.rmtree(lab.node.settings["state_dir"])
    lab.node.supervisor.kill()


# ---- descriptors ------------------------------------------------------------------------------------


class FewDescriptors:
    """The client may have so many; a supervisor needs a dozen."""

    LIMIT = 32

    def __init__(self, lab):
        self.node = one_node(lab)
        self.start = self.node.start
        self.node.start = lambda: self.start(limits=f"ulimit -n {self.LIMIT}; ")


def few_descriptors(lab):
    return FewDescriptors(lab).node


def cpu_seconds(process):
    with open(f"/proc/{process.pid}/stat", encoding="utf-8") as stream:
        fields = stream.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idles(lab, process, used_before):
    """A process that finds no descriptor must not ask for one again and again."""
    used = cpu_seconds(process) - used_before
    lab.notes.append(f"{used:.2f} s of CPU")
    tap.check(used < 2 * tap.SLOWNESS, f"{process} used {used:.1f} s of CPU meanwhile")


def many_users(lab):
    """Three times as many connections as the worker has descriptors; each stays open. The server checks meanwhile."""
    worker = lab.node.worker()
    used = cpu_seconds(worker)
    users = []
    for _ in range(3 * FewDescriptors.LIMIT):
        users.append(socket.create_connection(("127.0.0.1", lab.node.port()), timeout=5))
    lab.notes.append(lab.server("probe", lab.node, code=None))
    yield
    for user in users:
        user.close()
    idles(lab, worker, used)
    lab.notes.append(lab.server("probe", lab.node))


def many_askers(lab):
    """The same at the control socket, whose queue may be full as well."""
    supervisor = lab.node.supervisor
    used = cpu_seconds(supervisor)
    askers = []
    for _ in range(3 * FewDescriptors.LIMIT):
        asker = socket.socket(socket.AF_UNIX)
        asker.setblocking(False)
        asker.connect_ex(f"{lab.node.settings['run_dir']}/control.sock")
        askers.append(asker)
    yield
    for asker in askers:
        asker.close()
    idles(lab, supervisor, used)
    tap.check(lab.node.status().get("state") == "up", "the control socket answers again")


def many_askers_and_no_worker(lab):
    """A worker has to be started while nobody else may take the descriptors that it needs."""
    asking = many_askers(lab)
    next(asking)
    lab.node.worker().kill()
    yield
    next(asking, None)


def kept(name, what, fault, make, limit_s, lasts_s, is_unbroken=True, **more):
    return Row(name, what, fault, limit_s, 0, END, lasts_s, SAME, make=make, is_unbroken=is_unbroken, **more)


ROWS = [
    kept("server-disk-full", "the server's state directory is full for 30 s", fill_server, small_on_server, 1, 30),
    kept("server-read-only", "the same is read-only for 30 s", server_read_only, small_on_server, 1, 30),
    # What could not be written is written with the next heartbeat.
    Row(
        "server-disk-full-login",
        "a worker dies while that directory is full",
        fill_server_and_come_back,
        16,
        1,
        END,
        10,
        make=small_on_server,
    ),
    kept("server-state-deleted", "that directory deleted, the node added again", delete_on_server, one_node, 16, 10),
    Row(
        "server-state-deleted-login",
        "a worker dies while it is deleted, then a backup",
        delete_on_server_and_come_back,
        16,
        1,
        END,
        10,
    ),
    # As if nothing were wrong: init's second and a start.
    Row("node-disk-full", "the node's state directory full, supervisor killed", fill_node, 2.5, 1, make=small_on_node),
    Row("node-read-only", "the same is read-only, supervisor killed", node_read_only, 2.5, 1, make=small_on_node),
    Row("node-state-deleted", "the same is deleted, supervisor killed", delete_on_node, 2.5, 1),
    # Not with sanitizers: UBSan opens a pipe to look at an object, and takes a full table for a bad object. The prober's
    # own connections may find no descriptor left; as soon as the others are closed, they do.
    kept(
        "descriptors-worker",
        "96 users, 32 descriptors, for 20 s",
        many_users,
        few_descriptors,
        1,
        20,
        is_unbroken=False,
        is_for_plain=True,
    ),
    kept(
        "descriptors-supervisor",
        "the same at the control socket",
        many_askers,
        few_descriptors,
        1,
        20,
        is_for_plain=True,
    ),
    Row(
        "descriptors-new-worker",
        "the same, and the worker is killed",
        many_askers_and_no_worker,
        1.5,
        1,
        lasts_s=20,
        make=few_descriptors,
        is_for_plain=True,
    ),
]
