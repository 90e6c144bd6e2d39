#include "server/core/sshd_dropin.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "server/core/take_line.h"

namespace reversi::server {
namespace {

constexpr int kStartupsOfAFleet = 200;
constexpr int kMostStartupsOfAFleet = 400;
constexpr std::string_view kBlankOrQuote = " \t\r\"";

constexpr std::string_view kAccountSettings = R"(    AuthenticationMethods publickey
    # "yes", not "remote": the canary is a local forward to the node's own port.
    AllowTcpForwarding yes
    AllowStreamLocalForwarding no
    GatewayPorts no
    AllowAgentForwarding no
    X11Forwarding no
    PermitTunnel no
    PermitTTY no
    PermitUserRC no
    MaxSessions 2
    MaxAuthTries 2
    # A backstop only: the agent's dead-man switch is quicker.
    ClientAliveInterval 300
    ClientAliveCountMax 2
    LogLevel VERBOSE
Match all
)";

bool is_plain_path(std::string_view path) {
  return path.starts_with('/') && std::ranges::all_of(path, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  std::string_view("/._+-").find(c) != std::string_view::npos;
         });
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::vector<std::string_view> setting_words(std::string_view line) {
  std::vector<std::string_view> words;
  for (;;) {
    line.remove_prefix(std::min(line.find_first_not_of(kBlankOrQuote), line.size()));
    if (line.empty() || line.front() == '#') return words;
    const std::size_t end = std::min(line.find_first_of(kBlankOrQuote), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

bool is_keyword(const std::vector<std::string_view>& words, std::string_view keyword) {
  return !words.empty() && lower(words.front()) == keyword;
}

/// The rest of an Include's pattern below the directory, if it is one of there: "*.conf". A relative
/// pattern starts in /etc/ssh.
std::string below(std::string_view pattern, const std::string& directory) {
  const std::string whole =
      pattern.starts_with('/') ? std::string(pattern) : "/etc/ssh/" + std::string(pattern);
  return whole.starts_with(directory + '/') ? whole.substr(directory.size() + 1) : "";
}

}  // namespace

Result<std::string> dropin_text(const DropIn& dropin) {
  for (const std::string* path : {&dropin.executable, &dropin.state_dir}) {
    if (is_plain_path(*path)) continue;
    return fail(Errc::config, printable(*path) +
                                  ": only letters, digits and /._+- can stand in "
                                  "sshd's configuration unquoted; move it");
  }
  std::string text =
      "# Written by `reversi-server setup --system`: sshd for the account that nodes log in "
      "to.\n\n";
  if (!dropin.max_startups.empty()) {
    text += "# " + dropin.max_startups.substr(0, dropin.max_startups.find(':')) +
            " logins may be in progress at once: a fleet that lost its server comes back "
            "together.\n"
            "MaxStartups " +
            dropin.max_startups + "\n\n";
  }
  text += "Match User " + dropin.account + "\n    AuthorizedKeysCommand " + dropin.executable +
          " keys --state-dir " + dropin.state_dir + " %f %t %k" +
          (dropin.has_connection ? " %C" : "") + "\n    AuthorizedKeysCommandUser " +
          dropin.account + '\n';
  return text + std::string(kAccountSettings);
}

std::string raised_max_startups(std::string_view effective) {
  std::array<int, 3> numbers{};
  const char* at = effective.data();
  const char* const end = at + effective.size();
  for (int& number : numbers) {
    if (&number != numbers.data() && (at == end || *at++ != ':')) return {};
    const auto [rest, error] = std::from_chars(at, end, number);
    if (error != std::errc{}) return {};
    at = rest;
  }
  if (at != end) return {};
  const auto [start, rate, full] = numbers;
  return std::to_string(std::max(start, kStartupsOfAFleet)) + ':' + std::to_string(rate) + ':' +
         std::to_string(std::max(full, kMostStartupsOfAFleet));
}

std::string effective_value(std::string_view settings, std::string_view keyword) {
  while (!settings.empty()) {
    const auto words = setting_words(take_line(settings));
    if (words.size() > 1 && is_keyword(words, keyword)) return std::string(words[1]);
  }
  return {};
}

bool includes_directory(std::string_view config, const std::string& directory) {
  while (!config.empty()) {
    const auto words = setting_words(take_line(config));
    if (is_keyword(words, "match")) return false;
    if (!is_keyword(words, "include")) continue;
    const bool found = std::any_of(words.begin() + 1, words.end(), [&](std::string_view pattern) {
      return below(pattern, directory) == "*.conf" || below(pattern, directory) == "*";
    });
    if (found) return true;
  }
  return false;
}

std::string redirect_includes(std::string_view config, const std::string& from,
                              const std::string& to) {
  std::string text;
  while (!config.empty()) {
    const std::string_view line = take_line(config);
    const auto words = setting_words(line);
    if (!is_keyword(words, "include")) {
      text += std::string(line) + '\n';
      continue;
    }
    text += "Include";
    for (std::size_t i = 1; i < words.size(); ++i) {
      const std::string rest = below(words[i], from);
      text += ' ' + (rest.empty() ? std::string(words[i]) : to + '/' + rest);
    }
    text += '\n';
  }
  return text;
}

}  // namespace reversi::server
