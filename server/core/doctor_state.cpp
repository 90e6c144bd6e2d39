// What is wrong with the state directory, the ports and the machine.

#include <algorithm>

#include "server/core/doctor.h"

namespace reversi::server {
namespace {

constexpr std::uint64_t kFewBytes = 64ULL * 1024 * 1024;
constexpr std::uint64_t kNoBytes = 1024ULL * 1024;
constexpr std::uint64_t kFewInodes = 1000;
/// Written in 2026: a clock that says less was never set.
constexpr std::chrono::sys_days kEarliest{std::chrono::year{2026} / 1 / 1};

bool is_full(const DoctorFacts& f) {
  return (f.free_bytes && *f.free_bytes < kNoBytes) || (f.free_inodes && *f.free_inodes == 0);
}

bool contains(const PortRange& range, Port port) {
  return port >= range.first && port <= range.last;
}

/// A port that the kernel may give to an outgoing connection.
bool is_ephemeral(const DoctorFacts& f, Port port) {
  return f.ephemeral && contains(*f.ephemeral, port) &&
         std::ranges::none_of(f.reserved,
                              [&](const PortRange& range) { return contains(range, port); });
}

std::string range_text(const PortRange& range) {
  return std::to_string(range.first) + "–" + std::to_string(range.last);
}

/// hidepid=2 and "invisible" alike; 0 and "off" hide nothing.
bool hides_processes(const DoctorFacts& f) {
  std::string_view options = f.proc_options;
  bool hides = false;
  std::string shown_to;
  while (!options.empty()) {
    const std::string_view option = options.substr(0, options.find(','));
    options.remove_prefix(std::min(options.size(), option.size() + 1));
    if (option.starts_with("hidepid=")) hides = option != "hidepid=0" && option != "hidepid=off";
    if (option.starts_with("gid=")) shown_to = option.substr(4);
  }
  const bool is_member = std::ranges::any_of(
      f.account_gids, [&](std::int64_t gid) { return std::to_string(gid) == shown_to; });
  return hides && !is_member && f.account.uid != 0;
}

/// What two nodes both have.
template <class ValuesOf>
Found shared(const DoctorFacts& f, ValuesOf values_of, const std::string& what,
             const std::string& cure) {
  std::map<std::string, std::string> owner;
  Found found;
  for (const DoctorNode& node : f.nodes) {
    if (!node.record) continue;
    for (const std::string& value : values_of(*node.record)) {
      const auto [at, is_new] = owner.emplace(value, node.name);
      if (is_new || at->second == node.name) continue;
      found.emplace_back("nodes " + at->second + " and " + node.name + " both have " + what +
                             (value.size() < 10 ? ' ' + value : ""),
                         "reversi-server node set " + node.name + ' ' + cure);
    }
  }
  return found;
}

}  // namespace

std::vector<DoctorRow> doctor_state_rows() {
  using enum Severity;
  using F = DoctorFacts;
  return {
      {"state_file_owner", serious,
       [](const F& f) -> Found {
         Found found;
         for (const std::string& file : f.foreign_files) {
           found.emplace_back(file + " belongs to another user, so it is not believed",
                              "chown " + f.account.name + ' ' + file);
         }
         return found;
       }},
      {"state_dir_mode", warning,
       [](const F& f) -> Found {
         if ((f.state_mode & 0077) == 0) return {};
         return {
             {f.state_dir +
                  " was open to others until now, and whoever may write there decides which "
                  "port is whose",
              "it is closed again; see that " + f.state_dir + "/nodes holds only what you know"}};
       }},
      {"policy_broken", serious,
       [](const F& f) -> Found {
         if (!f.is_policy_broken) return {};
         return {{f.policy_problem, "mend it, or reversi-server doctor --repair moves it aside"}};
       }},
      {"policy_unknown_keys", warning,
       [](const F& f) -> Found {
         if (f.is_policy_broken || f.policy_problem.empty()) return {};
         return {{f.policy_problem, "remove what is misspelled"}};
       }},
      {"node_broken", serious,
       [](const F& f) -> Found {
         Found found;
         for (const DoctorNode& node : f.nodes) {
           if (node.record) continue;
           found.emplace_back("node " + node.name + ": " + node.problem +
                                  "; it lives on the ports of its line in authorized_keys",
                              "mend it, or reversi-server doctor --repair makes it anew from that "
                              "line");
         }
         return found;
       }},
      {"port_twice", serious,
       [](const F& f) {
         return shared(
             f,
             [](const NodeRecord& record) {
               std::vector<std::string> ports;
               for (const NodeForward& each : record.forwards)
                 ports.push_back(std::to_string(each.port));
               return ports;
             },
             "port", "--forward NAME=ANOTHER-PORT");
       }},
      {"key_twice", serious,
       [](const F& f) {
         return shared(
             f,
             [](const NodeRecord& record) {
               std::vector<std::string> keys;
               for (const PublicKey& key : record.keys) keys.push_back(key.type + ' ' + key.blob);
               return keys;
             },
             "one key", "--key FILE with a key of its own");
       }},
      {"disk_full", serious,
       [](const F& f) -> Found {
         if (!is_full(f)) return {};
         return {{"the disk of " + f.state_dir + " is full: nothing new about nodes can be kept",
                  "free space or inodes there"}};
       }},
      {"disk_nearly_full", warning,
       [](const F& f) -> Found {
         const bool is_short = (f.free_bytes && *f.free_bytes < kFewBytes) ||
                               (f.free_inodes && *f.free_inodes < kFewInodes);
         if (is_full(f) || !is_short) return {};
         return {
             {"little room is left on the disk of " + f.state_dir, "free space or inodes there"}};
       }},
      {"hidepid", serious,
       [](const F& f) -> Found {
         if (!hides_processes(f)) return {};
         return {
             {"/proc hides processes (hidepid): nodes are served, but a session whose agent was "
              "killed or stopped, or that never had one, is not found and keeps its ports",
              "mount -o remount,hidepid=0 /proc, and the same in /etc/fstab"}};
       }},
      {"tcp_diag", warning,
       [](const F& f) -> Found {
         if (f.tells_progress.value_or(true)) return {};
         return {
             {"the kernel does not tell how a connection moves (INET_DIAG): a forward that "
              "hangs is noticed after a minute, not after seconds",
              "modprobe tcp_diag, and its name in a file of /etc/modules-load.d"}};
       }},
      {"ephemeral_range", warning,
       [](const F& f) -> Found {
         const bool range_is_hit =
             f.ephemeral && f.policy.port_first <= f.ephemeral->last &&
             f.policy.port_last >= f.ephemeral->first &&
             (is_ephemeral(f, std::max(f.policy.port_first, f.ephemeral->first)) ||
              is_ephemeral(f, std::min(f.policy.port_last, f.ephemeral->last)));
         if (!range_is_hit) return {};
         const std::string ports = range_text({f.policy.port_first, f.policy.port_last});
         return {{"outgoing connections of this machine take ports " + range_text(*f.ephemeral) +
                      ", nodes are given " + ports + ": one may be taken while a node is away",
                  "sysctl net.ipv4.ip_local_reserved_ports=" + std::to_string(f.policy.port_first) +
                      '-' + std::to_string(f.policy.port_last)}};
       }},
      {"ephemeral_port", warning,
       [](const F& f) -> Found {
         Found found;
         for (const DoctorNode& node : f.nodes) {
           if (!node.record) continue;
           for (const NodeForward& forward : node.record->forwards) {
             const bool is_in_range = forward.port >= f.policy.port_first &&
                                      forward.port <= f.policy.port_last;  // told above
             if (is_in_range || !is_ephemeral(f, forward.port)) continue;
             const std::string port = std::to_string(forward.port);
             found.emplace_back(
                 "port " + port + " of node " + node.name +
                     " is one that outgoing connections of this machine may take",
                 "sysctl net.ipv4.ip_local_reserved_ports=" + port + ", besides what is in there");
           }
         }
         return found;
       }},
      {"clock", warning,
       [](const F& f) -> Found {
         if (f.now >= kEarliest) return {};
         return {{"the clock of this machine says " + format_rfc3339(f.now) +
                      ": every time that is shown will be wrong",
                  "set it, and keep it set with NTP"}};
       }},
  };
}

}  // namespace reversi::server
