#include "client/core/doctor.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace reversi::client {
namespace {

using Outcome = StepCheck::Outcome;
using enum ExamStep;

const std::string kServer = "tunnel.example.org:22";

ClientConfig config() {
  ClientConfig config;
  config.node = "cam-07";
  config.servers = {{{"tunnel.example.org", 22}, "reversi"}};
  config.identity_file = "/etc/reversi/id_ed25519";
  config.known_hosts_file = "/etc/reversi/known_hosts";
  config.state_dir = "/etc/reversi";
  config.forwards = {
      {.name = "ssh", .target = Endpoint{"127.0.0.1", 22}, .listen = {}, .expect = {}}};
  return config;
}

LocalFacts machine() {
  LocalFacts facts;
  facts.now = std::chrono::sys_days{std::chrono::year{2026} / 11 / 21};
  facts.free_bytes = 1 << 20;
  facts.run_dir = "/run/reversi/cam-07";
  return facts;
}

/// Everything went well, up to and including `last` of the server's steps.
std::vector<News> news_up_to(ExamStep last) {
  std::vector<News> news = judge_machine(config(), machine());
  news.push_back({configuration, "", true, "client.json"});
  news.push_back({worker, "", true, "reversi-worker"});
  news.push_back(judge_libssh({.version = "0.10.6"}));
  news.push_back({key, "", true, "ssh-ed25519"});
  news.push_back({target, "ssh", true, "answers"});
  for (const ExamStep step :
       {known_hosts, resolve, route, connect, banner, host_key, login, agent}) {
    news.push_back({step, kServer, true, "good"});
    if (step == last) break;
  }
  return news;
}

StepCheck check_at(const std::vector<StepCheck>& checks, ExamStep step) {
  const auto found = std::ranges::find(checks, step, &StepCheck::step);
  return found == checks.end() ? StepCheck{} : *found;
}

TEST(ClientDoctor, EveryStepIsThereOnceAndGood) {
  const auto checks = checks_of(config(), news_up_to(agent));
  EXPECT_EQ(checks.size(), 18U);
  for (const StepCheck& check : checks) {
    EXPECT_EQ(check.outcome, Outcome::good) << step_name(check.step);
    EXPECT_TRUE(check.cure.empty()) << step_name(check.step);
  }
  EXPECT_TRUE(all_good(checks));
  EXPECT_EQ(checks_text(checks).find("FAILED"), std::string::npos);
}

TEST(ClientDoctor, WhatFollowsAFailureIsNotTriedAndSaysWhatItNeeds) {
  auto news = news_up_to(resolve);
  news.push_back({route, kServer, false, "Network is unreachable"});
  const auto checks = checks_of(config(), news);
  EXPECT_EQ(check_at(checks, route).outcome, Outcome::failed);
  EXPECT_EQ(check_at(checks, connect).text, "needs route");
  EXPECT_EQ(check_at(checks, agent).text, "needs login");
  for (const ExamStep step : {connect, banner, host_key, login, agent}) {
    EXPECT_EQ(check_at(checks, step).outcome, Outcome::not_tried) << step_name(step);
  }
  EXPECT_EQ(check_at(checks, target).outcome, Outcome::good);
  EXPECT_FALSE(all_good(checks));
  EXPECT_NE(checks_text(checks).find("FAILED  route"), std::string::npos) << checks_text(checks);
}

TEST(ClientDoctor, AKeyThatCannotBeReadKeepsFromTheLoginAndNoSooner) {
  auto news = news_up_to(banner);
  std::ranges::find(news, key, &News::step)->is_good = false;
  const auto checks = checks_of(config(), news);
  EXPECT_EQ(check_at(checks, banner).outcome, Outcome::good);
  EXPECT_EQ(check_at(checks, host_key).text, "needs key");
}

TEST(ClientDoctor, EveryFailureHasACure) {
  for (int i = 0; i <= static_cast<int>(supervisor); ++i) {
    const auto step = static_cast<ExamStep>(i);
    const bool is_server = step >= known_hosts && step <= agent;
    const std::string about = is_server ? kServer : step == target ? "ssh" : "";
    const auto checks = checks_of(config(), {{step, about, false, "broken"}});
    EXPECT_FALSE(check_at(checks, step).cure.empty()) << step_name(step);
    const Outcome expected = step == libssh ? Outcome::warning : Outcome::failed;
    EXPECT_EQ(check_at(checks, step).outcome, expected) << step_name(step);
  }
  EXPECT_FALSE(bad_configuration("/etc/client.json", "line 1").cure.empty());
}

TEST(ClientDoctor, KnownHolesAreAWarningAndStopNoTunnel) {
  auto news = news_up_to(agent);
  LibsshBuild build{.version = "0.10.6-0+deb12u2", .crypto = "openssl"};
  build.known_holes = "CVE-2026-0967";
  *std::ranges::find(news, libssh, &News::step) = judge_libssh(build);
  const auto checks = checks_of(config(), news);
  EXPECT_NE(check_at(checks, libssh).text.find("CVE-2026-0967"), std::string::npos);
  EXPECT_TRUE(all_good(checks));
  EXPECT_NE(checks_text(checks).find("WARNING libssh"), std::string::npos) << checks_text(checks);
}

TEST(ClientDoctor, AnAgentFreeNodeIsNotAskedForAnAgent) {
  ClientConfig plain = config();
  plain.agent = false;
  const auto checks = checks_of(plain, news_up_to(login));
  EXPECT_TRUE(std::ranges::none_of(checks, [](const StepCheck& c) { return c.step == agent; }));
  EXPECT_TRUE(all_good(checks));
}

TEST(ClientDoctor, TheMachineIsJudged) {
  struct Case {
    ExamStep step;
    void (*spoil)(LocalFacts& facts);
  };
  const std::vector<Case> cases{
      {clock, [](LocalFacts& f) { f.now = WallTime{}; }},
      {run_dir, [](LocalFacts& f) { f.run_dir_problem = "Permission denied"; }},
      {state_dir, [](LocalFacts& f) { f.state_dir_problem = "Read-only file system"; }},
      {space, [](LocalFacts& f) { f.free_bytes = 1000; }},
      {supervisor,
       [](LocalFacts& f) {
         f.is_running = true;
         f.state = "degraded";
       }},
      {supervisor, [](LocalFacts& f) { f.is_running = true; }},
  };
  for (const Case& each : cases) {
    LocalFacts facts = machine();
    each.spoil(facts);
    for (const News& item : judge_machine(config(), facts)) {
      EXPECT_EQ(item.is_good, item.step != each.step) << step_name(item.step) << item.text;
    }
  }
}

TEST(ClientDoctor, NewsComeBackAsTheyWere) {
  const News news{host_key, "[::1]:22", false, "changed: \"a\"\\b"};
  const std::string line = encode(news);
  ASSERT_TRUE(line.ends_with('\n'));
  EXPECT_EQ(decode_news(std::string_view(line).substr(0, line.size() - 1)).value(), news);
  for (const char* bad :
       {"", "[]", "{}", "{\"step\":\"dance\",\"about\":\"\",\"ok\":true,\"text\":\"\"}",
        "{\"step\":\"key\",\"about\":7,\"ok\":true,\"text\":\"\"}"}) {
    EXPECT_FALSE(decode_news(bad)) << bad;
  }
}

}  // namespace
}  // namespace reversi::client
