#pragma once
// What would stop a tunnel here: news from the edge in, a list of checks with their cures out. A step whose
// prerequisite failed is not tried, and says so.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/core/client_config.h"
#include "client/core/libssh_build.h"
#include "common/core/error.h"
#include "common/core/time.h"

namespace reversi::client {

enum class ExamStep {
  configuration,
  clock,
  run_dir,
  state_dir,
  space,
  worker,  ///< the program that the rest is tried with
  libssh,
  key,
  known_hosts,
  resolve,
  route,
  connect,
  banner,
  host_key,
  login,
  agent,
  target,
  supervisor,
};
[[nodiscard]] std::string_view step_name(ExamStep step);

/// How one step went.
struct News {
  ExamStep step = ExamStep::configuration;
  std::string about;  ///< the server, the forward; empty where there is only one
  bool is_good = false;
  std::string text;  ///< one line: what was found, or what is wrong
  friend bool operator==(const News&, const News&) = default;
};
/// One JSON line with its newline: what the worker says to `doctor`.
[[nodiscard]] std::string encode(const News& news);
/// @errors  protocol
[[nodiscard]] Result<News> decode_news(std::string_view line);

struct StepCheck {
  enum class Outcome { good, failed, not_tried, warning };
  ExamStep step = ExamStep::configuration;
  std::string about;
  Outcome outcome = Outcome::not_tried;
  std::string text;
  std::string cure;  ///< one line; only of what failed, or is a warning
  friend bool operator==(const StepCheck&, const StepCheck&) = default;
};

/// What is known of the machine without leaving it.
struct LocalFacts {
  WallTime now{};
  std::optional<std::uint64_t> free_bytes;  ///< where the state is kept
  std::string run_dir;
  std::string run_dir_problem;  ///< empty: can be written
  std::string state_dir_problem;
  bool is_running = false;  ///< a supervisor holds the lock
  std::string state;        ///< of its status; empty: it does not answer
  std::string reason;
};
[[nodiscard]] std::vector<News> judge_machine(const ClientConfig& config, const LocalFacts& facts);
/// Known holes stop no tunnel: a warning.
[[nodiscard]] News judge_libssh(const LibsshBuild& build);

/// Every step there is for this configuration, in order.
[[nodiscard]] std::vector<StepCheck> checks_of(const ClientConfig& config,
                                               const std::vector<News>& news);
/// The only check of a configuration that cannot be used.
[[nodiscard]] StepCheck bad_configuration(const std::string& path, const std::string& error);

[[nodiscard]] bool all_good(const std::vector<StepCheck>& checks);
[[nodiscard]] std::string checks_text(const std::vector<StepCheck>& checks);
/// {"schema": 1, "ok": …, "checks": [{"step", "about", "outcome", "text", "cure"}]}
[[nodiscard]] std::string checks_json(const std::vector<StepCheck>& checks);

}  // namespace reversi::client
