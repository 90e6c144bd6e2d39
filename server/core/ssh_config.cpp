#include "server/core/ssh_config.h"

#include <algorithm>

#include "server/core/client_kit.h"

namespace reversi::server {
namespace {

constexpr std::size_t kMostLogin = 32;

bool is_login_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

std::string verdict_of(const SshHost& host, const NodeForward& forward) {
  const auto found =
      std::ranges::find(host.status.forwards, forward.name.text(), &ForwardStatus::name);
  const Verdict verdict = found == host.status.forwards.end() ? Verdict::unknown : found->verdict;
  return std::string(verdict_name(verdict));
}

std::string block(const SshHost& host, const NodeForward& ssh, const SshConfigOptions& options) {
  // localhost is the server's: ssh asks the jump host to connect there.
  std::string text = "\nHost " + host.node.text() + "\n    HostName localhost\n    Port " +
                     std::to_string(ssh.port) + "\n    HostKeyAlias " + host.node.text() + '\n';
  if (!options.jump.empty()) text += "    ProxyJump " + options.jump + '\n';
  if (!options.user.empty()) text += "    User " + options.user + '\n';
  for (const NodeForward& forward : host.record->forwards) {
    if (&forward == &ssh) continue;
    text += "    # " + forward.name.text() + ' ' + std::to_string(forward.port) + ' ' +
            verdict_of(host, forward) + '\n';
  }
  return text;
}

std::string left_out(const SshHost& host, const std::string& why) {
  return "\n# " + host.node.text() + ": " + why + '\n';
}

std::string no_ssh(const SshHost& host) {
  std::string why = "no forward leads to its sshd";
  for (const NodeForward& forward : host.record->forwards) {
    why += "; " + forward.name.text() + ' ' + std::to_string(forward.port) + ' ' +
           verdict_of(host, forward);
  }
  return left_out(host, why);
}

}  // namespace

Result<std::string> parse_login(std::string_view text) {
  const bool is_name = !text.empty() && text.size() <= kMostLogin && text.front() != '-' &&
                       std::ranges::all_of(text, is_login_character);
  if (is_name) return std::string(text);
  return fail(Errc::usage, "\"" + printable(text, 60) +
                               "\" is no login name: letters, digits, \".\", \"_\" and \"-\", at "
                               "most 32");
}

Result<std::string> jump_of(const Endpoint& server) {
  // ssh expands "%" here, and takes what begins with "-" for an option.
  if (server.host.starts_with('-') || server.host.find('%') != std::string::npos) {
    return fail(Errc::usage, "\"" + printable(server.host, 80) + "\" cannot stand in ProxyJump");
  }
  if (server.port != kSshPort) return format_endpoint(server);
  const bool is_v6 = server.host.find(':') != std::string::npos;
  return is_v6 ? '[' + server.host + ']' : server.host;
}

Result<std::string> parse_jump(std::string_view text) {
  const auto in_context = [&](const Error& error) {
    return fail(Error{Errc::usage, error.line()}.in("--jump " + printable(text, 80)));
  };
  std::string user;
  std::string_view rest = text;
  if (const std::size_t at = text.find('@'); at != std::string_view::npos) {
    auto login = parse_login(text.substr(0, at));
    if (!login) return in_context(login.error());
    user = *std::move(login) + '@';
    rest.remove_prefix(at + 1);
  }
  const auto server = parse_address(rest);
  if (!server) {
    return in_context(
        {Errc::usage, "expected [USER@]HOST[:PORT], or \"none\" on the server itself"});
  }
  const auto jump = jump_of(*server);
  if (!jump) return in_context(jump.error());
  return user + *jump;
}

const NodeForward* ssh_forward(const NodeRecord& record) {
  if (const NodeForward* named = find_forward(record, "ssh")) return named;
  const auto found = std::ranges::find_if(record.forwards, [](const NodeForward& forward) {
    return forward.expect && forward.expect->kind == Expect::Kind::banner &&
           forward.expect->match.starts_with("SSH-");
  });
  return found == record.forwards.end() ? nullptr : &*found;
}

std::string ssh_config_text(const std::vector<SshHost>& hosts, const SshConfigOptions& options) {
  std::string text =
      "# Written by reversi-server ssh-config; write it again when nodes or ports change.\n"
      "# In ~/.ssh/config, before any Host line: Include ~/.ssh/reversi.config\n";
  if (options.jump.empty()) {
    text += "# For use on the server itself; for another machine: --jump [USER@]HOST[:PORT]\n";
  }
  for (const SshHost& host : hosts) {
    if (!host.record) {
      text += left_out(host, "its node.json cannot be read; see reversi-server status");
    } else if (!host.record->enabled) {
      text += left_out(host, "disabled");
    } else if (const NodeForward* ssh = ssh_forward(*host.record)) {
      text += block(host, *ssh, options);
    } else {
      text += no_ssh(host);
    }
  }
  return text;
}

}  // namespace reversi::server
