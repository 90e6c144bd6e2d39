// What sshd's effective settings and version break or expose.

#include <algorithm>
#include <charconv>
#include <set>

#include "server/core/doctor.h"

namespace reversi::server {
namespace {

/// Measured: with the recommended 200:30:400 a fleet of 300 is back within seconds, because its logins are spread.
constexpr std::int64_t kEnoughStartups = 200;
constexpr std::int64_t kFewestNodesForNat = 2;

std::string_view setting(const DoctorFacts& f, std::string_view keyword) {
  const auto found = f.sshd.settings.find(keyword);
  return found == f.sshd.settings.end() || found->second.empty()
             ? std::string_view{}
             : std::string_view(found->second.front());
}

std::int64_t number_of(std::string_view text, std::int64_t otherwise) {
  std::int64_t value = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::vector<std::string> words_of(std::string_view text, std::string_view separators = " ") {
  std::vector<std::string> words;
  while (!text.empty()) {
    const auto end = text.find_first_of(separators);
    const std::string_view word = text.substr(0, end);
    if (!word.empty()) words.emplace_back(word);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return words;
}

/// Where the line belongs: settings that may stand in a Match block are changed for our account alone.
std::string for_account(const DoctorFacts& f, std::string_view line) {
  return "sshd_config, below \"Match User " + f.account.name + "\": " + std::string(line);
}
std::string for_all(std::string_view line) {
  return "sshd_config, before any Match: " + std::string(line);
}

Found once(std::string what, std::string cure) {
  return {{std::move(what), std::move(cure)}};
}

/// Most rows: one keyword with one bad value.
Found if_is(const DoctorFacts& f, std::string_view keyword, std::string_view bad, std::string what,
            std::string_view line) {
  if (setting(f, keyword) != bad) return {};
  return once(std::move(what), for_account(f, line));
}

/// sshd's patterns: `*`, `?`.
bool matches(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() == '*') {
    return matches(pattern.substr(1), text) || (!text.empty() && matches(pattern, text.substr(1)));
  }
  return !text.empty() && (pattern.front() == '?' || pattern.front() == text.front()) &&
         matches(pattern.substr(1), text.substr(1));
}

bool any_matches(const DoctorFacts& f, std::string_view keyword,
                 const std::vector<std::string>& names) {
  const auto found = f.sshd.settings.find(keyword);
  if (found == f.sshd.settings.end()) return false;
  for (const std::string& line : found->second) {
    for (const std::string& word : words_of(line)) {
      const std::string pattern = word.substr(0, word.find('@'));  // "user@host"
      const bool hit = std::ranges::any_of(
          names, [&](const std::string& name) { return matches(pattern, name); });
      if (hit) return true;
    }
  }
  return false;
}

/// A PermitListen or PermitOpen of the configuration counts besides the key's own.
bool permits(std::string_view allowed, Port port) {
  const auto colon = allowed.rfind(':');
  const std::string_view host =
      colon == std::string_view::npos ? std::string_view{} : allowed.substr(0, colon);
  const std::string_view number =
      colon == std::string_view::npos ? allowed : allowed.substr(colon + 1);
  const bool is_our_host = host.empty() || host == "*" || host == "localhost";
  return is_our_host && (number == "*" || number == std::to_string(port));
}

std::string forbidden_ports(const DoctorFacts& f, std::string_view keyword) {
  const std::string_view value = setting(f, keyword);
  if (value.empty() || value == "any") return {};
  const auto allowed = words_of(value);
  std::string ports;
  for (const DoctorNode& node : f.nodes) {
    if (!node.record) continue;
    for (const NodeForward& forward : node.record->forwards) {
      const bool ok = std::ranges::any_of(
          allowed, [&](const std::string& each) { return permits(each, forward.port); });
      if (!ok) ports += (ports.empty() ? "" : ", ") + std::to_string(forward.port);
    }
  }
  return ports;
}

bool is_key_enough(std::string_view methods) {
  if (methods.empty() || methods == "any") return true;
  return std::ranges::any_of(words_of(methods),
                             [](const std::string& each) { return each == "publickey"; });
}

/// AuthorizedKeysFile with its tokens replaced; relative ones start at the home.
std::string expand_keys_file(const DoctorFacts& f, std::string_view pattern) {
  std::string path;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char next = i + 1 < pattern.size() ? pattern[i + 1] : '\0';
    const bool is_token = pattern[i] == '%' && next != '\0';
    if (!is_token) {
      path += pattern[i];
      continue;
    }
    ++i;
    if (next == 'h') path += f.account.home;
    if (next == 'u') path += f.account.name;
    if (next == 'U') path += std::to_string(f.account.uid);
    if (next == '%') path += '%';
  }
  return path.starts_with('/') ? path : f.account.home + '/' + path;
}

bool reads_keys_file(const DoctorFacts& f) {
  const std::string_view files = setting(f, "authorizedkeysfile");
  if (files.empty() || f.keys.path.empty()) return true;
  return std::ranges::any_of(words_of(files), [&](const std::string& each) {
    return each != "none" && expand_keys_file(f, each) == f.keys.path;
  });
}

std::int64_t nodes_behind_one_address(const DoctorFacts& f) {
  std::map<std::string, std::int64_t> counts;
  std::int64_t most = 0;
  for (const DoctorNode& node : f.nodes) {
    if (!node.client_address.empty()) most = std::max(most, ++counts[node.client_address]);
  }
  return most;
}

bool punishes_sources(const DoctorFacts& f) {
  const std::string_view value = setting(f, "persourcepenalties");
  const std::string_view exempt = setting(f, "persourcepenaltyexemptlist");
  return !value.empty() && value != "no" && (exempt.empty() || exempt == "none");
}

const std::string kPenaltyCure =
    for_all("PerSourcePenaltyExemptList with the nodes' networks, or PerSourcePenalties no");

}  // namespace

bool asks_our_command(const DoctorFacts& f) {
  const std::string_view command = setting(f, "authorizedkeyscommand");
  return command.find("reversi-server keys") != std::string_view::npos;
}

std::vector<DoctorRow> doctor_sshd_rows() {
  using enum Severity;
  using F = DoctorFacts;
  return {
      {"sshd_unread", warning,
       [](const F& f) -> Found {
         if (f.sshd.problem.empty()) return {};
         return once("sshd's settings are not known: " + f.sshd.problem,
                     "run reversi-server doctor with sudo");
       }},
      {"sshd_too_old", serious,
       [](const F& f) -> Found {
         if (f.sshd.version == SshdVersion{} || f.sshd.version >= SshdVersion{7, 8}) return {};
         return once(
             "sshd is older than 7.8 and does not know permitlisten: it refuses every "
             "node's key, or lets it listen on any port",
             "upgrade openssh-server");
       }},
      {"gateway_ports", serious,
       [](const F& f) {
         return if_is(f, "gatewayports", "yes",
                      "GatewayPorts is yes: every exposed port is open to the whole network, "
                      "whatever the key's permitlisten says",
                      "GatewayPorts no");
       }},
      {"gateway_ports_by_client", warning,
       [](const F& f) {
         return if_is(f, "gatewayports", "clientspecified",
                      "GatewayPorts is clientspecified: a key without permitlisten can open ports "
                      "to the whole network",
                      "GatewayPorts no");
       }},
      {"tcp_forwarding", serious,
       [](const F& f) -> Found {
         const auto value = setting(f, "allowtcpforwarding");
         if (value != "no" && value != "local") return {};
         return once("AllowTcpForwarding is " + std::string(value) + ": no node can listen",
                     for_account(f, "AllowTcpForwarding yes"));
       }},
      {"canary_forwarding", warning,
       [](const F& f) {
         return if_is(f, "allowtcpforwarding", "remote",
                      "AllowTcpForwarding is remote: the canary cannot lead back to its own port",
                      "AllowTcpForwarding yes");
       }},
      {"disable_forwarding", serious,
       [](const F& f) {
         return if_is(f, "disableforwarding", "yes", "DisableForwarding is yes: no node can listen",
                      "DisableForwarding no");
       }},
      {"stream_local", warning,
       [](const F& f) -> Found {
         const auto value = setting(f, "allowstreamlocalforwarding");
         if (value.empty() || value == "no") return {};
         return once("AllowStreamLocalForwarding is " + std::string(value) +
                         ": nodes of this account must trust each other, because each can make and "
                         "reach unix sockets here",
                     for_account(f, "AllowStreamLocalForwarding no"));
       }},
      {"permit_listen", serious,
       [](const F& f) -> Found {
         const std::string ports = forbidden_ports(f, "permitlisten");
         if (ports.empty()) return {};
         return once("PermitListen of sshd's configuration forbids granted ports: " + ports,
                     for_account(f, "PermitListen any"));
       }},
      {"permit_open", warning,
       [](const F& f) -> Found {
         const std::string ports = forbidden_ports(f, "permitopen");
         if (ports.empty()) return {};
         return once("PermitOpen of sshd's configuration keeps canaries from their ports: " + ports,
                     for_account(f, "PermitOpen any"));
       }},
      {"force_command", serious,
       [](const F& f) -> Found {
         const auto value = setting(f, "forcecommand");
         if (value.empty() || value == "none") return {};
         return once("ForceCommand \"" + std::string(value) + "\" runs instead of the agent",
                     for_account(f, "ForceCommand none"));
       }},
      {"chroot", serious,
       [](const F& f) -> Found {
         const auto value = setting(f, "chrootdirectory");
         if (value.empty() || value == "none") return {};
         return once("ChrootDirectory " + std::string(value) +
                         ": the agent and its state directory are not in there",
                     for_account(f, "ChrootDirectory none"));
       }},
      {"max_sessions", serious,
       [](const F& f) {
         return if_is(f, "maxsessions", "0",
                      "MaxSessions is 0: the agent cannot be started, so no node is served",
                      "MaxSessions 2");
       }},
      {"max_startups", warning,
       [](const F& f) -> Found {
         const auto value = setting(f, "maxstartups");
         const auto fleet = static_cast<std::int64_t>(f.nodes.size());
         if (value.empty() || number_of(value, 0) >= std::min(fleet, kEnoughStartups)) return {};
         return once("MaxStartups " + std::string(value) + " is too small for " +
                         std::to_string(fleet) +
                         " nodes: after an outage they log in together, and many are refused",
                     for_all("MaxStartups 200:30:400"));
       }},
      {"per_source_startups", warning,
       [](const F& f) -> Found {
         const auto value = setting(f, "persourcemaxstartups");
         const std::int64_t together = nodes_behind_one_address(f);
         if (value.empty() || value == "none" || number_of(value, 0) >= together) return {};
         return once("PerSourceMaxStartups is " + std::string(value) + ", and " +
                         std::to_string(together) + " nodes come from one address",
                     for_all("PerSourceMaxStartups none"));
       }},
      {"penalties_behind_nat", warning,
       [](const F& f) -> Found {
         const std::int64_t together = nodes_behind_one_address(f);
         if (!punishes_sources(f) || together < kFewestNodesForNat) return {};
         return once("PerSourcePenalties are on, and " + std::to_string(together) +
                         " nodes come from one address: one that fails blocks the others",
                     kPenaltyCure);
       }},
      {"penalties", note,
       [](const F& f) -> Found {
         if (!punishes_sources(f) || nodes_behind_one_address(f) >= kFewestNodesForNat) return {};
         return once("PerSourcePenalties are on: nodes behind one NAT would block each other",
                     kPenaltyCure);
       }},
      {"public_key_off", serious,
       [](const F& f) {
         return if_is(f, "pubkeyauthentication", "no",
                      "PubkeyAuthentication is no: no node can log in", "PubkeyAuthentication yes");
       }},
      {"authentication_methods", serious,
       [](const F& f) -> Found {
         const auto value = setting(f, "authenticationmethods");
         if (is_key_enough(value)) return {};
         return once("AuthenticationMethods " + std::string(value) + ": a key alone is not enough",
                     for_account(f, "AuthenticationMethods publickey"));
       }},
      {"key_type", serious,
       [](const F& f) -> Found {
         const auto value = setting(f, "pubkeyacceptedalgorithms");
         const auto names = words_of(value, ",");
         if (value.empty() || std::ranges::find(names, "ssh-ed25519") != names.end()) return {};
         return once("PubkeyAcceptedAlgorithms has no ssh-ed25519, which is what keygen makes",
                     for_account(f, "PubkeyAcceptedAlgorithms +ssh-ed25519"));
       }},
      {"user_not_allowed", serious,
       [](const F& f) -> Found {
         const std::vector<std::string> name{f.account.name};
         const bool is_listed = f.sshd.settings.contains("allowusers");
         const bool is_grouped = f.sshd.settings.contains("allowgroups");
         const bool is_out = (is_listed && !any_matches(f, "allowusers", name)) ||
                             (is_grouped && !any_matches(f, "allowgroups", f.account.groups)) ||
                             any_matches(f, "denyusers", name) ||
                             any_matches(f, "denygroups", f.account.groups);
         if (!is_out) return {};
         return once(
             "AllowUsers, AllowGroups, DenyUsers or DenyGroups keep " + f.account.name + " out",
             for_all("let " + f.account.name + " in there"));
       }},
      {"root_login", serious,
       [](const F& f) -> Found {
         if (f.account.uid != 0) return {};
         return if_is(f, "permitrootlogin", "no",
                      "PermitRootLogin is no, and the nodes' account is root",
                      "PermitRootLogin forced-commands-only");
       }},
      {"keys_file_elsewhere", serious,
       [](const F& f) -> Found {
         if (reads_keys_file(f) || asks_our_command(f)) return {};
         return once("sshd reads keys from \"" + std::string(setting(f, "authorizedkeysfile")) +
                         "\", the nodes' are in " + f.keys.path,
                     for_account(f, "AuthorizedKeysFile " + f.keys.path));
       }},
      {"client_alive_hasty", warning,
       [](const F& f) -> Found {
         const std::int64_t interval = number_of(setting(f, "clientaliveinterval"), 0);
         const std::int64_t count = number_of(setting(f, "clientalivecountmax"), 3);
         if (interval == 0 || count == 0 || interval * count >= 30) return {};
         return once("ClientAliveInterval " + std::to_string(interval) + " × ClientAliveCountMax " +
                         std::to_string(count) + " ends sessions over links that are only slow",
                     for_account(f, "ClientAliveInterval 300"));
       }},
      {"client_alive_costs", note,
       [](const F& f) -> Found {
         const std::int64_t interval = number_of(setting(f, "clientaliveinterval"), 0);
         const std::int64_t count = number_of(setting(f, "clientalivecountmax"), 3);
         if (interval == 0 || interval >= 60 || interval * count < 30) return {};
         return once("ClientAliveInterval " + std::to_string(interval) +
                         " costs an idle node traffic; the agent notices a dead path anyway",
                     for_account(f, "ClientAliveInterval 300"));
       }},
      {"client_alive_late", note,
       [](const F& f) -> Found {
         const bool is_late =
             f.sshd.version >= SshdVersion{9, 2} && f.sshd.version <= SshdVersion{9, 4};
         if (!is_late || number_of(setting(f, "clientaliveinterval"), 0) == 0) return {};
         return once("sshd 9.2 to 9.4 takes twice as long as ClientAliveInterval says",
                     "nothing: the agent's dead-man switch is quicker");
       }},
      {"expose_auth_info", note,
       [](const F& f) {
         return if_is(f, "exposeauthinfo", "yes",
                      "ExposeAuthInfo is yes: every session that is killed leaves a file in /tmp",
                      "ExposeAuthInfo no");
       }},
      {"use_dns", note,
       [](const F& f) {
         return if_is(f, "usedns", "yes",
                      "UseDNS is yes: a name server that does not answer delays every login",
                      "UseDNS no");
       }},
      {"sshrc", note,
       [](const F& f) -> Found {
         if (!f.sshd.has_sshrc) return {};
         return once("/etc/ssh/sshrc runs before the agent at every login",
                     "see that it is quick, and prints nothing for " + f.account.name);
       }},
  };
}

}  // namespace reversi::server
