// enroll: everything a node needs but the server's consent: the server's key pinned, a key of its own, a
// configuration. A second run finds all of it and changes nothing.

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>

#include "client/cli/config_option.h"
#include "client/cli/verbs.h"
#include "client/core/enrolment.h"
#include "client/core/forward_spec.h"
#include "client/io/config_file.h"
#include "client/io/enrol_files.h"
#include "client/io/worker_program.h"
#include "common/io/command.h"

namespace reversi::client {
namespace {

constexpr Millis kToolLimit{90'000};

struct EnrollOptions {
  std::shared_ptr<std::string> config;
  std::string login;
  std::string node;
  std::vector<std::string> forwards;
  std::string server_key;
  bool force = false;
};

/// What prints the true fingerprint on the server.
std::string how_to_compare(std::string_view type = "ssh-ed25519") {
  const std::string kind = type.starts_with("ecdsa") ? "ecdsa"
                           : type == "ssh-rsa"       ? "rsa"
                                                     : "ed25519";
  return "`ssh-keygen -lf /etc/ssh/ssh_host_" + kind + "_key.pub`";
}

std::string own_host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

Result<Enrolment> read_options(const EnrollOptions& options, const std::string& directory) {
  auto server = parse_login(options.login);
  if (!server) return fail(server.error());
  const std::string name = options.node.empty() ? node_name_from(own_host_name()) : options.node;
  const auto node = NodeName::parse(name);
  if (!node && options.node.empty()) {
    return fail(Errc::usage, "this machine's host name makes no node name; give --node NAME");
  }
  if (!node) return fail(Errc::usage, "--node: " + node.error().line());
  if (!options.server_key.empty() && !is_fingerprint(options.server_key)) {
    return fail(Errc::usage, "--server-key: expected SHA256: and 43 characters, as " +
                                 how_to_compare() + " prints it on the server");
  }
  Enrolment enrolment{
      name, *std::move(server), directory + "/id_ed25519", directory + "/known_hosts", {}};
  for (const std::string& text : options.forwards) {
    auto forward = parse_named_forward(text);
    if (!forward) return fail(forward.error());
    enrolment.forwards.push_back(*std::move(forward));
  }
  if (enrolment.forwards.empty()) enrolment.forwards.push_back(default_forward());
  // Two forwards of one name, and whatever else `check` would find later.
  const auto checked = parse_client_config(enrolment_config(enrolment), directory);
  if (!checked) return fail(Errc::usage, checked.error().line());
  return enrolment;
}

std::vector<std::string> split_words(std::string_view line) {
  std::vector<std::string> words;
  line = line.substr(0, line.find('\n'));
  while (!line.empty()) {
    const std::string_view word = line.substr(0, line.find(' '));
    if (!word.empty()) words.emplace_back(word);
    line.remove_prefix(std::min(line.size(), word.size() + 1));
  }
  return words;
}

/// The words of the line that one of the worker's tools prints.
Result<std::vector<std::string>> ask_worker(std::vector<std::string> words, std::size_t least) {
  const auto worker = find_worker();
  if (!worker) return fail(worker.error());
  const std::string tool = words.front();
  words.insert(words.begin(), worker->begin(), worker->end());
  const auto done = run_command(words, {.time = kToolLimit});
  if (!done) return fail(done.error());
  if (!done->is_ok()) return fail(Errc::refused, done->why());
  const std::vector<std::string> answer = split_words(done->out);
  if (answer.size() >= least) return answer;
  return fail(Errc::protocol, "the worker's " + tool + ": an answer that cannot be");
}

/// Somebody at the terminal compares; only a yes or the fingerprint itself counts.
Result<void> confirm(const Endpoint& server, const std::string& type, const std::string& print) {
  if (::isatty(STDIN_FILENO) == 0) {
    return fail(Errc::usage,
                "nobody is here to compare the server's host key: give --server-key "
                "SHA256:…, which " +
                    how_to_compare() + " prints on the server");
  }
  std::printf(
      "%s shows the host key\n  %s %s\nOn the server, %s prints the true one.\n"
      "Are they the same? (yes/no) ",
      format_endpoint(server).c_str(), type.c_str(), print.c_str(), how_to_compare(type).c_str());
  std::fflush(stdout);
  std::array<char, 128> line{};
  std::string answer = std::fgets(line.data(), line.size(), stdin) == nullptr ? "" : line.data();
  while (answer.ends_with('\n') || answer.ends_with('\r')) answer.pop_back();
  if (answer == "yes" || answer == print) return {};
  return fail(Errc::refused, "the host key was not confirmed; nothing was written");
}

Result<void> pin_server(const Enrolment& enrolment, const std::string& wanted) {
  const Endpoint& server = enrolment.server.endpoint;
  std::vector<std::string> words{"host-key", server.host, std::to_string(server.port),
                                 enrolment.known_hosts_file};
  if (!wanted.empty()) words.push_back(wanted);
  const auto shown = ask_worker(words, 5);
  if (!shown) return fail(shown.error());
  const std::string& print = shown->at(1);
  const std::string& type = shown->at(2);
  if (shown->at(0) == "pinned") return {};
  if (wanted.empty()) {
    if (auto ok = confirm(server, type, print); !ok) return ok;
  }
  return add_known_host(enrolment.known_hosts_file, shown->at(4) + ' ' + type + ' ' + shown->at(3));
}

/// The first login, so that the key waits for approval from now on.
std::string knock(const Enrolment& enrolment) {
  const ServerConfig& server = enrolment.server;
  const auto answer =
      ask_worker({"knock", server.endpoint.host, std::to_string(server.endpoint.port), server.user,
                  enrolment.known_hosts_file, enrolment.identity_file},
                 1);
  if (!answer) return "knocked:     " + answer.error().line();
  return answer->at(0) == "accepted" ? "knocked:     the server takes the key already"
                                     : "knocked:     the server does not take the key yet";
}

Result<ExitCode> enroll(const EnrollOptions& options) {
  std::error_code failed;
  const std::string path = std::filesystem::absolute(*options.config, failed).lexically_normal();
  if (failed) return fail(Errc::io, *options.config + ": " + failed.message());
  const auto enrolment = read_options(options, std::filesystem::path(path).parent_path());
  if (!enrolment) return fail(enrolment.error());
  const std::string text = enrolment_config(*enrolment);
  const auto present = compare_config(path, text);
  if (!present) return fail(present.error());
  if (*present == Present::other && !options.force) {
    return fail(Errc::exists, path + ": says something else; --force replaces it");
  }
  if (auto ok = pin_server(*enrolment, options.server_key); !ok) return fail(ok.error());
  const auto key = ask_worker({"own-key", enrolment->identity_file}, 4);
  if (!key) return fail(key.error());
  if (*present != Present::same) {
    if (auto ok = write_config(path, text); !ok) return fail(ok.error());
  }
  if (const auto loaded = load_config(path); !loaded) return fail(loaded.error());
  const std::string& print = key->at(1);
  const std::string run = path == default_config_path() ? "" : " --config " + path;
  std::printf(
      "node:        %s\nconfigured:  %s\npublic key:  %s %s\nfingerprint: %s\n%s\n\n"
      "On the server:\n  %s\nHere, before or after:\n  reversi-client run%s\n",
      enrolment->node.c_str(), path.c_str(), key->at(2).c_str(), key->at(3).c_str(), print.c_str(),
      knock(*enrolment).c_str(), approve_command(*enrolment, print).c_str(), run.c_str());
  return ExitCode::done;
}

}  // namespace

Run enroll_verb(Options& add) {
  auto options = std::make_shared<EnrollOptions>();
  add.text("LOGIN", options->login, "The account at the server, as ssh takes it.",
           "USER@HOST[:PORT]", Need::required);
  add.text("--node", options->node, "This node's name; default: made of the host name.", "NAME");
  add.list("--forward", options->forwards,
           "What to expose, ssh=127.0.0.1:22 by default; or in ssh's spelling, "
           "NAME=[bind:]port:host:hostport.",
           "NAME=HOST:PORT");
  add.text("--server-key", options->server_key,
           "The server's host key, instead of a question on the terminal.", "SHA256:HASH");
  options->config = add_config_option(add);
  add.flag("--force", options->force, "Replace a configuration that says something else.");
  return [options] { return enroll(*options); };
}

}  // namespace reversi::client
