// doctor: what would stop a tunnel here, each with its cure. What needs libssh is tried by the worker's executable.

#include "client/core/doctor.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include <nlohmann/json.hpp>

#include "client/cli/config_option.h"
#include "client/cli/verbs.h"
#include "client/io/client_state.h"
#include "client/io/config_file.h"
#include "client/io/control_socket.h"
#include "client/io/worker_program.h"
#include "common/core/json_fields.h"
#include "common/io/clock.h"
#include "common/io/command.h"
#include "common/io/system_error.h"

namespace reversi::client {
namespace {

constexpr Millis kStateAnswerLimit{2000};
/// The worker needs 25 s at most; with the supervisor's answer the whole stays below 30 s.
constexpr CommandLimits kWorkerLimits{.time = Millis{27'500}, .most_bytes = 256 * 1024};

/// The directory itself, or where it would be made.
std::filesystem::path existing_part(std::filesystem::path path) {
  std::error_code failed;
  while (!std::filesystem::exists(path, failed) && path.has_relative_path()) {
    path = path.parent_path();
  }
  return path;
}

/// Empty if files can be made in the directory.
std::string write_problem(const std::string& directory) {
  const auto path = existing_part(directory);
  std::error_code failed;
  if (!std::filesystem::is_directory(path, failed)) return path.string() + ": not a directory";
  if (::access(path.c_str(), W_OK | X_OK) == 0) return {};
  return path.string() + ": " + errno_text(errno);
}

LocalFacts gather(const ClientConfig& config) {
  LocalFacts facts;
  facts.now = wall_now();
  facts.run_dir = run_dir_of(config);
  facts.run_dir_problem = write_problem(facts.run_dir);
  facts.state_dir_problem = write_problem(config.state_dir);
  struct statvfs disk {};
  if (::statvfs(existing_part(config.state_dir).c_str(), &disk) == 0) {
    facts.free_bytes = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
  }
  const FoundSupervisor found = find_supervisor(config);
  facts.is_running = found.holder.is_held;
  if (!facts.is_running) return facts;
  const auto answer = ask_supervisor(found.run_dir, "status", kStateAnswerLimit);
  if (!answer) {
    facts.reason = answer.error().line();
    return facts;
  }
  Fields fields(*answer);
  if (const Json* status = fields.find("status")) {
    Fields inner(*status);
    inner.may("state", facts.state, 64).may("reason", facts.reason, 1000);
  }
  return facts;
}

void add_examination(const LoadedConfig& loaded, bool starts_agent, std::vector<News>& news) {
  const auto worker = find_worker();
  if (!worker) return news.push_back({ExamStep::worker, {}, false, worker.error().line()});
  std::vector<std::string> command = *worker;
  command.insert(command.end(), {"examine", loaded.path});
  // Its agent is the one that counts, and it is what `supervisor` speaks of.
  if (!starts_agent) command.emplace_back("without-agent");
  const auto output = run_command(command, kWorkerLimits);
  if (!output) return news.push_back({ExamStep::worker, {}, false, output.error().line()});
  std::string_view lines = output->out;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    auto item = decode_news(line);
    if (!item) return news.push_back({ExamStep::worker, {}, false, item.error().line()});
    news.push_back(*std::move(item));
  }
  news.push_back(
      {ExamStep::worker, {}, output->is_ok(), output->is_ok() ? worker->front() : output->why()});
}

Result<ExitCode> doctor(const std::string& path, bool as_json) {
  const auto loaded = load_config(path);
  std::vector<StepCheck> checks;
  if (loaded) {
    std::vector<News> news = judge_machine(loaded->config, gather(loaded->config));
    news.push_back({ExamStep::configuration, {}, true, loaded->path});
    news.push_back(judge_libssh(libssh_build()));
    const bool is_running = find_supervisor(loaded->config).holder.is_held;
    add_examination(*loaded, !is_running, news);
    checks = checks_of(loaded->config, news);
  } else {
    checks = {bad_configuration(path, loaded.error().line())};
  }
  std::fputs((as_json ? checks_json(checks) : checks_text(checks)).c_str(), stdout);
  if (!loaded) return ExitCode::config;
  return all_good(checks) ? ExitCode::done : ExitCode::failed;
}

}  // namespace

Run doctor_verb(Options& add) {
  auto path = add_config_option(add);
  auto as_json = std::make_shared<bool>(false);
  add.flag("--json", *as_json, "One JSON object instead of text.");
  return [path, as_json] { return doctor(*path, *as_json); };
}

}  // namespace reversi::client
