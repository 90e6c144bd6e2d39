#include "client/core/former_session.h"

#include <algorithm>
#include <charconv>

namespace reversi::client {
namespace {

constexpr std::size_t kMostIdBytes = 64;
constexpr std::string_view kWord = "reversi-session ";

template <class Number>
bool take_number(std::string_view& text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

}  // namespace

std::string former_session_command(const std::optional<ServerProcess>& former) {
  // One line without a single quote inside, so that any login shell hands it on as it is. `exec`, so that the parent of
  // this shell is the session's sshd.
  std::string script = R"(t() { sed "s/.*) //" /proc/$1/stat 2>/dev/null | cut -d" " -f20; }; )"
                       R"(b=$(cat /proc/sys/kernel/random/boot_id); )";
  if (former && is_usable(*former)) {
    const std::string pid = std::to_string(former->pid);
    script += "if [ \"$(t " + pid + ")$b\" = " + std::to_string(former->start_time) +
              former->boot_id + " ]; then kill -9 " + pid + "; i=0; while [ -d /proc/" + pid +
              " ] && [ $i -lt 20 ]; do i=$((i+1)); sleep 0.1; done; fi; ";
  }
  script += "echo " + std::string(kWord) + "$PPID $(t $PPID) $b";
  return "exec sh -c '" + script + "'";
}

bool is_usable(const ServerProcess& process) {
  constexpr std::string_view kIdCharacters = "0123456789abcdef-";
  return process.pid > 1 && process.start_time > 0 && !process.boot_id.empty() &&
         process.boot_id.size() <= kMostIdBytes &&
         process.boot_id.find_first_not_of(kIdCharacters) == std::string::npos;
}

bool is_same_machine(const std::vector<std::string>& kept,
                     const std::vector<std::string>& present) {
  if (kept.empty() && present.empty()) return true;
  return std::ranges::find_first_of(kept, present) != kept.end();
}

std::optional<ServerProcess> parse_session_line(std::string_view line) {
  if (!line.starts_with(kWord)) return std::nullopt;
  line.remove_prefix(kWord.size());
  ServerProcess process;
  if (!take_number(line, process.pid) || !line.starts_with(' ')) return std::nullopt;
  line.remove_prefix(1);
  if (!take_number(line, process.start_time) || !line.starts_with(' ')) return std::nullopt;
  process.boot_id = line.substr(1);
  return is_usable(process) ? std::optional(process) : std::nullopt;
}

}  // namespace reversi::client
