#include <cstdio>

#include <nlohmann/json.hpp>

#include "client/cli/config_option.h"
#include "client/cli/verbs.h"
#include "client/core/client_status.h"
#include "client/io/client_state.h"
#include "client/io/config_file.h"
#include "client/io/control_socket.h"
#include "common/core/json_fields.h"
#include "common/io/files.h"

namespace reversi::client {
namespace {

constexpr Millis kStatusAnswerLimit{3000};
constexpr std::size_t kMostStatusBytes = 1024 * 1024;

struct Answer {
  Json status;
  ExitCode code = ExitCode::failed;
};

/// Asks the supervisor; if it hangs, its last status file is the best there is.
Answer ask(const ClientConfig& config, const std::string& source) {
  const auto [holder, run_dir] = find_supervisor(config);
  if (!holder.is_held) {
    return {absent_status(config, source, 0, "not running"), ExitCode::config};
  }
  const auto answer = ask_supervisor(run_dir, "status", kStatusAnswerLimit);
  if (answer && answer->is_object() && answer->contains("status") &&
      answer->at("status").is_object()) {
    const Json& status = answer->at("status");
    const bool up = status.contains("state") && status["state"] == "up";
    return {status, up ? ExitCode::done : ExitCode::failed};
  }
  const std::string why =
      "the supervisor (process id " + std::to_string(holder.pid) +
      ") does not answer: " + (answer ? "no status in its answer" : answer.error().line());
  const auto text = read_file(run_dir + "/status.json", kMostStatusBytes);
  auto last = text ? parse_json(*text) : Result<Json>{Json::object()};
  if (!last || !last->is_object() || last->empty()) {
    return {absent_status(config, source, holder.pid, why), ExitCode::failed};
  }
  (*last)["state"] = "down";
  (*last)["reason"] = why;
  return {*last, ExitCode::failed};
}

}  // namespace

Run status_verb(Options& add) {
  auto path = add_config_option(add);
  auto as_json = std::make_shared<bool>(false);
  add.flag("--json", *as_json, "One JSON object instead of text.");
  return [path, as_json]() -> Result<ExitCode> {
    const auto config = read_config(*path);
    if (!config) return fail(config.error());
    const Answer answer = ask(*config, *path);
    const std::string text =
        *as_json ? json_text(answer.status) : client_status_text(answer.status);
    std::fputs(text.c_str(), stdout);
    return answer.code;
  };
}

}  // namespace reversi::client
