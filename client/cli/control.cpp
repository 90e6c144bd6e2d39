// stop, reload, restart-tunnel: one request to the supervisor each.

#include <poll.h>

#include <cstdio>

#include <nlohmann/json.hpp>

#include "client/cli/config_option.h"
#include "client/cli/verbs.h"
#include "client/io/client_state.h"
#include "client/io/config_file.h"
#include "client/io/control_socket.h"
#include "common/core/json_fields.h"
#include "common/io/clock.h"

namespace reversi::client {
namespace {

constexpr Millis kControlAnswerLimit{5000};
constexpr Millis kStopLimit{15'000};  // TERM, 2 s, KILL, and some
constexpr int kLookForEndEveryMs = 20;

Error not_running(const ClientConfig& config) {
  return {Errc::config, "not running: nobody holds " + run_dir_of(config) + "/lock"};
}

Result<ExitCode> request(const ClientConfig& config, const std::string& word) {
  const FoundSupervisor found = find_supervisor(config);
  if (!found.holder.is_held) return fail(not_running(config));
  const auto answer = ask_supervisor(found.run_dir, word, kControlAnswerLimit);
  if (!answer) return fail(answer.error());
  bool ok = false;
  std::string error = "no reason given";
  Fields fields(*answer);
  std::string note;
  fields.need("ok", ok).may("error", error, 4096).may("note", note, 4096);
  if (auto good = fields.done(); !good) return fail(good.error());
  if (!note.empty()) std::printf("%s\n", note.c_str());
  if (ok) return ExitCode::done;
  return fail(word == "reload" ? Errc::config : Errc::io, error);
}

/// Stopped means: the lock is free, so that another supervisor may start.
Result<ExitCode> stop(const ClientConfig& config) {
  const auto asked = request(config, "stop");
  if (!asked) return asked;
  const MonoTime deadline = mono_now() + kStopLimit;
  while (find_supervisor(config).holder.is_held) {
    if (mono_now() >= deadline) return fail(Errc::timeout, "the supervisor has not stopped yet");
    ::poll(nullptr, 0, kLookForEndEveryMs);
  }
  return ExitCode::done;
}

template <class Act>
Run control_verb(Options& add, Act act) {
  return [path = add_config_option(add), act]() -> Result<ExitCode> {
    const auto config = read_config(*path);
    if (!config) return fail(config.error());
    return act(*config);
  };
}

}  // namespace

Run stop_verb(Options& add) {
  return control_verb(add, stop);
}
Run reload_verb(Options& add) {
  return control_verb(add, [](const ClientConfig& config) { return request(config, "reload"); });
}
Run restart_tunnel_verb(Options& add) {
  return control_verb(add,
                      [](const ClientConfig& config) { return request(config, "restart-tunnel"); });
}

}  // namespace reversi::client
