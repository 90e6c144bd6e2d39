#include "server/cli/verbs.h"

#include <array>
#include <cstdio>

#include "server/cli/agent.h"

namespace reversi::server {
namespace {

constexpr auto kVerbs = std::to_array<Verb>({
    {"setup", "Prepare this machine, or this account, to receive nodes.", setup_verb,
     "sudo reversi-server setup --system\n"
     "reversi-server setup --user"},
    {"node add", "Register a node, its key and its ports.", node_add_verb,
     "reversi-server node add cam-07 --key cam-07.pub --forward ssh:banner=SSH-2.0- \\\n"
     "    --address tunnel.example.org\n"
     "reversi-server node add router --key - --forward ssh=20100 --forward web:http=/,200"},
    {"node pending", "List the keys that knocked and are no node's.", node_pending_verb,
     "reversi-server node pending"},
    {"node approve", "Register a node with a key that knocked.", node_approve_verb,
     "reversi-server node approve SHA256:Ukyj7mQ0 cam-07 --forward ssh"},
    {"node deny", "Forget a key that knocked; it may knock again.", node_deny_verb,
     "reversi-server node deny SHA256:Ukyj7mQ0"},
    {"node set", "Change a node's key, ports or address ranges.", node_set_verb,
     "reversi-server node set cam-07 --forward web=20080:http --remove-forward mail"},
    {"node list", "List every registered node.", node_list_verb, "reversi-server node list"},
    {"node show", "Show one node: what is registered, how available its forwards were.",
     node_show_verb, "reversi-server node show cam-07\nreversi-server node show cam-07 --json"},
    {"node enable", "Let a disabled node come back.", node_enable_verb,
     "reversi-server node enable cam-07"},
    {"node disable", "End a node's session and refuse it until it is enabled.", node_disable_verb,
     "reversi-server node disable cam-07"},
    {"node remove", "Forget a node: its key, ports, status and events.", node_remove_verb,
     "reversi-server node remove cam-07"},
    {"node rotate-key", "Have a node make a new key; the old one goes once it is used.",
     node_rotate_key_verb, "reversi-server node rotate-key cam-07"},
    {"node bundle", "Make one archive with all that a node needs, and an installer.",
     node_bundle_verb,
     "reversi-server node bundle cam-07 --os openwrt --forward ssh:banner=SSH-2.0- \\\n"
     "    --address tunnel.example.org --binary mips/reversi-client --binary mips/reversi-worker"},
    {"status", "Show every node, its ports and its health.", status_verb,
     "reversi-server status\n"
     "reversi-server status --state down --state degraded --match 'cam-*' --sort since\n"
     "reversi-server status cam-07 --json\n"
     "reversi-server status --check || mail -s 'a node is down' admin </dev/null"},
    {"events", "Show what happened, oldest first.", events_verb,
     "reversi-server events cam-07 --since 2h\n"
     "reversi-server events --since 2026-11-20T00:00:00Z --json"},
    {"probe", "Probe a node's forwards now; exit code 0 if all are healthy.", probe_verb,
     "reversi-server probe cam-07"},
    {"evict", "End the session that holds a node's ports.", evict_verb,
     "reversi-server evict cam-07"},
    {"doctor", "Find what breaks or exposes something here; exit code 1 if any of it is serious.",
     doctor_verb, "sudo reversi-server doctor\nsudo reversi-server doctor --repair"},
    {"ssh-config", "Print Host blocks, so that `ssh NODE` leads there.", ssh_config_verb,
     "reversi-server ssh-config > ~/.ssh/reversi.config\n"
     "ssh tunnel.example.org reversi-server ssh-config --jump admin@tunnel.example.org --user "
     "root"},
    {"agent", "Serve one connection of a node: the forced command of its key.", agent_verb,
     "reversi-server agent --node cam-07 --grant ssh=20001 --state-dir /var/lib/reversi",
     /*hidden=*/true},
    {"keys", "Answer sshd whose key this is: its AuthorizedKeysCommand.", keys_verb,
     "AuthorizedKeysCommand /usr/bin/reversi-server keys %f %t %k\n"
     "AuthorizedKeysCommandUser reversi"},
    {"version", "Print the version.", version_verb, "reversi-server version"},
});

constexpr Program kProgram{"reversi-server",
                           "Keeps machines behind NAT reachable, and tells the truth about them.",
                           kVerbs};

}  // namespace

const Program& server_program() {
  return kProgram;
}

Run version_verb(Options& /*add*/) {
  return []() -> Result<ExitCode> {
    std::puts("reversi-server " REVERSI_VERSION);
    return ExitCode::done;
  };
}

}  // namespace reversi::server
