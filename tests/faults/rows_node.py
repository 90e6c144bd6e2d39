"""What happens to a node as a whole: it sleeps, loses power, is cloned, finds its port taken, has no DNS."""

import shutil
import subprocess

import processes
import tap
from dns import NameServer
from fault_node import FaultNode
from machine import SERVER_ADDRESS, command
from probes import probe
from row import ANY, END, FULL, SAME, Row, one_node
from stranger import stranger

SERVER_NAME = "tunnel.test"


def suspend(lab):
    """Nothing of the machine runs and its network card is off. Unlike real sleep, monotonic time goes on."""
    sleeping = lab.node.everything()
    for each in sleeping:
        each.stop()
    lab.path.drop()  # last: what is under way arrives, for a sleeping kernel does not send again and again
    yield
    lab.path.restore()
    for each in sleeping:
        each.resume()


def lose_power(lab):
    """Not one packet tells the server, and the NAT in front of the node was on the same plug."""
    lab.path.drop()
    lab.path.forget()
    lab.node.kill()
    lab.machine.reboot()
    yield
    lab.path.restore()
    lab.node.start()


def start_beside_stale(lab):
    lab.path.forget()
    lab.node.kill()
    lab.node.start()


def node_of_hidden_sshd(lab):
    """An sshd is not dumpable, so with hidepid not even its own account finds it in /proc."""
    command("mount", "-o", "remount,hidepid=2", "/proc")
    return one_node(lab)


def stale_without_agent(lab):
    """What was there before reversi: a plain `ssh -N -R` with the same key, whose connection is dead."""
    node = lab.node
    forward = f"localhost:{node.port()}:{node.service().target}"
    options = ["-F", "none", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"]
    options += ["-o", f"UserKnownHostsFile={node.known_hosts_file}", "-i", node.key_file, "-p", lab.sshd.port]
    old = subprocess.Popen(
        [*map(str, [*node.machine.enter, "ssh", *options, "-N", "-R", forward, f"{lab.user}@{SERVER_ADDRESS}"])],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=processes.die_with_parent,
    )
    lab.on_close(old.wait)
    lab.on_close(old.kill)
    tap.wait_until(lambda: probe(node.port(), node.service().name).ok, 10, "the old tunnel")
    return old


def node_with_plain_ssh(lab):
    node = one_node(lab)
    lab.node = node
    lab.old = stale_without_agent(lab)
    return node


def start_beside_plain_ssh(lab):
    lab.path.forget()
    lab.old.kill()
    lab.node.start()


def clone(lab):
    twin = FaultNode(lab, lab.add_machine(), lab.node.name, lab.node.forwards, like=lab.node, register=False)
    lab.nodes.append(twin)
    shutil.copytree(lab.node.settings["state_dir"], twin.settings["state_dir"], dirs_exist_ok=True)
    twin.start()
    yield
    seen = twin.status()
    tap.check("duplicate" in seen.get("reason", ""), f"the clone's reason: {seen}")


def five_forwards(lab):
    """A process of another account sits on the fourth port, on both address families, before the node comes."""
    services = {name: lab.service(name) for name in ("one", "two", "three", "four", "five")}
    node = lab.add_node("node-a", services)
    for address in ("127.0.0.1", "::1"):
        stranger(lab, address, node.port("four"))
    return node


def nothing(_):
    yield


def taken_on(address):
    def make(lab):
        node = lab.add_node("node-a", {"free": lab.service("free"), "taken": lab.service("taken")})
        lab.stranger = stranger(lab, address, node.port("taken"))
        return node

    return make


def stranger_leaves(lab):
    yield
    lab.stranger.kill()
    lab.stranger.wait(10)


def node_by_name(lab):
    """Resolver files of the machine's own. Nothing else would ask this name server."""
    lab.name_server = NameServer(SERVER_ADDRESS, SERVER_ADDRESS)
    lab.on_close(lab.name_server.close)
    files = {"resolv.conf": f"nameserver {SERVER_ADDRESS}", "hosts": "", "nsswitch.conf": "hosts: files dns"}
    for name, text in files.items():
        file = lab.directory / name
        file.write_text(f"{text}\n", encoding="utf-8")
        lab.machine.run("mount", "--bind", file, f"/etc/{name}")
    return lab.add_node("node-a", {"ssh": lab.service()}, server_host=SERVER_NAME)


def start_without_dns(mode):
    def fault(lab):
        lab.name_server.mode = mode
        lab.node.start()
        yield
        lab.name_server.mode = "ok"

    return fault


def dns_row(mode, what):
    # Whoever cannot be reached is tried every 10 s at least, as with a server that does not answer; and a start.
    fault = start_without_dns(mode)
    return Row(f"dns-{mode}", what, fault, 12, 1, END, 30, ANY, make=node_by_name, is_up_before=False)


def taken_row(name, address):
    # Asked again every minute: the other account's program may be there for good.
    return Row(
        f"port-taken-{name}",
        f"another account's process on {address}, then not",
        stranger_leaves,
        62,
        0,
        END,
        10,
        SAME,
        make=taken_on(address),
        state_before="degraded",
        forward="taken",
        address=address,
        sees=("port_taken",),
        never=("hung",),
        tier=FULL,
    )


ROWS = [
    # Two minutes are beyond the server's patience, so a new session; the first line after waking finds that out.
    Row("suspended", "the whole node sleeps for 2 min", suspend, 5, 1, END, 120, tier=FULL, sees=("down",)),
    # The old session is challenged for 3 s, and a start.
    Row("power-lost", "power lost, back after 8 s, boot id changed", lose_power, 6, 1, END, 8),
    Row("stale-session", "the port is held by the node's dead session", start_beside_stale, 6, 1),
    Row("stale-hidepid", "the same where /proc hides sshd", start_beside_stale, 6, 1, make=node_of_hidden_sshd),
    Row(
        "stale-without-agent",
        "the port is held by a dead plain ssh",
        start_beside_plain_ssh,
        6,
        1,
        session=ANY,
        make=node_with_plain_ssh,
        is_up_before=False,
    ),
    # The clone logs in, is told to come back after a minute, and the status shows the conflict: for an hour.
    Row("cloned", "a second machine with the same identity", clone, 1, 1, END, 40, SAME, "degraded", is_unbroken=True),
    # Longer than a minute, in which the refused one is asked for again; the four others must not notice.
    Row(
        "one-of-five-refused",
        "sshd refuses one forward of five",
        nothing,
        1,
        0,
        END,
        70,
        SAME,
        "degraded",
        make=five_forwards,
        state_before="degraded",
        is_unbroken=True,
        sees=("healthy",),
    ),
    taken_row("ipv4", "127.0.0.1"),
    taken_row("ipv6", "::1"),
    dns_row("silent", "no answer from DNS at the start, back after 30 s"),
    dns_row("failing", "DNS answers SERVFAIL at the start, well after 30 s"),
]
