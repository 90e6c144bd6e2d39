#include "server/cli/agent.h"

#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "server/core/grants.h"
#include "server/io/agent.h"

namespace reversi::server {
namespace {

struct Arguments {
  std::string node;
  std::vector<std::string> grants;
  std::string state_dir;
  std::string key;
};

/// sshd hands on what the client may set (AcceptEnv LC_*): the agent wants none of it.
std::string sanitise_environment() {
  const char* connection = std::getenv("SSH_CONNECTION");
  std::string kept = connection == nullptr ? "" : connection;
  ::clearenv();
  return kept;
}

Result<ExitCode> run(const Arguments& arguments) {
  auto node = NodeName::parse(arguments.node);
  if (!node) return fail(node.error());
  AgentOptions options{*std::move(node),       {}, arguments.state_dir, arguments.key,
                       sanitise_environment(), {}};
  for (const std::string& text : arguments.grants) {
    auto grant = parse_grant(text);
    if (grant) {
      options.grants.push_back(*std::move(grant));
    } else {
      // One forward less; without an agent there would be none.
      options.problem = Error(grant.error()).in("forced command: --grant left out").line();
    }
  }
  return run_agent(options);
}

}  // namespace

Run agent_verb(Options& add) {
  auto arguments = std::make_shared<Arguments>();
  add.text("--node", arguments->node, "The node that the key belongs to.", "NAME", Need::required);
  add.list("--grant", arguments->grants,
           "A forward of the node and its port, if node.json cannot be read.", "NAME=PORT");
  add.text("--key", arguments->key, "The key that was logged in with, if it is in rotation.",
           "BLOB");
  add.text("--state-dir", arguments->state_dir, "The state directory.", "DIR", Need::required);
  return [arguments] { return run(*arguments); };
}

}  // namespace reversi::server
