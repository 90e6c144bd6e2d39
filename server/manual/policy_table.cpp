#include "server/manual/policy_table.h"

#include <algorithm>
#include <array>

#include "server/core/policy_keys.h"

namespace reversi::server {
namespace {

struct Sentence {
  std::string_view name;
  std::string_view meaning;
  std::string_view type = {};  ///< of what the parser calls "other"
};

constexpr auto kSentences = std::to_array<Sentence>({
    {"heartbeat_ms", "Between a node's heartbeats."},
    {"check_ms", "Between checks of its forwards."},
    {"check_healthy_ms", "Between checks after healthy_after_ms without a fault."},
    {"healthy_after_ms", "See check_healthy_ms."},
    {"metered_heartbeat_ms", "As heartbeat_ms, of nodes that say they are metered."},
    {"metered_check_ms", "As check_ms, of nodes that say they are metered."},
    {"probe_limit_ms", "For one probe, while the session makes no progress."},
    {"stable_after_ms", "A session this old was stable: its loss is no failure."},
    {"retry_first_ms", "The first wait of a node's back-off; each next one is twice as long."},
    {"retry_longest_ms", "The longest wait of the back-off."},
    {"spread_per_node_ms",
     "Nodes that lost this server at once spread their retries over this long for each node."},
    {"try_earlier_ms",
     "A node on a later one of its servers tries each earlier one once in this time."},
    {"duplicate_retry_ms", "A second machine with a node's key comes again after this."},
    {"duplicate_retry_longest_ms", "The longest of these waits, which grow."},
    {"refused_retry_ms",
     "A node that is disabled, has no grant or comes to a busy server comes again after this."},
    {"challenge_silence_ms",
     "A recorded session that is challenged and says nothing for this long is evicted."},
    {"challenge_progress_ms", "The same while that session still moves bytes."},
    {"hello_limit_ms", "For a node's first line after its login."},
    {"dead_after_heartbeats", "Heartbeats missed until the session counts as dead and is ended."},
    {"probes_at_once", "Probes that one agent has under way."},
    {"logins_at_once", "Agents that evict, wait for ports and write at once; others wait."},
    {"pending_most", "Unknown keys that are kept for node approve."},
    {"pending_days", "One that has not knocked for so many days makes room."},
    {"forwards_per_node", "Forwards that a node may have."},
    {"port_first", "The first port that node add hands out."},
    {"port_last", "The last one."},
    {"schema", "The version of this file's form; 1.", "number"},
    {"next_host_keys",
     "Public host keys of this server to come, announced to the nodes before sshd is restarted "
     "with them.",
     "list of \"ssh-ed25519 AAAA…\""},
    {"host_key_files", "This server's public host keys. Missing: /etc/ssh/ssh_host_*_key.pub.",
     "list of paths"},
    {"servers",
     "Names of this server, present and next, announced to the nodes, which then use these.",
     "list of \"host:port\""},
    {"authorized_keys",
     "The file that sshd reads the nodes' keys from; kept by --authorized-keys. Missing: the "
     "account's own.",
     "path"},
    {"address", "How nodes and people reach this server; kept by node add --address.",
     "\"host\" or \"host:port\""},
});

}  // namespace

std::vector<manual::ConfigKey> policy_key_table() {
  std::vector<manual::ConfigKey> table;
  for (const PolicyKey& key : policy_keys()) {
    manual::ConfigKey row{.path = std::string(key.name),
                          .type = std::string(key.type),
                          .least = key.least,
                          .most = key.most};
    if (key.most > 0) row.fallback = std::to_string(key.fallback);
    const auto found = std::ranges::find(kSentences, key.name, &Sentence::name);
    if (found != kSentences.end()) row.meaning = found->meaning;
    if (found != kSentences.end() && !found->type.empty()) row.type = found->type;
    table.push_back(std::move(row));
  }
  for (const Sentence& sentence : kSentences) {
    if (std::ranges::find(table, sentence.name, &manual::ConfigKey::path) != table.end()) continue;
    table.push_back({.path = std::string(sentence.name), .type = {}});
  }
  return table;
}

}  // namespace reversi::server
