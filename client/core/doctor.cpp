#include "client/core/doctor.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "common/core/word_table.h"

namespace reversi::client {
namespace {

constexpr std::size_t kMostTextBytes = 1000;
/// Written in 2026: a clock that says less was never set.
constexpr std::chrono::sys_days kEarliest{std::chrono::year{2026} / 1 / 1};
/// Instance, policy, the last good configuration, keys: a few KiB.
constexpr std::uint64_t kFewestBytes = 64 * 1024;

constexpr WordTable<ExamStep, 18> kSteps{{{{ExamStep::configuration, "configuration"},
                                           {ExamStep::clock, "clock"},
                                           {ExamStep::run_dir, "run_dir"},
                                           {ExamStep::state_dir, "state_dir"},
                                           {ExamStep::space, "space"},
                                           {ExamStep::worker, "worker"},
                                           {ExamStep::libssh, "libssh"},
                                           {ExamStep::key, "key"},
                                           {ExamStep::known_hosts, "known_hosts"},
                                           {ExamStep::resolve, "resolve"},
                                           {ExamStep::route, "route"},
                                           {ExamStep::connect, "connect"},
                                           {ExamStep::banner, "banner"},
                                           {ExamStep::host_key, "host_key"},
                                           {ExamStep::login, "login"},
                                           {ExamStep::agent, "agent"},
                                           {ExamStep::target, "target"},
                                           {ExamStep::supervisor, "supervisor"}}}};

using Outcome = StepCheck::Outcome;
constexpr WordTable<Outcome, 4> kCheckOutcomes{{{{Outcome::good, "ok"},
                                            {Outcome::failed, "failed"},
                                            {Outcome::not_tried, "not_tried"},
                                            {Outcome::warning, "warning"}}}};

/// What each step of a server needs before it; the steps in their order.
struct ServerStep {
  ExamStep step;
  std::vector<ExamStep> needs;
};
const std::vector<ServerStep>& server_steps() {
  using enum ExamStep;
  static const std::vector<ServerStep> kOrder{
      {known_hosts, {}},           {resolve, {}},       {route, {resolve}},
      {connect, {resolve, route}}, {banner, {connect}}, {host_key, {banner, key, known_hosts}},
      {login, {host_key}},         {agent, {login}},
  };
  return kOrder;
}

std::string cure_of(const News& news, const ClientConfig& config) {
  const auto server = std::ranges::find_if(config.servers, [&](const ServerConfig& each) {
    return format_endpoint(each.endpoint) == news.about;
  });
  const std::string user = server == config.servers.end() ? "" : server->user;
  switch (news.step) {
    case ExamStep::configuration:
      return "mend it; reversi-client check says whether it is good";
    case ExamStep::clock:
      return "set the clock, and keep it set with NTP";
    case ExamStep::run_dir:
      return "name another run_dir in the configuration, or run as the right user";
    case ExamStep::state_dir:
      return "name another state_dir in the configuration, or run as the right user";
    case ExamStep::space:
      return "free space on the disk of " + config.state_dir;
    case ExamStep::worker:
      return "install reversi-worker beside reversi-client or in ../libexec/reversi";
    case ExamStep::libssh:
      return "install a client that was built with " + std::string(libssh_build().mended_in) +
             " or later";
    case ExamStep::key:
      return "chmod 600 " + config.identity_file +
             ", or make one with reversi-client keygen --out " + config.identity_file;
    case ExamStep::known_hosts:
      return "put the server's line into " + config.known_hosts_file +
             " once its fingerprint is compared (there: ssh-keygen -lf "
             "/etc/ssh/ssh_host_ed25519_key.pub)";
    case ExamStep::resolve:
      return "see that the name server answers (/etc/resolv.conf), or write the address into "
             "servers[].host";
    case ExamStep::route:
      return "bring the network up: there is no route to the server";
    case ExamStep::connect:
      return "see that sshd runs there and no firewall is between, and that servers[].port is its "
             "port";
    case ExamStep::banner:
      return "see that servers[].port is sshd's port; an sshd with too many logins says nothing, "
             "too";
    case ExamStep::host_key:
      return "compare the fingerprint (there: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub); "
             "only if it is the server's, replace its line in " +
             config.known_hosts_file;
    case ExamStep::login:
      return "register the key there: ssh-keygen -y -f " + config.identity_file +
             " | ssh SERVER reversi-server node set " + config.node + " --key -, for the account " +
             user;
    case ExamStep::agent:
      return "there, as " + user +
             ": reversi-server doctor; reversi-server setup --user writes the nodes' lines anew";
    case ExamStep::target:
      return "start the service, or change target or expect of forward \"" + news.about + "\"";
    case ExamStep::supervisor:
      return news.text.find("does not answer") != std::string::npos
                 ? "reversi-client ensure replaces one that hangs"
                 : "see the checks above; reversi-client status says more";
  }
  return {};
}

const News* find_news(const std::vector<News>& news, ExamStep step, const std::string& about) {
  const auto found = std::ranges::find_if(
      news, [&](const News& each) { return each.step == step && each.about == about; });
  return found == news.end() ? nullptr : &*found;
}

Outcome outcome_of(const News& news) {
  if (news.is_good) return Outcome::good;
  return news.step == ExamStep::libssh ? Outcome::warning : Outcome::failed;
}

StepCheck check_of(const News& news, const ClientConfig& config) {
  StepCheck check{news.step,
              news.about,
              outcome_of(news),
              printable(news.text, kMostTextBytes),
              {}};
  if (!news.is_good) check.cure = printable(cure_of(news, config), kMostTextBytes);
  return check;
}

/// The check of a step, tried or not.
void add_step(std::vector<StepCheck>& checks, const ClientConfig& config, const std::vector<News>& news,
         ExamStep step, const std::string& about) {
  if (const News* found = find_news(news, step, about)) {
    checks.push_back(check_of(*found, config));
  } else {
    checks.push_back({step, about, Outcome::not_tried, {}, {}});
  }
}

/// Why a step was not tried: the nearest step before it that failed.
void explain(std::vector<StepCheck>& checks, const std::string& about) {
  const auto outcome = [&](ExamStep step) -> Outcome {
    const auto found = std::ranges::find_if(checks, [&](const StepCheck& each) {
      return each.step == step && (each.about == about || step == ExamStep::key);
    });
    return found == checks.end() ? Outcome::good : found->outcome;
  };
  for (StepCheck& check : checks) {
    if (check.about != about || check.outcome != Outcome::not_tried) continue;
    for (const ServerStep& row : server_steps()) {
      if (row.step != check.step) continue;
      for (const ExamStep need : row.needs) {
        if (outcome(need) == Outcome::good || !check.text.empty()) continue;
        check.text = "needs " + std::string(step_name(need));
      }
    }
  }
}

}  // namespace

std::string_view step_name(ExamStep step) {
  return kSteps.name(step);
}

std::string encode(const News& news) {
  return json_line({{"step", step_name(news.step)},
                    {"about", news.about},
                    {"ok", news.is_good},
                    {"text", news.text}}) +
         '\n';
}

Result<News> decode_news(std::string_view line) {
  const auto doc = parse_json(line);
  if (!doc) return fail(Errc::protocol, doc.error().line());
  News news;
  std::string step;
  Fields fields(*doc);
  fields.need("step", step, kMostTextBytes)
      .need("about", news.about, kMostTextBytes)
      .need("ok", news.is_good)
      .need("text", news.text, 16 * kMostTextBytes);
  if (const auto good = fields.done(); !good) return fail(Errc::protocol, good.error().line());
  const auto known = kSteps.parse(step);
  if (!known) return fail(Errc::protocol, "step: unknown \"" + printable(step) + "\"");
  news.step = *known;
  return news;
}

std::vector<News> judge_machine(const ClientConfig& config, const LocalFacts& facts) {
  std::vector<News> news;
  const bool is_set = facts.now >= kEarliest;
  news.push_back(
      {ExamStep::clock, {}, is_set, format_rfc3339(facts.now) + (is_set ? "" : ": was never set")});
  news.push_back({ExamStep::run_dir,
                  {},
                  facts.run_dir_problem.empty(),
                  facts.run_dir_problem.empty() ? facts.run_dir : facts.run_dir_problem});
  news.push_back({ExamStep::state_dir,
                  {},
                  facts.state_dir_problem.empty(),
                  facts.state_dir_problem.empty() ? config.state_dir : facts.state_dir_problem});
  if (facts.free_bytes) {
    news.push_back({ExamStep::space,
                    {},
                    *facts.free_bytes >= kFewestBytes,
                    std::to_string(*facts.free_bytes / 1024) + " KiB free"});
  }
  if (!facts.is_running) {
    news.push_back({ExamStep::supervisor, {}, true, "not running; nothing holds its lock"});
  } else if (facts.state.empty()) {
    news.push_back({ExamStep::supervisor, {}, false, "runs and does not answer: " + facts.reason});
  } else {
    const std::string why = facts.reason.empty() ? "" : ": " + facts.reason;
    news.push_back({ExamStep::supervisor, {}, facts.state == "up", facts.state + why});
  }
  return news;
}

News judge_libssh(const LibsshBuild& build) {
  const std::string holes = known_holes_text(build);
  return {ExamStep::libssh, {}, holes.empty(), holes.empty() ? describe(build) : holes};
}

std::vector<StepCheck> checks_of(const ClientConfig& config, const std::vector<News>& news) {
  std::vector<StepCheck> checks;
  for (const ExamStep step :
       {ExamStep::configuration, ExamStep::clock, ExamStep::run_dir, ExamStep::state_dir,
        ExamStep::space, ExamStep::worker, ExamStep::libssh, ExamStep::key}) {
    add_step(checks, config, news, step, {});
  }
  for (const ServerConfig& server : config.servers) {
    const std::string about = format_endpoint(server.endpoint);
    for (const ServerStep& row : server_steps()) {
      if (row.step == ExamStep::agent && !config.agent) continue;
      add_step(checks, config, news, row.step, about);
    }
    explain(checks, about);
  }
  for (const ForwardConfig& forward : config.forwards) {
    add_step(checks, config, news, ExamStep::target, forward.name);
  }
  add_step(checks, config, news, ExamStep::supervisor, {});
  return checks;
}

StepCheck bad_configuration(const std::string& path, const std::string& error) {
  const News news{ExamStep::configuration, path, false, error};
  return check_of(news, {});
}

bool all_good(const std::vector<StepCheck>& checks) {
  return std::ranges::none_of(checks,
                              [](const StepCheck& each) { return each.outcome == Outcome::failed; });
}

std::string checks_text(const std::vector<StepCheck>& checks) {
  std::string text;
  for (const StepCheck& check : checks) {
    std::string line(check.outcome == Outcome::failed      ? "FAILED"
                     : check.outcome == Outcome::warning   ? "WARNING"
                     : check.outcome == Outcome::not_tried ? "-"
                                                           : "ok");
    line.resize(8, ' ');
    line += step_name(check.step);
    line.resize(23, ' ');
    line += check.about.empty() ? "" : check.about + (check.text.empty() ? "" : ": ");
    line += check.outcome == Outcome::not_tried && !check.text.empty() ? "not tried, " + check.text
            : check.outcome == Outcome::not_tried                      ? " not tried"
                                                                       : check.text;
    text += line + '\n';
    if (!check.cure.empty()) text += "        -> " + check.cure + '\n';
  }
  return text;
}

std::string checks_json(const std::vector<StepCheck>& checks) {
  Json list = Json::array();
  for (const StepCheck& check : checks) {
    list.push_back({{"step", step_name(check.step)},
                    {"about", check.about},
                    {"outcome", kCheckOutcomes.name(check.outcome)},
                    {"text", check.text},
                    {"cure", check.cure}});
  }
  return json_text({{"schema", 1}, {"ok", all_good(checks)}, {"checks", std::move(list)}});
}

}  // namespace reversi::client
