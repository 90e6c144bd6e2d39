#include "client/cli/verbs.h"

#include <array>

namespace reversi::client {

const Program& client_program() {
  static constexpr auto kVerbs = std::to_array<Verb>({
      {"run", "Keep the node's tunnel up, in the foreground.", run_verb,
       "reversi-client run --config /etc/reversi/client.json"},
      {"ensure", "For cron: see that a supervisor runs and does not hang.", ensure_verb,
       "* * * * * /usr/bin/reversi-client ensure"},
      {"status", "Say how the tunnel is: exit 0 up, 1 degraded or down, 3 not running.",
       status_verb, "reversi-client status\nreversi-client status --json | jq .forwards"},
      {"check", "Parse the configuration and say what would be done.", check_verb,
       "reversi-client check --config ./client.json"},
      {"stop", "End the supervisor and its tunnel.", stop_verb, "reversi-client stop"},
      {"reload", "Read the configuration again; the tunnel stays up if it can.", reload_verb,
       "reversi-client reload"},
      {"restart-tunnel", "Begin a new session now, whatever the back-off.", restart_tunnel_verb,
       "reversi-client restart-tunnel"},
      {"doctor",
       "Find what would stop a tunnel here: exit 0 nothing, 1 something, 3 configuration.",
       doctor_verb, "reversi-client doctor\nreversi-client doctor --json | jq .checks"},
      {"import autossh", "Make a configuration from the arguments of autossh, or of ssh in a loop.",
       import_autossh_verb,
       "reversi-client import autossh -- -M 0 -N -R 20001:localhost:22 reversi@tunnel.example.org"},
      {"import sshtunnel", "Make a configuration from OpenWrt's /etc/config/sshtunnel.",
       import_sshtunnel_verb,
       "reversi-client import sshtunnel /etc/config/sshtunnel --out /etc/reversi/client.json"},
      {"import reversi", "Make a configuration from a .rev file of the scripts of 2018.",
       import_reversi_verb, "reversi-client import reversi cam-07.rev"},
      {"keygen", "Make the node's ed25519 key and print its public half.", keygen_verb,
       "reversi-client keygen --out /etc/reversi/id_ed25519"},
      {"enroll", "Make this machine a node: pin the server, make a key, write the configuration.",
       enroll_verb,
       "reversi-client enroll reversi@tunnel.example.org\n"
       "reversi-client enroll reversi@tunnel.example.org:2222 --node cam-07 \\\n"
       "    --forward ssh=127.0.0.1:22 --forward cam=192.168.1.20:80 \\\n"
       "    --server-key SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"},
      {"version", "Print the version.", version_verb, "reversi-client version"},
  });
  static constexpr Program kProgram{
      "reversi-client", "Keeps this node reachable through a supervised reverse SSH tunnel.",
      kVerbs};
  return kProgram;
}

}  // namespace reversi::client
