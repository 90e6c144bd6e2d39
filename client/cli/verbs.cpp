#include "client/cli/verbs.h"

#include <array>

namespace reversi::client {

const Program& client_program() {
  static constexpr auto kVerbs = std::to_array<Verb>({
      {"run", "Keep the node's tunnel up, in the foreground.", run_verb,
       "reversi-client run --config /etc/reversi/client.json"},
      {"status", "Say how the tunnel is: exit 0 up, 1 degraded or down, 3 not running.",
       status_verb, "reversi-client status\nreversi-client status --json | jq .forwards"},
      {"check", "Parse the configuration and say what would be done.", check_verb,
       "reversi-client check --config ./client.json"},
      {"stop", "End the supervisor and its tunnel.", stop_verb, "reversi-client stop"},
      {"reload", "Read the configuration again; the tunnel stays up if it can.", reload_verb,
       "reversi-client reload"},
      {"restart-tunnel", "Begin a new session now, whatever the back-off.", restart_tunnel_verb,
       "reversi-client restart-tunnel"},
      {"keygen", "Make the node's ed25519 key and print its public half.", keygen_verb,
       "reversi-client keygen --out /etc/reversi/id_ed25519"},
      {"version", "Print the version.", version_verb, "reversi-client version"},
  });
  static constexpr Program kProgram{
      "reversi-client", "Keeps this node reachable through a supervised reverse SSH tunnel.",
      kVerbs};
  return kProgram;
}

}  // namespace reversi::client
