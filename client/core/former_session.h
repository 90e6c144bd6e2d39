#pragma once
// Without an agent nobody evicts. But where the key may run a command, a client can end its own former session, whose sshd
// may hold the port for hours (a stopped sshd for ever): it notes which sshd process served it, and has the next session
// end that one, and no other, before it asks for its forwards.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reversi::client {

/// The sshd process of a session on the server; the start time (field 22 of proc(5), in ticks) and the boot tell it from
/// a later one with the same pid.
struct ServerProcess {
  std::int64_t pid = 0;
  std::int64_t start_time = 0;
  std::string boot_id;

  friend bool operator==(const ServerProcess&, const ServerProcess&) = default;
};

/// What to run on the server: ends `former` if that still is the same process, waits up to 2 s until it is gone, and
/// prints the line of its own session. POSIX sh and /proc; prints nothing useful on a server without them.
[[nodiscard]] std::string former_session_command(const std::optional<ServerProcess>& former);

/// As written by us and by nobody else: digits, and hexadecimal digits and hyphens.
[[nodiscard]] bool is_usable(const ServerProcess& process);

/// Whether what was kept by a machine with these hardware addresses was kept by this one: they have one
/// in common, or neither has any (a container). A modem comes and goes, and is the same machine; a copy
/// of the disk is not.
[[nodiscard]] bool is_same_machine(const std::vector<std::string>& kept,
                                   const std::vector<std::string>& present);

/// What that command printed: "reversi-session PID START_TIME BOOT_ID". Nothing for any other line.
[[nodiscard]] std::optional<ServerProcess> parse_session_line(std::string_view line);

}  // namespace reversi::client
