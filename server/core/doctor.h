#pragma once
// What would break or expose something on this server: facts in, findings out. The facts are gathered by
// server/io/doctor_facts.h; every row of the tables here is one thing that can be wrong.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/core/time.h"
#include "server/core/authorized_keys.h"
#include "server/core/node.h"
#include "server/core/policy.h"

namespace reversi::server {

/// `sshd -T`: keyword in lower case → its values, a line each.
using SshdSettings = std::map<std::string, std::vector<std::string>, std::less<>>;
[[nodiscard]] SshdSettings parse_sshd_settings(std::string_view text);

/// "OpenSSH_9.2p1 …" → {9, 2}; {0, 0} where it does not say.
struct SshdVersion {
  int major = 0;
  int minor = 0;
  friend auto operator<=>(const SshdVersion&, const SshdVersion&) = default;
};
[[nodiscard]] SshdVersion parse_sshd_version(std::string_view text);

struct SshdFacts {
  SshdVersion version;
  SshdSettings settings;   ///< as they hold for the account and a node from outside
  std::string problem;     ///< why they are not known; then no row judges them
  bool has_sshrc = false;  ///< /etc/ssh/sshrc
};

struct AccountFacts {
  std::string name;
  std::int64_t uid = 0;
  std::string home;
  std::string shell;
  bool is_shell_executable = true;
  std::vector<std::string> groups;
  std::optional<std::string> password;      ///< of /etc/shadow; nothing = not readable
  std::optional<std::int64_t> expires_day;  ///< days since 1970; nothing = never
  bool must_change_password = false;
};

/// A directory, or the file itself, on the way to authorized_keys.
struct PathFacts {
  std::string path;
  std::int64_t uid = 0;
  unsigned mode = 0;  ///< permission bits
};

struct KeysFileFacts {
  std::string path;
  std::vector<PathFacts>
      way;  ///< the file first, then its directories up to the home, or to the root
  std::vector<KeyLine> lines;
  std::string problem;                        ///< unreadable, or the block is damaged
  std::string executable;                     ///< of this program
  std::vector<std::string> gone_executables;  ///< named by lines of ours, and not there
};

struct DoctorNode {
  std::string name;
  std::optional<NodeRecord> record;
  std::string problem;             ///< of node.json
  std::vector<std::string> lines;  ///< as they should stand in authorized_keys
  std::string client_address;      ///< of its live session, or empty
};

struct PortRange {
  Port first = 0;
  Port last = 0;  ///< included
};

struct DoctorFacts {
  SshdFacts sshd;
  AccountFacts account;
  KeysFileFacts keys;
  // The state directory.
  std::string state_dir;
  unsigned state_mode = 0700;
  std::vector<std::string> foreign_files;  ///< in it, of another user
  std::vector<DoctorNode> nodes;
  ServerPolicy policy;
  std::string policy_problem;     ///< of server.json
  bool is_policy_broken = false;  ///< else unknown keys only
  std::optional<std::uint64_t> free_bytes;
  std::optional<std::uint64_t> free_inodes;
  // The machine.
  std::string proc_options;  ///< of the mount at /proc
  std::vector<std::int64_t> account_gids;
  std::optional<bool> tells_progress;  ///< the kernel, of a TCP connection; nothing = not tried
  std::optional<PortRange> ephemeral;
  std::vector<PortRange> reserved;  ///< net.ipv4.ip_local_reserved_ports
  WallTime now{};
};

enum class Severity { serious, warning, note };

struct Finding {
  Severity severity = Severity::note;
  std::string id;    ///< "gateway_ports": for programs
  std::string what;  ///< one line: what is wrong, and why it matters
  std::string cure;  ///< one line: what to change

  friend bool operator==(const Finding&, const Finding&) = default;
};

/// What one row found: any number of times (what, cure).
using Found = std::vector<std::pair<std::string, std::string>>;

/// What sshd's StrictModes holds against a file and the way to it. A sticky directory is no exception.
[[nodiscard]] Found strict_modes_problems(const std::string& file,
                                          const std::vector<PathFacts>& way, std::int64_t uid,
                                          const std::string& account);

struct DoctorRow {
  std::string_view id;
  Severity severity;
  Found (*look)(const DoctorFacts& facts);
};
/// Every row, in the order in which they are told.
[[nodiscard]] std::vector<DoctorRow> doctor_rows();
[[nodiscard]] std::vector<DoctorRow> doctor_sshd_rows();
[[nodiscard]] std::vector<DoctorRow> doctor_account_rows();
[[nodiscard]] std::vector<DoctorRow> doctor_state_rows();

/// sshd's AuthorizedKeysCommand is ours: a node gets in without a line in the file.
[[nodiscard]] bool asks_our_command(const DoctorFacts& facts);

/// Serious ones first.
[[nodiscard]] std::vector<Finding> diagnose(const DoctorFacts& facts);
[[nodiscard]] bool has_serious(const std::vector<Finding>& findings);

/// What the lines of a node in authorized_keys still say of it: its keys, ports and address ranges. What a healthy
/// answer is stands only in node.json.
/// @errors  not_found  no line;  config  a line that cannot be read
[[nodiscard]] Result<NodeRecord> record_from_lines(const NodeName& node,
                                                   const std::vector<KeyLine>& lines);

[[nodiscard]] std::string findings_text(const std::vector<Finding>& findings);
/// {"schema": 1, "findings": [{"severity", "id", "what", "cure"}]}
[[nodiscard]] std::string findings_json(const std::vector<Finding>& findings);

}  // namespace reversi::server
