#!/usr/bin/env python3
"""reversi-server doctor against a real sshd's effective settings and real files; --repair."""

import json

import lab
import tap

# What sshd's configuration says, and the rows that have to say so. The lab's own is StrictModes no, UsePAM no.
SETTINGS = [
    ("GatewayPorts yes", {"gateway_ports"}),
    ("GatewayPorts clientspecified", {"gateway_ports_by_client"}),
    ("AllowTcpForwarding no", {"tcp_forwarding"}),
    ("AllowTcpForwarding remote", {"canary_forwarding"}),
    ("DisableForwarding yes", {"disable_forwarding"}),
    ("AllowStreamLocalForwarding yes", {"stream_local"}),
    ("PermitListen localhost:1", {"permit_listen"}),
    ("PermitOpen none", {"permit_open"}),
    ("ForceCommand /bin/true", {"force_command"}),
    ("ChrootDirectory /var/empty", {"chroot"}),
    ("MaxSessions 0", {"max_sessions"}),
    ("PubkeyAuthentication no", {"public_key_off"}),
    ("AuthenticationMethods publickey,password", {"authentication_methods"}),
    ("PubkeyAcceptedAlgorithms rsa-sha2-512", {"key_type"}),
    ("AuthorizedKeysFile /nowhere/keys", {"keys_file_elsewhere"}),
    ("ClientAliveInterval 5\nClientAliveCountMax 2", {"client_alive_hasty"}),
]
GLOBAL_SETTINGS = [
    ("MaxStartups 1:30:100", {"max_startups"}),
    ("AllowUsers somebody-else", {"user_not_allowed"}),
    ("ExposeAuthInfo yes", {"expose_auth_info"}),
    ("UseDNS yes", {"use_dns"}),
]


def doctor(lab, *arguments, code=None):
    """The ids of what it finds, with their findings."""
    text = lab.server("doctor", "--json", "--sshd-config", lab.sshd.config, *arguments, code=code)
    findings = json.loads(text)["findings"]
    for finding in findings:
        tap.check(finding["what"] and finding["cure"], f"without words or cure: {finding}")
        tap.check(finding["severity"] in ("serious", "warning", "note"), f"{finding}")
    return {finding["id"]: finding for finding in findings}


def ids(lab):
    return set(doctor(lab))


@tap.case("every setting that breaks or exposes something is named, in a Match block, too")
def _(lab):
    for name in ("node-a", "node-b"):
        lab.add_node(name, {"ssh": lab.nonce_service(name)})
    plain = lab.sshd.config.read_text(encoding="utf-8")
    safe = "GatewayPorts no\nAllowStreamLocalForwarding no\n"
    lab.sshd.config.write_text(safe + plain, encoding="utf-8")
    before = ids(lab)
    known = {row for _, rows in SETTINGS + GLOBAL_SETTINGS for row in rows}
    tap.check(not before & known, f"found on a good server: {before & known}")
    for line, rows in SETTINGS:
        block = f"\nMatch User {lab.user}\n    {line}\n"
        # In sshd's configuration the first value counts.
        text = plain + block if line.split()[0] in ("AuthorizedKeysFile",) else safe + plain + block
        keyword = line.split()[0]
        kept = "".join(each + "\n" for each in text.splitlines() if not each.startswith(f"{keyword} "))
        lab.sshd.config.write_text(kept, encoding="utf-8")
        found = ids(lab) - before
        tap.check(rows <= found and len(found) <= 2, f"{line}: {found}")
    for line, rows in GLOBAL_SETTINGS:
        lab.sshd.config.write_text(f"{line}\n{safe}{plain}", encoding="utf-8")
        found = ids(lab) - before
        tap.check(found - {"client_alive_late"} == rows, f"{line}: {found}")


@tap.case("exit code 1 for serious findings, 0 without; the text names line and cure")
def _(lab):
    lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    plain = lab.sshd.config.read_text(encoding="utf-8")
    serious = {key for key, each in doctor(lab).items() if each["severity"] == "serious"}
    tap.check(serious <= {"shell"}, f"serious ones on a good server: {serious}")
    lab.server("doctor", "--sshd-config", lab.sshd.config, code=1 if serious else 0)
    lab.sshd.config.write_text("GatewayPorts yes\n" + plain, encoding="utf-8")
    text = lab.server("doctor", "--sshd-config", lab.sshd.config, code=1)
    tap.check("GatewayPorts is yes" in text and "GatewayPorts no" in text, text)


@tap.case("sshd that cannot be asked is a finding, not an end")
def _(lab):
    lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    lab.sshd.config.write_text("NoSuchKeyword yes\n", encoding="utf-8")
    tap.check("NoSuchKeyword" in doctor(lab)["sshd_unread"]["what"], "it does not name sshd's reason")
    tap.check("sshd_unread" in doctor(lab, "--sshd", "/nonexistent/sshd"), "no finding without sshd")


@tap.case("authorized_keys: a line that is gone, too free, of another program, or somebody's own")
def _(lab):
    lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    before = ids(lab)
    good = lab.authorized_keys.read_text(encoding="utf-8")
    line = next(each for each in good.splitlines() if "--node node-a" in each)
    program = lab.environment.get("REVERSI_SERVER") or line.split('command="exec ')[1].split(" ")[0]
    key = line.split('" ssh-')[1]
    spoilt = {
        "keys_line_missing": good.replace(line + "\n", ""),
        "keys_line_unrestricted": good.replace("restrict,", ""),
        "keys_line_opens_anything": good.replace("permitopen=", "environment="),
        "keys_line_listens_anywhere": good.replace("permitlisten=", "environment="),
        "keys_line_gone_program": good.replace(program, "/nonexistent/reversi-server"),
        "keys_line_differs": good.replace(program, "/bin/true"),
        "keys_line_of_nobody": good.replace(line, line + "\n" + line.replace("node-a", "node-x")),
        "foreign_keys": f"ssh-{key.replace('AAAA', 'AAAB')}\n{good}",
        "keys_file": good.replace("# END reversi", ""),
    }
    for row, text in spoilt.items():
        lab.authorized_keys.write_text(text, encoding="utf-8")
        found = ids(lab) - before
        tap.check(row in found and found <= {row, "keys_line_differs", "foreign_keys"}, f"{row}: {found}")
    lab.authorized_keys.write_text(spoilt["keys_line_opens_anything"], encoding="utf-8")
    lab.server("setup", "--user")
    tap.check(ids(lab) == before, "the cure did not cure")


@tap.case("--repair: a broken node.json is made anew from its line, a broken server.json moved aside; nothing else moves them")
def _(lab):
    node = lab.add_node("node-a", {"ssh": lab.nonce_service("node-a")})
    lab.up(node)
    node_json = lab.state_dir / "nodes" / "node-a" / "node.json"
    good = json.loads(node_json.read_text(encoding="utf-8"))
    node_json.write_text('{"schema": 1', encoding="utf-8")
    (lab.state_dir / "server.json").write_text("[]", encoding="utf-8")
    for verb in (["status"], ["node", "list"], ["doctor", "--sshd-config", str(lab.sshd.config)]):
        lab.server(*verb, code=None)
        tap.check(node_json.read_text(encoding="utf-8") == '{"schema": 1', f"{verb} touched node.json")
    tap.check({"node_broken", "policy_broken"} <= ids(lab), "the broken files are not found")
    found = doctor(lab, "--repair")
    tap.check(not {"node_broken", "policy_broken"} & set(found), f"{set(found)}")
    again = json.loads(node_json.read_text(encoding="utf-8"))
    tap.check({**again, "forwards": good["forwards"]} == good, f"{again}")
    tap.check([each["port"] for each in again["forwards"]] == [node.port()], f"{again}")
    kept = [path for path in node_json.parent.iterdir() if path.name.startswith("node.json.broken-")]
    tap.check(len(kept) == 1 and kept[0].read_text(encoding="utf-8") == '{"schema": 1', f"{kept}")
    tap.check(not (lab.state_dir / "server.json").exists(), "server.json is still there")
    lab.server("node", "set", node, "--forward", "ssh:connect")
    lab.wait_state(node, "up", 15)
    lab.authorized_keys.write_text("", encoding="utf-8")
    node_json.write_text("{", encoding="utf-8")
    tap.check("node_broken" in doctor(lab, "--repair"), "made from nothing")
    tap.check(node_json.read_text(encoding="utf-8") == "{", "the only record was taken away")


@tap.case("two nodes with one port, and a directory that is not there")
def _(lab):
    nodes = [lab.add_node(name, {"ssh": lab.nonce_service(name)}) for name in ("node-a", "node-b")]
    path = lab.state_dir / "nodes" / "node-b" / "node.json"
    text = path.read_text(encoding="utf-8").replace(str(nodes[1].port()), str(nodes[0].port()))
    path.write_text(text, encoding="utf-8")
    found = doctor(lab, code=1)
    tap.check(str(nodes[0].port()) in found["port_twice"]["what"], f"{found}")
    lab.server("doctor", "--state-dir", lab.directory / "gone", code=3)
    tap.check(not (lab.directory / "gone").exists(), "the doctor made a directory")


lab.main()
